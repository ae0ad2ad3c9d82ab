/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_LANES_H
#define INCLUDED_SEMCOM_PHY_LANES_H

// Eight complex numbers as one vector, which the compiler splits as the machine needs.
// Sums of products are written with these where real and imaginary parts differ by a
// sign: from a plain loop GCC 12 makes fused multiply-adds even with -ffp-contract=off.

#include <cstddef>
#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {

//! Wherever they lie: (re, im) eight times.
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t lane_bits __attribute__((vector_size(64), aligned(4), may_alias));

constexpr size_t lane_samples = 8;

//! Vectors that hold so many samples.
constexpr size_t lane_vectors(size_t samples)
{
    return (samples + lane_samples - 1) / lane_samples;
}

// For __builtin_shuffle: parts exchanged, and one part in both places.
constexpr lane_bits swap_parts = { 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14 };
constexpr lane_bits real_parts = { 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14 };
constexpr lane_bits imag_parts = { 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15 };

#ifdef __clang__ // lacks it; fuzz targets are built with clang
inline lanes __builtin_shuffle(const lanes& x, const lane_bits& from)
{
    lanes shuffled{};
    for (size_t i = 0; i < 2 * lane_samples; i++)
        shuffled[i] = x[from[i]];
    return shuffled;
}
#endif

//! x with its parts swapped, times this, is j x.
constexpr lanes alternate = { -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1 };

//! Which sample of the vector a part belongs to.
constexpr lanes lane_number = { 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7 };

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
