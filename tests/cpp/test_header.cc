/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "air.h"
#include "phy/burst/header.h"
#include <boost/test/unit_test.hpp>
#include <string>

using namespace gr::semcom::phy;

static bool same(const frame_header& a, const frame_header& b)
{
    return a.frame == b.frame && a.terminal == b.terminal && a.length == b.length &&
           a.system == b.system && a.fragment == b.fragment &&
           a.fragments == b.fragments && a.attempt == b.attempt;
}

BOOST_AUTO_TEST_CASE(headers_return_at_any_scale)
{
    for (const frame_header& sent :
         { frame_header{ 0, 0, 1, 0, 0, 1, 0 },
           frame_header{ 0xffffffff, 255, 0xffffffff, 255, 65534, 65535, 255 },
           frame_header{ 0x12345678, 1, 1000000, 3, 259, 772, 2 },
           frame_header{ 1, 2, 3, 4, 5, 6, 7 } })
        for (int repeats : { 1, 2, 4, 8 }) {
            auto symbols = encode_header(sent, repeats);
            BOOST_TEST(symbols.size() == static_cast<size_t>(150 * repeats));
            for (auto& symbol : symbols) {
                BOOST_TEST(std::abs(std::norm(symbol) - 1.0f) < 1e-5f);
                symbol *= 1e-3f;
            }
            const auto found = decode_header(symbols.data(), repeats);
            BOOST_TEST(found.ok);
            BOOST_TEST(found.version == 2);
            BOOST_TEST(same(found.value, sent));
            BOOST_TEST(
                (code_header(found.bits, repeats) == encode_header(sent, repeats)));
        }
}

BOOST_AUTO_TEST_CASE(the_code_is_the_one_of_the_standards)
{
    // Without scrambler and interleaver: the impulse response of (133, 171) follows a
    // change of one bit; the CRC changes with it, so only 14 coded bits count. The system
    // begins with bit 8.
    const auto a = encode_header({ 0, 0, 1, 0 }, 1);
    const auto b = encode_header({ 0, 0, 1, 0x80 }, 1);
    std::string changes;
    for (int c = 16; c < 30; c++) {
        int place = 0;
        while (61 * place % 300 != c)
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
                                 static_cast<uint32_t>(1 + t * 31),
                                 7,
                                 static_cast<uint16_t>(t % 3),
                                 3,
                                 static_cast<uint8_t>(t % 5) };
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
    BOOST_TEST(std::fabs(header_error_rate(1, 2.0, 1500, 4) - 8.3e-2) < 0.02);
    BOOST_TEST(std::fabs(header_error_rate(2, -1.0, 1500, 5) - 8.3e-2) < 0.02);
    BOOST_TEST(std::fabs(header_error_rate(4, -4.0, 1500, 6) - 8.3e-2) < 0.02);
    BOOST_TEST(header_error_rate(4, -1.5, 2000, 7) <= 1e-3);
}

BOOST_AUTO_TEST_CASE(what_is_no_header_is_not_ok)
{
    samples symbols(150);
    BOOST_TEST(!decode_header(symbols.data(), 1).ok);
    symbols = encode_header({ 1, 1, 1, 1 }, 1);
    symbols[5] = std::nanf("");
    BOOST_TEST(!decode_header(symbols.data(), 1).ok);
    draws rng(8);
    int accepted = 0;
    for (int t = 0; t < 1000; t++)
        accepted += decode_header(rng.normal(150).data(), 1).ok;
    BOOST_TEST(accepted <= 1); // 0.015 expected
    const frame_header good{ 1, 1, 1, 1 };
    BOOST_CHECK_THROW(encode_header(good, 0), std::invalid_argument);
    BOOST_CHECK_THROW(decode_header(symbols.data(), 9), std::invalid_argument);
    BOOST_CHECK_THROW(encode_header({ 1, 1, 0, 1 }, 1), std::invalid_argument);
    BOOST_CHECK_THROW(encode_header({ 1, 1, 1, 1, 2, 2 }, 1), std::invalid_argument);
}

//! A polynomial's remainder, bit by bit, of what is to be the message of a header.
static std::vector<uint8_t> with_crc(std::vector<uint8_t> bits)
{
    auto shifted = bits;
    shifted.resize(bits.size() + 16);
    for (int i = 0; i < 16; i++)
        shifted[i] ^= 1; // a register that starts with ones
    for (size_t i = 0; i < bits.size(); i++)
        if (shifted[i])
            for (int power : { 16, 12, 5, 0 })
                shifted[i + 16 - power] ^= 1;
    bits.insert(bits.end(), shifted.end() - 16, shifted.end());
    return bits;
}

//! What is known of a preamble without noise, for read_header().
static synchronisation exact()
{
    synchronisation found;
    found.found = true;
    found.cfo.variance = 1e-10;
    found.middle = 126.0;
    return found;
}

BOOST_AUTO_TEST_CASE(other_versions_are_told_and_not_read)
{
    draws rng(9);
    const auto noisy = [&](samples symbols) {
        symbols.resize(600); // whatever follows a shorter header
        for (auto& symbol : symbols)
            symbol += rng.normal(1, 0.5)[0];
        return symbols;
    };
    for (int version : { 1, 2, 3, 255 }) {
        std::vector<uint8_t> bits;
        for (int i = 7; i >= 0 && version != 1; i--)
            bits.push_back(version >> i & 1);
        // Whatever it says; version 2 would have a fragment and a length here.
        while (bits.size() < (version == 1 ? 64u : 128u))
            bits.push_back(bits.size() % 3 == 0);
        bits[79 % bits.size()] = 0;
        const auto sent = with_crc(bits);
        const auto symbols = code_header(sent, 4);
        BOOST_TEST(symbols.size() == (version == 1 ? 344u : 600u));
        const auto found = read_header(noisy(symbols).data(), 4, exact(), 253);
        BOOST_TEST(found.ok == (version == 2));
        BOOST_TEST(found.version == version);
        BOOST_TEST((found.bits == sent));
    }
    // A header of version 1 as it was sent: frame 7, terminal 1, 640 symbols, system 3.
    std::vector<uint8_t> old;
    for (const auto& [value, count] : { std::pair{ 7, 32 },
                                        std::pair{ 1, 8 },
                                        std::pair{ 640, 16 },
                                        std::pair{ 3, 8 } })
        for (int i = count - 1; i >= 0; i--)
            old.push_back(static_cast<uint8_t>(value >> i & 1));
    const auto found =
        read_header(noisy(code_header(with_crc(old), 4)).data(), 4, exact(), 253);
    BOOST_TEST((!found.ok && found.version == 1));
    BOOST_TEST(!decode_header(noisy(code_header(with_crc(old), 4)).data(), 4).ok);
}

BOOST_AUTO_TEST_CASE(a_header_that_cannot_be_is_none)
{
    auto bits = decode_header(encode_header({ 1, 1, 9, 1, 4, 5 }, 1).data(), 1).bits;
    bits.resize(128);
    for (int i = 80; i < 96; i++)
        bits[i] = i == 93; // 4 fragments, of which this is number 4
    BOOST_TEST(decode_header(code_header(with_crc(bits), 1).data(), 1).version == 0);
    bits[95] = 1;
    BOOST_TEST(decode_header(code_header(with_crc(bits), 1).data(), 1).ok);
}
