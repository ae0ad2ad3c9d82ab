/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CODING_INTERLEAVER_H
#define INCLUDED_SEMCOM_PHY_CODING_INTERLEAVER_H

#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A permutation of the N bits of a frame that parts neighbours: bit i goes to position
 * a i mod N, with a and N without common factor and a / N near the golden ratio 0.618.
 *
 * Its spread s is the largest number such that two bits less than s apart before it are
 * at least s apart behind it, both counted around the frame: the shortest vector, in the
 * larger of its two parts, of the lattice (d, a d mod N). Of the multipliers within
 * max(16, sqrt(N) / 2) of N / 1.618 that of the largest spread is taken. No permutation
 * of this kind has a spread above sqrt(N); for this one it is at least 0.6 sqrt(N), as a
 * test shows for every N up to 20,000.
 *
 * Where N is a multiple of the b bits of a symbol, neighbours also lie on different bits
 * of their symbols, since a has no factor in common with b.
 */
class interleaver
{
public:
    //! \param length N, bits of the frame, below 2^31.
    explicit interleaver(uint64_t length);

    uint64_t length() const { return d_length; }

    //! a.
    uint64_t multiplier() const { return d_multiplier; }

    //! s.
    uint64_t spread() const;

private:
    uint64_t d_length, d_multiplier;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
