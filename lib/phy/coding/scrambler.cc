/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "scrambler.h"
#include <array>

namespace gr {
namespace semcom {
namespace phy {

const uint8_t* scrambler_sequence()
{
    static const auto sequence = [] {
        std::array<uint8_t, scrambler_period> bits;
        unsigned state = 0x7f; // bit 6 is x^7, bit 3 is x^4
        for (auto& bit : bits) {
            bit = ((state >> 6) ^ (state >> 3)) & 1;
            state = ((state << 1) | bit) & 0x7f;
        }
        return bits;
    }();
    return sequence.data();
}

void scramble(uint8_t* bits, size_t count, uint64_t position)
{
    const uint8_t* sequence = scrambler_sequence();
    size_t at = position % scrambler_period;
    for (size_t i = 0; i < count; i++) {
        bits[i] ^= sequence[at];
        at = at + 1 == scrambler_period ? 0 : at + 1;
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
