/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "interleaver.h"
#include "phy/check_field.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace gr {
namespace semcom {
namespace phy {
namespace {

/*!
 * The shortest vector of the lattice (d, a d mod N) by the larger of its parts. The
 * remainders of Euclid's algorithm on N and a are the records of |a d mod N|, at growing
 * d: the shortest is one of them, or for the first d the vector (1, a).
 */
uint64_t shortest(uint64_t a, uint64_t length)
{
    uint64_t best = length, above = length, rest = a;
    uint64_t before = 0, d = 1; // |d| that leads to above and to rest
    while (true) {
        best = std::min(best, std::max(rest, d));
        if (rest == 0 || d >= best)
            return best;
        // Between two records lie vectors of the other sign: above - q rest, q = 1, 2,
        // ...
        const uint64_t quotient = above / rest;
        for (uint64_t q = 1; q < quotient && before + q * d < best; q++)
            best = std::min(best, std::max(above - q * rest, before + q * d));
        const uint64_t next = above - quotient * rest, next_d = before + quotient * d;
        above = rest;
        rest = next;
        before = d;
        d = next_d;
    }
}

} // namespace

interleaver::interleaver(uint64_t length) : d_length(length), d_multiplier(1)
{
    check_range("interleaver length", length, 1, 2147483647);
    const auto centre = static_cast<int64_t>(std::lround(length / 1.618033988749895));
    const auto width =
        std::max<int64_t>(16, std::llround(std::sqrt(static_cast<double>(length)) / 2));
    uint64_t best = 0;
    for (int64_t off = 0; off <= width; off++)
        for (const int64_t a : { centre - off, centre + off }) {
            if (a < 1 || a > static_cast<int64_t>(length) ||
                std::gcd<uint64_t>(a, length) != 1)
                continue;
            const uint64_t found = shortest(a, length);
            if (found > best) {
                best = found;
                d_multiplier = a;
            }
        }
}

uint64_t interleaver::spread() const { return shortest(d_multiplier, d_length); }

} // namespace phy
} // namespace semcom
} // namespace gr
