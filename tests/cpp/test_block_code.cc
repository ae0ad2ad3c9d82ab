/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/coding/block_code.h"
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <vector>

using namespace gr::semcom::phy;
namespace data = boost::unit_test::data;

static const auto modulations =
    data::make({ "bpsk", "qpsk", "16qam", "64qam", "256qam" });
static const auto rates = data::make({ "1/2", "2/3", "3/4", "5/6" });

BOOST_DATA_TEST_CASE(the_receiver_finds_the_senders_blocks,
                     modulations* rates* data::make({ 648, 1296, 1944 }) *
                         data::make({ 16, 24, 32 }) * data::make({ 1, 2, 4, 8 }),
                     modulation,
                     rate,
                     length,
                     check,
                     repetition)
{
    block_code_options options;
    options.modulation = modulation;
    options.rate = rate;
    options.length = length;
    options.crc = check;
    options.repetition = repetition;
    const block_code code(options);
    const ldpc_code ldpc(rate, length);
    const uint64_t most = ldpc.information_bits() - check;
    const uint64_t beside = ldpc.parity_bits() + check;
    const uint64_t b = code.symbol_bits();
    uint64_t before = 0;
    bool good = true;
    for (uint64_t bits = 1; bits <= 4000; bits++) {
        const uint64_t symbols = code.symbols(bits);
        const auto frame = code.payload(symbols);
        good &= frame.blocks == (bits + most - 1) / most; // as the sender cuts them
        good &= frame.bits <= most && frame.blocks * frame.bits >= bits;
        // All coded bits fit, and one more payload bit in each block would not.
        good &= frame.blocks * (frame.bits + beside) * repetition <= symbols * b;
        good &= frame.bits == most ||
                frame.blocks * (frame.bits + 1 + beside) * repetition > symbols * b;
        good &= symbols >= before && symbols >= code.symbols(1);
        if (symbols > before && before > 0)
            good &= code.largest(symbols - 1) == bits - 1;
        before = symbols;
    }
    BOOST_TEST(good);
    BOOST_TEST(code.largest(code.symbols(1) - 1) == 0u);
}

static std::vector<uint8_t> random_bits(size_t count, unsigned seed)
{
    std::mt19937 generator(seed);
    std::vector<uint8_t> bits(count);
    for (auto& bit : bits)
        bit = generator() & 1;
    return bits;
}

struct received {
    std::vector<uint8_t> bits, good;
};

static received decode(const block_code& code,
                       const std::vector<std::complex<float>>& symbols,
                       const std::vector<float>& noise)
{
    const auto frame = code.payload(symbols.size());
    std::vector<float> llrs(symbols.size() * code.symbol_bits());
    received out{ std::vector<uint8_t>(frame.blocks * frame.bits),
                  std::vector<uint8_t>(frame.blocks) };
    code.demap(symbols.data(), noise.data(), symbols.size(), llrs.data());
    code.decode(llrs.data(), symbols.size(), out.bits.data(), out.good.data());
    return out;
}

static bool all(const std::vector<uint8_t>& good)
{
    return std::count(good.begin(), good.end(), 1) == static_cast<long>(good.size());
}

BOOST_DATA_TEST_CASE(frames_of_any_length_pass_a_burst_of_lost_symbols,
                     modulations* data::make({ "1/2", "3/4" }) * data::make({ 1, 4 }),
                     modulation,
                     rate,
                     repetition)
{
    block_code_options options;
    options.modulation = modulation;
    options.rate = rate;
    options.repetition = repetition;
    const block_code code(options);
    for (const size_t count : { 1, 7, 307, 308, 309, 471, 1000, 5003 }) {
        const auto bits = random_bits(count, count);
        const auto symbols = code.encode(bits.data(), count);
        BOOST_TEST(symbols.size() == code.symbols(count));
        std::vector<float> noise(symbols.size(), 0.0f);
        std::fill_n(noise.begin() + symbols.size() / 3, symbols.size() / 10, INFINITY);
        const auto out = decode(code, symbols, noise);
        BOOST_TEST(all(out.good));
        BOOST_TEST(std::equal(bits.begin(), bits.end(), out.bits.begin()));
        BOOST_TEST(std::count(out.bits.begin() + count, out.bits.end(), 1) == 0);
    }
}

