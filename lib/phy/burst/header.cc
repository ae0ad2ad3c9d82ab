/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "header.h"
#include "phy/check_field.h"
#include <array>
#include <cmath>
#include <limits>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr int crc_bits = 16, tail_bits = 6;
constexpr int message_bits = 144;  // of version 2, with the CRC
constexpr int version_1_bits = 80; // the same of version 1
constexpr int num_states = 64;
constexpr int interleaver_step = 61, copy_step = 37;
constexpr uint32_t generators[2] = { 0133, 0171 };
static_assert(message_bits + tail_bits == header_symbols, "two coded bits make a symbol");

using bit_vector = std::vector<uint8_t>;

uint16_t crc16(const uint8_t* bits, size_t count)
{
    uint32_t value = 0xffff;
    for (size_t i = 0; i < count; i++) {
        const uint32_t top = (value >> 15) ^ bits[i];
        value = (value << 1 & 0xffff) ^ (top ? 0x1021 : 0);
    }
    return static_cast<uint16_t>(value);
}

void put_bits(bit_vector& bits, uint64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--)
        bits.push_back(value >> i & 1);
}

uint32_t take_bits(const uint8_t*& at, int count)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 1 | *at++;
    return value;
}

bool crc_fits(const bit_vector& bits)
{
    const size_t covered = bits.size() - crc_bits;
    const uint8_t* at = &bits[covered];
    return take_bits(at, crc_bits) == crc16(bits.data(), covered);
}

bit_vector to_bits(const frame_header& header)
{
    bit_vector bits;
    put_bits(bits, header_version, 8);
    put_bits(bits, header.system, 8);
    put_bits(bits, header.terminal, 8);
    put_bits(bits, header.attempt, 8);
    put_bits(bits, header.frame, 32);
    put_bits(bits, header.fragment, 16);
    put_bits(bits, header.fragments, 16);
    put_bits(bits, header.length, 32);
    put_bits(bits, crc16(bits.data(), bits.size()), crc_bits);
    return bits;
}

decoded_header from_bits(bit_vector bits)
{
    if (!crc_fits(bits))
        return {};
    decoded_header header;
    const uint8_t* at = bits.data();
    header.version = static_cast<int>(take_bits(at, 8));
    header.ok = header.version == header_version;
    if (header.ok) {
        auto& value = header.value;
        value.system = static_cast<uint8_t>(take_bits(at, 8));
        value.terminal = static_cast<uint8_t>(take_bits(at, 8));
        value.attempt = static_cast<uint8_t>(take_bits(at, 8));
        value.frame = take_bits(at, 32);
        value.fragment = static_cast<uint16_t>(take_bits(at, 16));
        value.fragments = static_cast<uint16_t>(take_bits(at, 16));
        value.length = take_bits(at, 32);
        if (!value.possible())
            return {};
    }
    header.bits = std::move(bits);
    return header;
}

//! Coded bit \p branch on leaving \p state (the last six bits, newest first) with \p bit.
uint8_t coded_bit(uint32_t state, uint32_t bit, int branch)
{
    return __builtin_parity((bit << 6 | state) & generators[branch]);
}

uint32_t next_state(uint32_t state, uint32_t bit) { return (bit << 6 | state) >> 1; }

//! The scrambler of IEEE 802.11, x^7 + x^4 + 1, from all ones.
bit_vector scrambler(size_t count)
{
    bit_vector sequence(count);
    uint32_t state = 0x7f;
    for (auto& bit : sequence) {
        bit = (state >> 6 ^ state >> 3) & 1;
        state = (state << 1 | bit) & 0x7f;
    }
    return sequence;
}

//! The coded bit, of \p count, that copy \p copy sends as its \p place-th.
size_t interleaved(int copy, size_t place, size_t count)
{
    return (interleaver_step * place + copy_step * copy) % count;
}

//! The most likely message; value c is positive if coded bit c is likely a 0.
bit_vector viterbi(const std::vector<float>& values)
{
    const size_t steps = values.size() / 2, message = steps - tail_bits;
    std::array<float, num_states> metric, next;
    metric.fill(-std::numeric_limits<float>::infinity());
    metric[0] = 0.0f;
    std::vector<std::array<uint8_t, num_states>> from(steps);
    for (size_t t = 0; t < steps; t++) {
        next.fill(-std::numeric_limits<float>::infinity());
        from[t].fill(0);
        for (uint32_t state = 0; state < num_states; state++)
            for (uint32_t bit = 0; bit < (t < message ? 2u : 1u); bit++) {
                float sum = metric[state];
                for (int b = 0; b < 2; b++)
                    sum +=
                        coded_bit(state, bit, b) ? -values[2 * t + b] : values[2 * t + b];
                const uint32_t to = next_state(state, bit);
                if (sum > next[to]) {
                    next[to] = sum;
                    from[t][to] = static_cast<uint8_t>(state);
                }
            }
        metric = next;
    }
    bit_vector bits(message);
    uint32_t state = 0;
    for (size_t t = steps; t-- > 0;) {
        if (t < message)
            bits[t] = state >> 5 & 1;
        state = from[t][state];
    }
    return bits;
}

