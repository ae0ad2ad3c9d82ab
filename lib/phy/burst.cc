/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "burst.h"
#include "check_field.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {
namespace {

// Found by a random search (see make_preamble). Bit 22 of a sign word is c[0], 1 is -1.
constexpr int roots[num_preambles] = { 2, 1, 7 };
constexpr uint32_t signs[num_preambles] = { 0x56c0c7, 0x1adf0a, 0x45cc2d };

constexpr int message_bits = 80, tail_bits = 6;
constexpr int coded_bits = 2 * (message_bits + tail_bits);
constexpr int num_states = 64;
constexpr int interleaver_step = 61, copy_step = 37;
constexpr uint32_t generators[2] = { 0133, 0171 };
static_assert(coded_bits == 2 * header_symbols, "two bits make a symbol");

using message = std::array<uint8_t, message_bits>;

uint16_t crc16(const uint8_t* bits, int count)
{
    uint32_t value = 0xffff;
    for (int i = 0; i < count; i++) {
        const uint32_t top = (value >> 15) ^ bits[i];
        value = (value << 1 & 0xffff) ^ (top ? 0x1021 : 0);
    }
    return static_cast<uint16_t>(value);
}

void put_bits(uint8_t*& at, uint64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--)
        *at++ = value >> i & 1;
}

uint32_t take_bits(const uint8_t*& at, int count)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 1 | *at++;
    return value;
}

message to_bits(const frame_header& header)
{
    message bits;
    uint8_t* at = bits.data();
    put_bits(at, header.frame, 32);
    put_bits(at, header.terminal, 8);
    put_bits(at, header.length, 16);
    put_bits(at, header.system, 8);
    put_bits(at, crc16(bits.data(), message_bits - 16), 16);
    return bits;
}

decoded_header from_bits(const message& bits)
{
    decoded_header header;
    const uint8_t* at = bits.data();
    header.value.frame = take_bits(at, 32);
    header.value.terminal = static_cast<uint8_t>(take_bits(at, 8));
    header.value.length = static_cast<uint16_t>(take_bits(at, 16));
    header.value.system = static_cast<uint8_t>(take_bits(at, 8));
    header.ok = take_bits(at, 16) == crc16(bits.data(), message_bits - 16);
    return header;
}

//! Coded bit \p branch on leaving \p state (the last six bits, newest first) with \p bit.
uint8_t coded_bit(uint32_t state, uint32_t bit, int branch)
{
    return __builtin_parity((bit << 6 | state) & generators[branch]);
}

uint32_t next_state(uint32_t state, uint32_t bit) { return (bit << 6 | state) >> 1; }

//! The scrambler of IEEE 802.11, x^7 + x^4 + 1, from all ones.
std::array<uint8_t, coded_bits> scrambler()
{
    std::array<uint8_t, coded_bits> sequence;
    uint32_t state = 0x7f;
    for (auto& bit : sequence) {
        bit = (state >> 6 ^ state >> 3) & 1;
        state = (state << 1 | bit) & 0x7f;
    }
    return sequence;
}

//! The coded bit that copy \p copy sends as its \p place-th.
int interleaved(int copy, int place)
{
    return (interleaver_step * place + copy_step * copy) % coded_bits;
}