BOOST_DATA_TEST_CASE(nothing_heard_is_no_frame, modulations, modulation)
{
    block_code_options options;
    options.modulation = modulation;
    for (const int check : { 16, 24, 32 }) {
        options.crc = check;
        const block_code code(options);
        const auto bits = random_bits(1000, 5);
        const auto symbols = code.encode(bits.data(), bits.size());
        const auto out =
            decode(code, symbols, std::vector<float>(symbols.size(), INFINITY));
        BOOST_TEST(std::count(out.good.begin(), out.good.end(), 1) == 0);
        BOOST_TEST(std::count(out.bits.begin(), out.bits.end(), 1) == 0);
    }
}

BOOST_DATA_TEST_CASE(ratios_of_one_sign_are_no_frame, data::make({ 16, 24, 32 }), check)
{
    // The word of zeros is one of the code's: what speaks against it is the check.
    block_code_options options;
    options.crc = check;
    const block_code code(options);
    for (uint64_t bits = 1; bits <= 1200; bits++) {
        const uint64_t symbols = code.symbols(bits);
        const auto frame = code.payload(symbols);
        const std::vector<float> llrs(symbols * code.symbol_bits(), 10.0f);
        received out{ std::vector<uint8_t>(frame.blocks * frame.bits),
                      std::vector<uint8_t>(frame.blocks) };
        code.decode(llrs.data(), symbols, out.bits.data(), out.good.data());
        if (std::count(out.good.begin(), out.good.end(), 1) != 0)
            BOOST_ERROR("a frame of " << bits << " bits from nothing");
    }
}

BOOST_AUTO_TEST_CASE(repeats_add_up)
{
    // Eight times each bit, at a seventh of the power of one that would just do.
    block_code_options options;
    options.repetition = 8;
    options.rate = "1/2";
    const block_code code(options);
    const auto bits = random_bits(250, 9);
    auto symbols = code.encode(bits.data(), bits.size());
    const float variance = 8 / 2.0f; // Es/N0 3 dB after adding up
    std::mt19937 generator(4);
    std::normal_distribution<float> noise(0, std::sqrt(variance / 2));
    for (auto& symbol : symbols)
        symbol += std::complex<float>(noise(generator), noise(generator));
    const auto out = decode(code, symbols, std::vector<float>(symbols.size(), variance));
    BOOST_TEST(all(out.good));
    BOOST_TEST(std::equal(bits.begin(), bits.end(), out.bits.begin()));
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused)
{
    const auto make = [](auto change) {
        block_code_options options;
        change(options);
        return block_code(options);
    };
    BOOST_CHECK_THROW(make([](auto& o) { o.modulation = "8psk"; }),
                      std::invalid_argument);
    BOOST_CHECK_THROW(make([](auto& o) { o.rate = "7/8"; }), std::invalid_argument);
    BOOST_CHECK_THROW(make([](auto& o) { o.length = 0; }), std::invalid_argument);
    BOOST_CHECK_THROW(make([](auto& o) { o.crc = 8; }), std::invalid_argument);
    BOOST_CHECK_THROW(make([](auto& o) { o.repetition = 3; }), std::invalid_argument);
    BOOST_CHECK_THROW(make([](auto& o) { o.method = "soft"; }), std::invalid_argument);
    BOOST_CHECK_THROW(make([](auto& o) { o.iterations = 0; }), std::invalid_argument);
    const block_code code({});
    BOOST_CHECK_THROW(code.symbols(0), std::invalid_argument);
    std::vector<float> llrs(20);
    std::vector<uint8_t> out(20);
    BOOST_CHECK_THROW(code.decode(llrs.data(), 10, out.data(), out.data()),
                      std::invalid_argument);
}
