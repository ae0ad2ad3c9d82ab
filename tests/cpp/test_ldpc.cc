/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/coding/ldpc_code.h"
#include "phy/coding/ldpc_decoder.h"
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace gr::semcom::phy;
namespace data = boost::unit_test::data;

static const auto codes =
    data::make({ "1/2", "2/3", "3/4", "5/6" }) * data::make({ 648, 1296, 1944 });

//! Checks of H that a word breaks, from the definition of the standard.
static int broken(const ldpc_code& code, const std::vector<uint8_t>& word)
{
    const int z = code.block_size();
    int count = 0;
    for (const auto& row : code.rows())
        for (int r = 0; r < z; r++) {
            int sum = 0;
            for (const auto& block : row)
                sum += word[block.column * z + (r + block.shift) % z];
            count += sum % 2;
        }
    return count;
}

static std::vector<uint8_t> random_word(const ldpc_code& code, unsigned seed)
{
    std::mt19937 generator(seed);
    std::vector<uint8_t> word(code.length());
    for (int i = 0; i < code.information_bits(); i++)
        word[i] = generator() & 1;
    code.encode(word.data());
    return word;
}

//! Ratios of a word sent as +-1 in normal noise.
static std::vector<float>
receive(const std::vector<uint8_t>& word, double variance, unsigned seed)
{
    std::mt19937 generator(seed);
    std::normal_distribution<double> noise(0, std::sqrt(variance));
    std::vector<float> llrs;
    for (const uint8_t bit : word)
        llrs.push_back(2 / variance * (1 - 2 * bit + noise(generator)));
    return llrs;
}

static bool same(const std::vector<int8_t>& decisions, const std::vector<uint8_t>& word)
{
    for (size_t i = 0; i < word.size(); i++)
        if (decisions[i] != 1 - 2 * word[i])
            return false;
    return true;
}

BOOST_DATA_TEST_CASE(the_prototypes_have_the_standards_structure, codes, rate, length)
{
    const ldpc_code code(rate, length);
    const int rows = static_cast<int>(code.rows().size()), first = 24 - rows;
    const double expected = std::stod(rate) / std::stod(std::string(rate).substr(2));
    BOOST_TEST(static_cast<double>(code.information_bits()) / code.length() == expected,
               boost::test_tools::tolerance(1e-9));
    std::vector<int> weight(24, 0);
    for (int row = 0; row < rows; row++) {
        std::vector<std::pair<int, int>> parity, found;
        if (row == 0 || row == rows - 1)
            parity.push_back({ first, 1 });
        if (row == rows / 2)
            parity.push_back({ first, 0 });
        for (const int step : { row, row + 1 })
            if (step > 0 && step < rows)
                parity.push_back({ first + step, 0 });
        for (const auto& block : code.rows()[row]) {
            BOOST_TEST((block.shift >= 0 && block.shift < code.block_size()));
            weight[block.column]++;
            if (block.column >= first)
                found.push_back({ block.column, block.shift });
        }
        BOOST_TEST((found == parity));
    }
    for (int column = 0; column < first; column++)
        BOOST_TEST(weight[column] >= 3);
}

//! Pairs of rows and columns of blocks whose shifts close a cycle of length four.
static int four_cycles(const ldpc_code& code)
{
    int count = 0;
    const auto& rows = code.rows();
    for (size_t i = 0; i < rows.size(); i++)
        for (size_t j = 0; j < i; j++) {
            std::vector<int> differences;
            for (const auto& a : rows[i])
                for (const auto& b : rows[j])
                    if (a.column == b.column)
                        differences.push_back((a.shift - b.shift + code.block_size()) %
                                              code.block_size());
            for (size_t x = 0; x < differences.size(); x++)
                for (size_t y = 0; y < x; y++)
                    count += differences[x] == differences[y];
        }
    return count;
}

BOOST_AUTO_TEST_CASE(the_prototypes_have_few_cycles_of_four)
{
    // A wrong shift would most likely close others. The published tables have these.
    for (const char* rate : { "1/2", "2/3", "3/4", "5/6" })
        for (const int length : { 648, 1296, 1944 }) {
            const std::string name = rate + std::string(" ") + std::to_string(length);
            const int known = name == "3/4 648" || name == "2/3 1296" ? 2
                              : name == "2/3 1944"                    ? 1
                                                                      : 0;
            BOOST_TEST(four_cycles(ldpc_code(rate, length)) == known, name);
        }
}

BOOST_DATA_TEST_CASE(encoded_words_break_no_check, codes, rate, length)
{
    const ldpc_code code(rate, length);
    for (unsigned seed = 0; seed < 20; seed++) {
        auto word = random_word(code, seed);
        BOOST_TEST(broken(code, word) == 0);
        word[seed * 7] ^= 1;
        BOOST_TEST(broken(code, word) >= 2);
    }
}

