/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "air.h"
#include "phy/burst.h"
#include <boost/test/unit_test.hpp>
#include <string>

using namespace gr::semcom::phy;

/*!
 * The largest normalised correlation of a burst of preamble a (cut out of silence, cfo
 * from -0.02 to 0.02) with preamble b at any delay of \p nearest or more, tried at
 * frequencies of the same range: only the difference matters.
 */
static double worst_correlation(const samples& a, const samples& b, int nearest)
{
    const int length = static_cast<int>(a.size());
    double worst = 0.0;
    for (int side = -20; side <= 20; side++) {
        samples turned = b;
        for (int n = 0; n < length; n++)
            turned[n] = std::conj(b[n]) *
                        cfloat(std::polar(1.0, 2 * M_PI * side * n / (2.0 * length)));
        for (int lag = 1 - length; lag < length; lag++) {
            const int first = std::max(0, lag), last = std::min(length, length + lag);
            cfloat sum = 0.0f;
            for (int n = first; n < last; n++)
                sum += a[n] * turned[n - lag];
            if (std::abs(lag) >= nearest)
                worst = std::max(worst, std::norm(sum) / (1.0 * length * (last - first)));
        }
    }
    return worst;
}

BOOST_AUTO_TEST_CASE(preambles_have_unit_modulus_and_are_alike_nowhere_else)
{
    for (int k = 0; k < num_preambles; k++) {
        const auto a = make_preamble(k);
        BOOST_REQUIRE(a.size() == 253);
        for (const auto& symbol : a)
            BOOST_TEST(std::abs(std::abs(symbol) - 1.0f) < 1e-6f);
        for (int other = 0; other < num_preambles; other++) {
            const double worst =
                worst_correlation(a, make_preamble(other), other == k ? 3 : 0);
            BOOST_TEST(worst < (other == k ? 0.18 : 0.054));
        }
    }
}

BOOST_AUTO_TEST_CASE(repetitions_differ_by_sign_and_short_preambles_are_beginnings)
{
    const auto whole = make_preamble(1);
    const auto brief = make_preamble(1, 9);
    BOOST_REQUIRE(brief.size() == 99);
    BOOST_TEST(std::equal(brief.begin(), brief.end(), whole.begin()));
    for (size_t i = preamble_period; i < whole.size(); i++) {
        const auto ratio = whole[i] / whole[i % preamble_period];
        BOOST_TEST(std::abs(std::abs(ratio.real()) - 1.0f) < 1e-5f);
    }
    BOOST_CHECK_THROW(make_preamble(-1), std::invalid_argument);
    BOOST_CHECK_THROW(make_preamble(num_preambles), std::invalid_argument);
    BOOST_CHECK_THROW(make_preamble(0, 4), std::invalid_argument);
    BOOST_CHECK_THROW(make_preamble(0, 24), std::invalid_argument);
}

static bool same(const frame_header& a, const frame_header& b)
{
    return a.frame == b.frame && a.terminal == b.terminal && a.length == b.length &&
           a.system == b.system;
}

BOOST_AUTO_TEST_CASE(headers_return_at_any_scale)
{
    for (const frame_header& sent : { frame_header{ 0, 0, 0, 0 },
                                      frame_header{ 0xffffffff, 255, 65535, 255 },
                                      frame_header{ 0x12345678, 1, 640, 3 } })
        for (int repeats : { 1, 2, 4, 8 }) {
            auto symbols = encode_header(sent, repeats);
            BOOST_TEST(symbols.size() == static_cast<size_t>(86 * repeats));
            for (auto& symbol : symbols) {
                BOOST_TEST(std::abs(std::norm(symbol) - 1.0f) < 1e-5f);
                symbol *= 1e-3f;
            }
            const auto found = decode_header(symbols.data(), repeats);
            BOOST_TEST(found.ok);
            BOOST_TEST(same(found.value, sent));
        }
}

BOOST_AUTO_TEST_CASE(the_code_is_the_one_of_the_standards)
{
    // Without scrambler and interleaver: the impulse response of (133, 171) follows a
    // change of one bit; the CRC changes with it, so only the first 14 coded bits count.
    const auto a = encode_header({ 0, 0, 0, 0 }, 1);
    const auto b = encode_header({ 0x80000000, 0, 0, 0 }, 1);
    std::string changes;
    for (int c = 0; c < 14; c++) {
        int place = 0;
        while (61 * place % 172 != c)
            place++;
        const auto part = [&](const samples& s) {
            return place % 2 ? s[place / 2].imag() : s[place / 2].real();
        };
        changes += part(a) == part(b) ? '0' : '1';
    }
    BOOST_TEST(changes == "11011111001011"); // 1011011 and 1111001 in turn
}