//! The most likely message of \p bits bits; empty for what is not finite or all 0.
bit_vector decode(const cfloat* symbols, int repeats, int bits)
{
    check_range("header_repeats", repeats, 1, 8);
    const size_t length = bits + tail_bits, coded = 2 * length;
    const auto flips = scrambler(coded);
    std::vector<float> values(coded);
    float energy = 0.0f;
    for (int copy = 0; copy < repeats; copy++)
        for (size_t place = 0; place < coded; place++) {
            const cfloat symbol = symbols[copy * length + place / 2];
            const float part = place % 2 ? symbol.imag() : symbol.real();
            const size_t c = interleaved(copy, place, coded);
            values[c] += flips[c] ? -part : part;
            energy += part * part;
        }
    if (!std::isfinite(energy) || energy == 0.0f)
        return {};
    return viterbi(values);
}

decoded_header decode_version_1(const cfloat* symbols, int repeats)
{
    auto bits = decode(symbols, repeats, version_1_bits);
    if (bits.empty() || !crc_fits(bits))
        return {};
    decoded_header header;
    header.version = 1;
    header.bits = std::move(bits);
    return header;
}

} // namespace

std::vector<cfloat> code_header(const std::vector<uint8_t>& bits, int repeats)
{
    check_range("header_repeats", repeats, 1, 8);
    const size_t length = bits.size() + tail_bits;
    auto coded = scrambler(2 * length);
    uint32_t state = 0;
    for (size_t t = 0; t < length; t++) {
        const uint32_t bit = t < bits.size() ? bits[t] : 0;
        for (int b = 0; b < 2; b++)
            coded[2 * t + b] ^= coded_bit(state, bit, b);
        state = next_state(state, bit);
    }
    const auto level = [&](int copy, size_t place) {
        return static_cast<float>(
            coded[interleaved(copy, place, coded.size())] ? -M_SQRT1_2 : M_SQRT1_2);
    };
    std::vector<cfloat> symbols;
    for (int copy = 0; copy < repeats; copy++)
        for (size_t i = 0; i < length; i++)
            symbols.push_back({ level(copy, 2 * i), level(copy, 2 * i + 1) });
    return symbols;
}

std::vector<cfloat> encode_header(const frame_header& header, int repeats)
{
    check_field(header.length > 0, "header.length", 0.0, "1 symbol or more");
    check_field(header.fragment < header.fragments,
                "header.fragment",
                header.fragment,
                "less than the " + std::to_string(header.fragments) + " fragments");
    return code_header(to_bits(header), repeats);
}

decoded_header decode_header(const cfloat* symbols, int repeats)
{
    auto bits = decode(symbols, repeats, message_bits);
    return bits.empty() ? decoded_header{} : from_bits(std::move(bits));
}

decoded_header read_header(const cfloat* symbols,
                           int repeats,
                           const synchronisation& found,
                           size_t first)
{
    check_range("header_repeats", repeats, 1, 8);
    if (!found.found)
        return {};
    const double deviation = std::sqrt(found.cfo.variance);
    std::vector<double> frequencies{ 0.0 };
    if (std::isfinite(deviation))
        frequencies = { 0.0, deviation, -deviation, 2.0 * deviation, -2.0 * deviation };
    std::vector<cfloat> turned(static_cast<size_t>(header_symbols) * repeats);
    for (const auto decoder : { decode_header, decode_version_1 })
        for (const double f : frequencies) {
            for (size_t i = 0; i < turned.size(); i++) {
                const double time = static_cast<double>(first + i) - found.middle;
                turned[i] = symbols[i] * cfloat(std::polar(1.0, -2.0 * M_PI * f * time));
            }
            const auto header = decoder(turned.data(), repeats);
            if (header.version > 0)
                return header;
        }
    return {};
}

} // namespace phy
} // namespace semcom
} // namespace gr
