/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/coding/constellation.h"
#include "phy/coding/crc.h"
#include "phy/coding/interleaver.h"
#include "phy/coding/scrambler.h"
#include "phy/fast_math.h"
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace gr::semcom::phy;
namespace data = boost::unit_test::data;

static std::vector<uint8_t> to_bits(const std::string& text, bool lowest_first)
{
    std::vector<uint8_t> bits;
    for (const unsigned char c : text)
        for (int i = 0; i < 8; i++)
            bits.push_back((c >> (lowest_first ? i : 7 - i)) & 1);
    return bits;
}

static std::vector<uint8_t> random_bits(size_t count, unsigned seed)
{
    std::mt19937 generator(seed);
    std::vector<uint8_t> bits(count);
    for (auto& bit : bits)
        bit = generator() & 1;
    return bits;
}

BOOST_AUTO_TEST_CASE(checks_of_the_digits_are_the_published_ones)
{
    const auto bits = to_bits("123456789", false);
    BOOST_TEST(crc(16).compute(bits.data(), bits.size()) == 0x29b1u);
    BOOST_TEST(crc(24).compute(bits.data(), bits.size()) == 0xcde703u);
    // 0xcbf43926 is written with the first bit lowest.
    const auto reversed = to_bits("123456789", true);
    const uint32_t check = crc(32).compute(reversed.data(), reversed.size());
    uint32_t mirrored = 0;
    for (int i = 0; i < 32; i++)
        mirrored |= ((check >> (31 - i)) & 1) << i;
    BOOST_TEST(mirrored == 0xcbf43926u);
}

//! Long division of the message, followed by zeros, by the generator.
static uint32_t
divide(std::vector<uint8_t> bits, int width, uint64_t generator, bool ones)
{
    const size_t count = bits.size();
    bits.resize(count + width, 0);
    for (int i = 0; ones && i < width; i++)
        bits[i] ^= 1;
    for (size_t i = 0; i < count; i++)
        for (int j = 0; bits[i] && j <= width; j++)
            bits[i + width - j] ^= (generator >> j) & (j < width ? 1 : 0);
    uint32_t rest = 0;
    for (int i = 0; i < width; i++)
        rest = (rest << 1) | bits[count + i];
    return rest;
}

BOOST_AUTO_TEST_CASE(checks_are_the_rest_of_a_long_division)
{
    for (const size_t count : { 32, 33, 100, 486 }) {
        const auto bits = random_bits(count, count);
        BOOST_TEST(crc(16).compute(bits.data(), count) ==
                   divide(bits, 16, 0x11021, true));
        BOOST_TEST(crc(24).compute(bits.data(), count) ==
                   divide(bits, 24, 0x1864cfb, false));
        BOOST_TEST(~crc(32).compute(bits.data(), count) ==
                   divide(bits, 32, 0x104c11db7, true));
    }
}