//! The most likely message; value c is positive if coded bit c is likely a 0.
message viterbi(const std::array<float, coded_bits>& values)
{
    constexpr int steps = message_bits + tail_bits;
    std::array<float, num_states> metric, next;
    metric.fill(-std::numeric_limits<float>::infinity());
    metric[0] = 0.0f;
    std::vector<std::array<uint8_t, num_states>> from(steps);
    for (int t = 0; t < steps; t++) {
        next.fill(-std::numeric_limits<float>::infinity());
        from[t].fill(0);
        for (uint32_t state = 0; state < num_states; state++)
            for (uint32_t bit = 0; bit < (t < message_bits ? 2u : 1u); bit++) {
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
    message bits;
    uint32_t state = 0;
    for (int t = steps - 1; t >= 0; t--) {
        if (t < message_bits)
            bits[t] = state >> 5 & 1;
        state = from[t][state];
    }
    return bits;
}

} // namespace

std::vector<cfloat> make_preamble(int code, int repeats)
{
    check_range("code", code, 0, num_preambles - 1);
    check_range("preamble_repeats", repeats, 5, max_preamble_repeats);
    std::vector<cfloat> symbols;
    for (int r = 0; r < repeats; r++) {
        const bool negative = signs[code] >> (max_preamble_repeats - 1 - r) & 1;
        for (int i = 0; i < preamble_period; i++) {
            const double angle = -M_PI * roots[code] * i * (i + 1) / preamble_period;
            symbols.push_back(cfloat(std::polar(1.0, angle + (negative ? M_PI : 0.0))));
        }
    }
    return symbols;
}

std::vector<cfloat> encode_header(const frame_header& header, int repeats)
{
    check_range("header_repeats", repeats, 1, 8);
    const auto bits = to_bits(header);
    auto coded = scrambler();
    uint32_t state = 0;
    for (int t = 0; t < message_bits + tail_bits; t++) {
        const uint32_t bit = t < message_bits ? bits[t] : 0;
        for (int b = 0; b < 2; b++)
            coded[2 * t + b] ^= coded_bit(state, bit, b);
        state = next_state(state, bit);
    }
    const auto level = [&](int copy, int place) {
        return static_cast<float>(coded[interleaved(copy, place)] ? -M_SQRT1_2
                                                                  : M_SQRT1_2);
    };
    std::vector<cfloat> symbols;
    for (int copy = 0; copy < repeats; copy++)
        for (int i = 0; i < header_symbols; i++)
            symbols.push_back({ level(copy, 2 * i), level(copy, 2 * i + 1) });
    return symbols;
}

decoded_header decode_header(const cfloat* symbols, int repeats)
{
    check_range("header_repeats", repeats, 1, 8);
    const auto flips = scrambler();
    std::array<float, coded_bits> values{};
    float energy = 0.0f;
    for (int copy = 0; copy < repeats; copy++)
        for (int place = 0; place < coded_bits; place++) {
            const cfloat symbol = symbols[copy * header_symbols + place / 2];
            const float part = place % 2 ? symbol.imag() : symbol.real();
            const int c = interleaved(copy, place);
            values[c] += flips[c] ? -part : part;
            energy += part * part;
        }
    if (!std::isfinite(energy) || energy == 0.0f)
        return {};
    return from_bits(viterbi(values));
}

void burst_layout::check() const
{
    check_range("users", users, 1, num_preambles);
    check_range("first_code", first_code, 0, num_preambles - users);
    check_range("preamble_repeats", preamble_repeats, 5, max_preamble_repeats);
    check_range("header_repeats", header_repeats, 1, 8);
    check_range("gap", static_cast<double>(gap), 0, 1e6);
    check_range("num_pilots", static_cast<double>(body.num_pilots), 1, 65535);
    check_range("spacing", static_cast<double>(body.spacing), 0, 65535);
    check_range("guard", static_cast<double>(guard), 0, 1e6);
}

std::vector<cfloat> burst_layout::head(int user, const frame_header& header) const
{
    check_range("user", user, 0, users - 1);
    auto symbols = make_preamble(first_code + user, preamble_repeats);
    const auto coded = encode_header(header, header_repeats);
    symbols.insert(symbols.end(), coded.begin(), coded.end());
    return symbols;
}

std::vector<cfloat> assemble_burst(const burst_layout& layout,
                                   int user,
                                   const frame_header& header,
                                   const std::vector<cfloat>& row,
                                   const std::vector<cfloat>& payload)
{
    layout.check();
    const auto pilots = static_cast<double>(layout.body.num_pilots);
    const auto length = static_cast<double>(payload.size());
    check_range("row", static_cast<double>(row.size()), pilots, pilots);
    check_range("payload", length, 1, 65535);
    check_range("header.length", header.length, length, length);
    std::vector<cfloat> burst(layout.total(payload.size()));
    const auto head = layout.head(user, header);
    std::copy(head.begin(), head.end(), burst.begin() + layout.preamble_position(user));
    const auto body = burst.begin() + layout.body_position();
    for (uint64_t b = 0; b < layout.body.pilot_blocks(payload.size()); b++)
        std::copy(
            row.begin(), row.end(), body + layout.body.pilot_position(b, payload.size()));
    for (uint64_t i = 0; i < payload.size(); i++)
        body[layout.body.payload_position(i)] = payload[i];
    return burst;
}

} // namespace phy
} // namespace semcom
} // namespace gr