static double header_error_rate(int repeats, double snr_db, int trials, uint64_t seed)
{
    draws rng(seed);
    int bad = 0;
    for (int t = 0; t < trials; t++) {
        const frame_header sent{ static_cast<uint32_t>(t) * 2654435761u,
                                 static_cast<uint8_t>(t % 2),
                                 static_cast<uint16_t>(t * 31),
                                 7 };
        auto symbols = encode_header(sent, repeats);
        const auto noise = rng.normal(symbols.size(), std::pow(10.0, -snr_db / 10.0));
        for (size_t i = 0; i < symbols.size(); i++)
            symbols[i] += noise[i];
        const auto found = decode_header(symbols.data(), repeats);
        bad += !found.ok || !same(found.value, sent);
        BOOST_TEST((!found.ok || same(found.value, sent))); // 2^-16 of the bad ones
    }
    return static_cast<double>(bad) / trials;
}

BOOST_AUTO_TEST_CASE(header_error_rates_are_those_documented)
{
    BOOST_TEST(std::fabs(header_error_rate(1, 2.0, 1500, 4) - 4.7e-2) < 0.02);
    BOOST_TEST(std::fabs(header_error_rate(2, -1.0, 1500, 5) - 4.5e-2) < 0.02);
    BOOST_TEST(std::fabs(header_error_rate(4, -4.0, 1500, 6) - 4.1e-2) < 0.02);
    BOOST_TEST(header_error_rate(4, -1.5, 2000, 7) <= 1e-3);
}

BOOST_AUTO_TEST_CASE(what_is_no_header_is_not_ok)
{
    samples symbols(86);
    BOOST_TEST(!decode_header(symbols.data(), 1).ok);
    symbols = encode_header({ 1, 1, 1, 1 }, 1);
    symbols[5] = std::nanf("");
    BOOST_TEST(!decode_header(symbols.data(), 1).ok);
    draws rng(8);
    int accepted = 0;
    for (int t = 0; t < 1000; t++)
        accepted += decode_header(rng.normal(86).data(), 1).ok;
    BOOST_TEST(accepted <= 1); // 0.015 expected
    BOOST_CHECK_THROW(encode_header({}, 0), std::invalid_argument);
    BOOST_CHECK_THROW(decode_header(symbols.data(), 9), std::invalid_argument);
}

//! A burst spelt out: a letter for each symbol by its value, '.' for silence.
static std::string spell(const samples& burst, const samples& head, size_t head_at)
{
    std::string text;
    for (size_t i = 0; i < burst.size(); i++) {
        const bool in_head = i >= head_at && i < head_at + head.size();
        const float value = burst[i].real();
        text += in_head && burst[i] == head[i - head_at] ? 'h'
                : value == 0.0f                          ? '.'
                : value == 10.0f                         ? 'P'
                                                         : 'x';
    }
    return text;
}

BOOST_AUTO_TEST_CASE(bursts_are_heads_in_turn_and_bodies_together)
{
    burst_layout layout;
    layout.users = 2;
    layout.first_code = 1;
    layout.preamble_repeats = 5;
    layout.header_repeats = 1;
    layout.gap = 3;
    layout.body = { 2, 4 };
    layout.guard = 5;
    const size_t head_length = 55 + 86;
    const std::string head(head_length, 'h'), gap(3, '.');
    const std::string silence(head_length, '.'), body = "PPxxxxPPxxPP.....";
    const samples row(2, 10.0f), payload(6, 20.0f);
    for (int user = 0; user < 2; user++) {
        const frame_header header{ 9, static_cast<uint8_t>(user), 6, 2 };
        const auto known = layout.head(user, header);
        const auto preamble = make_preamble(1 + user, 5);
        BOOST_TEST(std::equal(preamble.begin(), preamble.end(), known.begin()));
        const auto burst = assemble_burst(layout, user, header, row, payload);
        BOOST_TEST(spell(burst, known, layout.preamble_position(user)) ==
                   (user == 0 ? head : silence) + gap + (user == 0 ? silence : head) +
                       gap + body);
        BOOST_TEST(burst.size() == layout.total(6));
        const auto decoded =
            decode_header(&burst[layout.header_position(user)], layout.header_repeats);
        BOOST_TEST((decoded.ok && same(decoded.value, header)));
    }
    BOOST_TEST(layout.guard_position(6) == layout.total(6) - 5);
}

BOOST_AUTO_TEST_CASE(impossible_bursts_are_refused)
{
    const burst_layout good;
    const samples row(16, 1.0f), payload(100, 1.0f);
    const frame_header header{ 1, 0, 100, 0 };
    BOOST_CHECK_NO_THROW(assemble_burst(good, 0, header, row, payload));
    const auto refused = [&](const burst_layout& layout,
                             int user,
                             const frame_header& h,
                             const samples& pilots,
                             const samples& symbols) {
        BOOST_CHECK_THROW(assemble_burst(layout, user, h, pilots, symbols),
                          std::invalid_argument);
    };
    refused(good, 2, header, row, payload);
    refused(good, 0, { 1, 0, 99, 0 }, row, payload);
    refused(good, 0, header, samples(15, 1.0f), payload);
    refused(good, 0, { 1, 0, 0, 0 }, row, {});
    burst_layout wrong;
    wrong.first_code = 2; // user 1 has no code left
    refused(wrong, 0, header, row, payload);
    wrong = {};
    wrong.users = 4;
    refused(wrong, 0, header, row, payload);
    wrong = {};
    wrong.header_repeats = 0;
    refused(wrong, 0, header, row, payload);
}