BOOST_AUTO_TEST_CASE(a_check_holds_until_a_bit_flips)
{
    for (const int width : { 16, 24, 32 }) {
        auto bits = random_bits(100 + width, 7);
        const crc check(width);
        check.append(bits.data(), 100);
        BOOST_TEST(check.holds(bits.data(), 100));
        for (auto& bit : bits) {
            bit ^= 1;
            BOOST_TEST(!check.holds(bits.data(), 100));
            bit ^= 1;
        }
    }
    BOOST_CHECK_THROW(crc(8), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(the_scrambler_is_that_of_the_standard)
{
    // IEEE Std 802.11-2016, 17.3.5.5: the sequence from all ones begins like this.
    const std::string begin = "00001110111100101100100100000010";
    for (size_t i = 0; i < begin.size(); i++)
        BOOST_TEST(scrambler_sequence()[i] == begin[i] - '0');
    const uint8_t* sequence = scrambler_sequence();
    for (size_t i = 7; i < scrambler_period; i++)
        BOOST_TEST(sequence[i] == (sequence[i - 7] ^ sequence[i - 4]));
    for (const uint64_t position : { 0, 1, 126, 127, 1000 }) {
        std::vector<uint8_t> bits(300, 0);
        scramble(bits.data(), bits.size(), position);
        for (size_t i = 0; i < bits.size(); i++)
            BOOST_TEST(bits[i] == sequence[(position + i) % 127]);
    }
}

BOOST_AUTO_TEST_CASE(the_interleaver_parts_neighbours_in_frames_of_any_length)
{
    for (uint64_t length = 1; length <= 20000; length++) {
        const interleaver order(length);
        const uint64_t a = order.multiplier();
        // By trial: shifts d of which d and a d mod N are both small.
        uint64_t spread = length;
        for (uint64_t d = 1; d < spread && d <= length / 2; d++) {
            const uint64_t moved = a * d % length;
            spread = std::min(spread, std::max(d, std::min(moved, length - moved)));
        }
        if (length > 1 && order.spread() != spread)
            BOOST_ERROR("spread of " << length << ": " << order.spread() << " "
                                     << spread);
        if (spread < (length < 20 ? 0.4 : 0.6) * std::sqrt(static_cast<double>(length)))
            BOOST_ERROR("length " << length << " has a spread of " << spread);
    }
}

BOOST_AUTO_TEST_CASE(the_interleaver_is_a_permutation)
{
    for (uint64_t length : { 1, 2, 3, 648, 999, 4096, 100003 }) {
        const interleaver order(length);
        std::vector<bool> taken(length, false);
        for (uint64_t i = 0; i < length; i++)
            taken[i * order.multiplier() % length] = true;
        BOOST_TEST(std::count(taken.begin(), taken.end(), true) ==
                   static_cast<long>(length));
    }
}

static const char* modulations[] = { "bpsk", "qpsk", "16qam", "64qam", "256qam" };

BOOST_DATA_TEST_CASE(neighbours_in_a_constellation_differ_in_one_bit,
                     data::make(modulations),
                     name)
{
    const constellation mapper(name);
    const int count = 1 << mapper.bits();
    std::vector<uint8_t> bits;
    for (int i = 0; i < count; i++)
        for (int bit = mapper.bits() - 1; bit >= 0; bit--)
            bits.push_back((i >> bit) & 1);
    std::vector<std::complex<float>> points(count);
    mapper.map(bits.data(), count, points.data());
    double power = 0;
    float nearest = INFINITY;
    for (int i = 0; i < count; i++) {
        power += std::norm(points[i]) / count;
        for (int j = 0; j < i; j++)
            nearest = std::min(nearest, std::abs(points[i] - points[j]));
    }
    BOOST_TEST(power == 1.0, boost::test_tools::tolerance(1e-6));
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (std::abs(points[i] - points[j]) < 1.01f * nearest)
                BOOST_TEST(__builtin_popcount(i ^ j) == 1);
    // The first bit of each part is its sign.
    BOOST_TEST(points[0].real() < 0);
    BOOST_TEST(points[count - 1].real() > 0);
}

BOOST_DATA_TEST_CASE(the_demapper_answers_degenerate_input,
                     data::make(modulations) * data::make({ "exact", "max_log" }),
                     name,
                     method)
{
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    const constellation mapper(name);
    const std::vector<std::complex<float>> symbols = { { nan, 0 },       { 0, INFINITY },
                                                       { 1, 1 },         { 1, 1 },
                                                       { 1, 1 },         { 0.9f, -0.8f },
                                                       { 3e38f, -3e38f }, { 0.9f, -0.8f } };
    const std::vector<float> noise = { 1, 1, INFINITY, nan, -1, 0, 0, -0.0f };
    const int b = mapper.bits();
    std::vector<float> llrs(symbols.size() * b);
    mapper.demap(
        symbols.data(), noise.data(), symbols.size(), parse_demap(method), llrs.data());
    for (int i = 0; i < 5 * b; i++)
        BOOST_TEST(llrs[i] == 0);
    for (size_t i = 5 * b; i < llrs.size(); i++)
        BOOST_TEST(std::abs(llrs[i]) == certain_llr);
    BOOST_TEST(llrs[5 * b] < 0);
    BOOST_TEST((b == 1 || llrs[5 * b + b / 2] > 0));
    for (int i = 0; i < b; i++) // no noise, whatever its sign
        BOOST_TEST(llrs[5 * b + i] == llrs[7 * b + i]);
}

BOOST_AUTO_TEST_CASE(the_exponential_is_that_of_the_library)
{
    for (float x = 0; x > -87; x -= 0.00137f)
        BOOST_TEST(exp_negative(x) == std::exp(x), boost::test_tools::tolerance(3e-7f));
    BOOST_TEST(exp_negative(-1e30f) < 1e-37f);
    BOOST_TEST(exp_negative(0) == 1.0f);
}
