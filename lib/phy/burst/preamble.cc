/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/check_field.h"
#include "preamble.h"
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

// Found by a random search (see make_preamble). Bit 22 of a sign word is c[0], 1 is -1.
constexpr int roots[num_preambles] = { 2, 1, 3, 10, 5, 6, 7, 4, 8, 9 };
constexpr uint32_t signs[num_preambles] = { 0x56c0c7, 0x1adf0a, 0x3a0c38, 0x60634b,
                                            0x4d8706, 0x530d8a, 0x45cc2d, 0x473caf,
                                            0x2e09c8, 0x7e9e41 };

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

} // namespace phy
} // namespace semcom
} // namespace gr
