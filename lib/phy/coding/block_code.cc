/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "block_code.h"
#include "interleaver.h"
#include "phy/check_field.h"
#include "scrambler.h"
#include <algorithm>

namespace gr {
namespace semcom {
namespace phy {
namespace {

uint64_t divide_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/*!
 * Calls visit(place, coded) for the frame's bits in the order of the coded bits, which
 * repeat until the frame is full: where each lies on the air, and which coded bit it is.
 */
template <typename Visit>
void for_each_bit(uint64_t length, uint64_t num_coded, Visit visit)
{
    const uint64_t step = interleaver(length).multiplier() % length;
    for (uint64_t i = 0, place = 0, coded = 0; i < length; i++) {
        visit(place, coded);
        place = place + step >= length ? place + step - length : place + step;
        coded = coded + 1 == num_coded ? 0 : coded + 1;
    }
}

} // namespace

block_code::block_code(const block_code_options& options)
    : d_constellation(options.modulation),
      d_method(parse_demap(options.method)),
      d_code(options.rate, options.length),
      d_crc(options.crc),
      d_repetition(options.repetition),
      d_iterations(options.iterations)
{
    const int r = options.repetition;
    check_field(r == 1 || r == 2 || r == 4 || r == 8, "repetition", r, "1, 2, 4 or 8");
    check_field(d_iterations >= 1, "iterations", d_iterations, "1 or more");
}

uint64_t block_code::beside_payload() const
{
    return d_crc.width() + d_code.parity_bits();
}

uint64_t block_code::block_payload() const
{
    return d_code.information_bits() - d_crc.width();
}

uint64_t block_code::symbols(uint64_t bits) const
{
    check_field(bits >= 1, "payload bits", bits, "1 or more");
    const uint64_t blocks = divide_up(bits, block_payload());
    const uint64_t coded = divide_up(bits, blocks) + beside_payload();
    return divide_up(blocks * coded * d_repetition, symbol_bits());
}

block_code::layout block_code::payload(uint64_t symbols) const
{
    const uint64_t bits = symbols * symbol_bits() / d_repetition;
    const uint64_t blocks = divide_up(bits, d_code.length());
    if (blocks == 0 || bits / blocks <= beside_payload())
        return { 0, 0 };
    return { blocks, bits / blocks - beside_payload() };
}

uint64_t block_code::largest(uint64_t budget) const
{
    // Full blocks only, or one more and all shortened.
    const uint64_t full = budget * symbol_bits() / d_repetition / d_code.length();
    const auto all = payload(budget);
    return std::max(full * block_payload(), all.blocks * all.bits);
}

void block_code::encode_block(const uint8_t* payload,
                              uint64_t block,
                              uint64_t bits,
                              uint8_t* coded) const
{
    const uint64_t filled = bits + d_crc.width();
    std::vector<uint8_t> word(d_code.length(), 0);
    std::copy_n(payload, bits, word.begin());
    d_crc.append(word.data(), bits);
    // The check is scrambled too: otherwise one that begins with 0 holds for the word of
    // zeros, which is what a carrier without modulation decodes to.
    scramble(word.data(), filled, block * filled);
    d_code.encode(word.data());
    std::copy_n(word.begin(), filled, coded);
    std::copy_n(
        word.begin() + d_code.information_bits(), d_code.parity_bits(), coded + filled);
}

std::vector<std::complex<float>>
block_code::encode(const uint8_t* bits, uint64_t count, uint64_t num_symbols) const
{
    if (num_symbols == 0)
        num_symbols = symbols(count);
    const auto frame = payload(num_symbols);
    check_field(count >= 1 && count <= frame.blocks * frame.bits,
                "payload bits",
                count,
                "1 to " + std::to_string(frame.blocks * frame.bits) + " in " +
                    std::to_string(num_symbols) + " symbols");
    std::vector<uint8_t> filled(frame.blocks * frame.bits, 0);
    std::copy_n(bits, count, filled.begin());
    const uint64_t block_bits = frame.bits + beside_payload();
    std::vector<uint8_t> coded(frame.blocks * block_bits);
    for (uint64_t c = 0; c < frame.blocks; c++)
        encode_block(
            filled.data() + c * frame.bits, c, frame.bits, coded.data() + c * block_bits);
    std::vector<uint8_t> on_air(num_symbols * symbol_bits());
    for_each_bit(on_air.size(), coded.size(), [&](uint64_t place, uint64_t i) {
        on_air[place] = coded[i];
    });
    std::vector<std::complex<float>> out(num_symbols);
    d_constellation.map(on_air.data(), num_symbols, out.data());
    return out;
}

void block_code::demap(const std::complex<float>* symbols,
                       const float* noise,
                       size_t count,
                       float* llrs) const
{
    d_constellation.demap(symbols, noise, count, d_method, llrs);
}

bool block_code::decode_block(ldpc_decoder& decoder,
                              const float* llrs,
                              uint64_t block,
                              uint64_t bits,
                              uint8_t* payload) const
{
    const uint64_t filled = bits + d_crc.width();
    std::vector<float> word(d_code.length(), certain_llr);
    std::copy_n(llrs, filled, word.begin());
    std::copy_n(
        llrs + filled, d_code.parity_bits(), word.begin() + d_code.information_bits());
    std::vector<int8_t> decisions(d_code.length());
    const bool holds = decoder.decode(word.data(), decisions.data()).holds;
    std::vector<uint8_t> plain(filled);
    for (uint64_t i = 0; i < filled; i++)
        plain[i] = decisions[i] < 0;
    scramble(plain.data(), filled, block * filled);
    for (uint64_t i = 0; i < bits; i++)
        payload[i] = decisions[i] == 0 ? 0 : plain[i];
    return holds && d_crc.holds(plain.data(), bits);
}

void block_code::decode(const float* llrs,
                        uint64_t symbols,
                        uint8_t* bits,
                        uint8_t* good) const
{
    const auto frame = payload(symbols);
    check_field(frame.bits > 0,
                "symbols",
                symbols,
                "a frame with room for a payload bit in each block (the least is " +
                    std::to_string(this->symbols(1)) + ")");
    const uint64_t block_bits = frame.bits + beside_payload();
    std::vector<float> coded(frame.blocks * block_bits, 0.0f);
    for_each_bit(symbols * symbol_bits(), coded.size(), [&](uint64_t place, uint64_t i) {
        coded[i] += llrs[place];
    });
    ldpc_decoder decoder(d_code, d_iterations);
    for (uint64_t c = 0; c < frame.blocks; c++)
        good[c] = decode_block(
            decoder, coded.data() + c * block_bits, c, frame.bits, bits + c * frame.bits);
}

} // namespace phy
} // namespace semcom
} // namespace gr