BOOST_DATA_TEST_CASE(a_word_survives_noise_and_erasures, codes, rate, length)
{
    const ldpc_code code(rate, length);
    ldpc_decoder decoder(code, 20);
    const double ratio = static_cast<double>(code.information_bits()) / length;
    const double variance = 1 / (2 * ratio * std::pow(10, 0.45));
    std::vector<int8_t> decisions(length);
    for (unsigned seed = 0; seed < 20; seed++) {
        const auto word = random_word(code, seed);
        BOOST_TEST(
            decoder.decode(receive(word, variance, seed).data(), decisions.data()).holds);
        BOOST_TEST(same(decisions, word));
        // A tenth of the parity was never heard, and one ratio is broken.
        auto llrs = receive(word, 1e-3, seed);
        std::fill_n(llrs.begin() + seed * 10, code.parity_bits() / 10, 0.0f);
        llrs[length - 1] = std::numeric_limits<float>::quiet_NaN();
        BOOST_TEST(decoder.decode(llrs.data(), decisions.data()).holds);
        BOOST_TEST(same(decisions, word));
    }
}

BOOST_DATA_TEST_CASE(nothing_heard_decides_nothing, codes, rate, length)
{
    const ldpc_code code(rate, length);
    ldpc_decoder decoder(code, 5);
    const std::vector<float> nothing(length, 0.0f);
    std::vector<int8_t> decisions(length, 7);
    BOOST_TEST(!decoder.decode(nothing.data(), decisions.data()).holds);
    for (const auto decision : decisions)
        BOOST_TEST(decision == 0);
}

BOOST_AUTO_TEST_CASE(it_stops_when_the_checks_hold)
{
    const ldpc_code code("3/4", 648);
    ldpc_decoder decoder(code, 20);
    const auto word = random_word(code, 3);
    std::vector<int8_t> decisions(648);
    const auto clear = decoder.decode(receive(word, 0.01, 1).data(), decisions.data());
    BOOST_TEST(clear.holds);
    BOOST_TEST(clear.iterations == 1);
    const auto lost = decoder.decode(receive(word, 10.0, 1).data(), decisions.data());
    BOOST_TEST(!lost.holds);
    BOOST_TEST(lost.iterations == 20);
}

/*!
 * The same algorithm on floating point numbers, check by check: of what the decoder does
 * in 16 bits and by vectors only the rounding may show.
 */
static int reference(const ldpc_code& code, std::vector<double> bits, int iterations)
{
    const int z = code.block_size();
    size_t edges = 0;
    for (const auto& row : code.rows())
        edges += row.size();
    std::vector<double> messages(edges * z, 0.0);
    for (int done = 1; done <= iterations; done++) {
        size_t edge = 0;
        for (const auto& row : code.rows()) {
            for (int r = 0; r < z; r++) {
                std::vector<double> heard;
                for (size_t e = 0; e < row.size(); e++)
                    heard.push_back(bits[row[e].column * z + (r + row[e].shift) % z] -
                                    messages[(edge + e) * z + r]);
                for (size_t e = 0; e < row.size(); e++) {
                    double said = 13.0 / 16;
                    double least = 128;
                    for (size_t other = 0; other < row.size(); other++)
                        if (other != e) {
                            least = std::min(least, std::abs(heard[other]));
                            said = heard[other] < 0 ? -said : said;
                        }
                    messages[(edge + e) * z + r] = said * least;
                    bits[row[e].column * z + (r + row[e].shift) % z] =
                        heard[e] + said * least;
                }
            }
            edge += row.size();
        }
        std::vector<uint8_t> word;
        for (const double bit : bits)
            word.push_back(bit < 0);
        if (broken(code, word) == 0)
            return done;
    }
    return 0;
}

BOOST_DATA_TEST_CASE(it_is_layered_min_sum, codes, rate, length)
{
    const ldpc_code code(rate, length);
    ldpc_decoder decoder(code, 20);
    const double ratio = static_cast<double>(code.information_bits()) / length;
    const double variance = 1 / (2 * ratio * std::pow(10, 0.35));
    std::vector<int8_t> decisions(length);
    int alike = 0;
    const int words = 20;
    for (unsigned seed = 0; seed < words; seed++) {
        const auto llrs = receive(random_word(code, seed), variance, seed);
        const auto outcome = decoder.decode(llrs.data(), decisions.data());
        const int expected =
            reference(code, std::vector<double>(llrs.begin(), llrs.end()), 20);
        alike += (outcome.holds ? outcome.iterations : 0) == expected;
    }
    BOOST_TEST(alike >= words - 3);
}

BOOST_AUTO_TEST_CASE(codes_that_are_not_there_are_refused)
{
    BOOST_CHECK_THROW(ldpc_code("3/4", 640), std::invalid_argument);
    BOOST_CHECK_THROW(ldpc_code("0.75", 648), std::invalid_argument);
}
