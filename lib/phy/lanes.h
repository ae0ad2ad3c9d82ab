/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_LANES_H
#define INCLUDED_SEMCOM_PHY_LANES_H

// Complex numbers as vectors, (re, im) again and again, as wide as the machine has them:
// wider ones GCC 12 splits by way of memory, ten times slower.  Sums of products are
// written with these where real and imaginary parts differ by a sign: from a plain loop
// GCC 12 makes fused multiply-adds even with -ffp-contract=off.

#include <cstddef>
#include <cstdint>

#define SEMCOM_INLINE inline __attribute__((always_inline))

namespace gr {
namespace semcom {
namespace phy {

//! Buffers that vectors are written to whole have room for a multiple of so many samples.
constexpr size_t lane_samples = 8;

//! Runs of lane_samples that hold so many samples.
constexpr size_t lane_vectors(size_t samples)
{
    return (samples + lane_samples - 1) / lane_samples;
}

/*!
 * Vectors of \p bytes bytes: \p vector wherever it lies, \p bits the same as integers,
 * how many \p samples it holds; for __builtin_shuffle \p swap_parts exchanges the parts,
 * \p real_parts and \p imag_parts put one in both places; x with its parts swapped, times
 * \p alternate, is j x; \p number is which sample of the vector a part belongs to. As
 * unsigned \p words of 64 bits, \p word is which one it is, and \p multiply() makes the
 * products of their low halves. \p doubles has as many numbers as there are samples;
 * \p gather() reads number \p at of each of so many arrays.
 */
template <int bytes>
struct lanes_of;

#define SEMCOM_LANES_OF(bytes)                                                       \
    typedef float vector __attribute__((vector_size(bytes), aligned(4), may_alias)); \
    typedef int32_t bits __attribute__((vector_size(bytes), aligned(4), may_alias)); \
    typedef uint64_t words __attribute__((vector_size(bytes), aligned(4), may_alias)); \
    typedef double doubles __attribute__((vector_size(bytes), aligned(8), may_alias)); \
    static constexpr size_t samples = bytes / 8

// GCC 12 multiplies words of 64 bits in three steps, and templates for several instruction
// sets cannot call the functions that it has for single instructions.
#if defined(__x86_64__) && !defined(__clang__)
#define SEMCOM_MULTIPLY(instruction, first, other)                                \
    static SEMCOM_INLINE void multiply(const words& a, const words& b, words& ab) \
    {                                                                             \
        asm(instruction : "=" other(ab) : first(a), other(b));                    \
    }
#else
#define SEMCOM_MULTIPLY(instruction, first, other)                                \
    static SEMCOM_INLINE void multiply(const words& a, const words& b, words& ab) \
    {                                                                             \
        ab = (a & 0xffffffff) * (b & 0xffffffff);                                 \
    }
#endif

template <>
struct lanes_of<16> {
    SEMCOM_LANES_OF(16);
    static constexpr bits swap_parts = { 1, 0, 3, 2 };
    static constexpr bits real_parts = { 0, 0, 2, 2 };
    static constexpr bits imag_parts = { 1, 1, 3, 3 };
    static constexpr vector alternate = { -1, 1, -1, 1 };
    static constexpr vector number = { 0, 0, 1, 1 };
    static constexpr words word = { 0, 1 };
    SEMCOM_MULTIPLY("pmuludq %2, %0", "0", "x")
    static SEMCOM_INLINE void gather(const double* const* from, size_t at, doubles& x)
    {
        x = doubles{ from[0][at], from[1][at] };
    }
};

template <>
struct lanes_of<32> {
    SEMCOM_LANES_OF(32);
    static constexpr bits swap_parts = { 1, 0, 3, 2, 5, 4, 7, 6 };
    static constexpr bits real_parts = { 0, 0, 2, 2, 4, 4, 6, 6 };
    static constexpr bits imag_parts = { 1, 1, 3, 3, 5, 5, 7, 7 };
    static constexpr vector alternate = { -1, 1, -1, 1, -1, 1, -1, 1 };
    static constexpr vector number = { 0, 0, 1, 1, 2, 2, 3, 3 };
    static constexpr words word = { 0, 1, 2, 3 };
    SEMCOM_MULTIPLY("vpmuludq %2, %1, %0", "x", "x")
    static SEMCOM_INLINE void gather(const double* const* from, size_t at, doubles& x)
    {
        x = doubles{ from[0][at], from[1][at], from[2][at], from[3][at] };
    }
};

template <>
struct lanes_of<64> {
    SEMCOM_LANES_OF(64);
    static constexpr bits swap_parts = { 1, 0, 3,  2,  5,  4,  7,  6,
                                         9, 8, 11, 10, 13, 12, 15, 14 };
    static constexpr bits real_parts = { 0, 0, 2,  2,  4,  4,  6,  6,
                                         8, 8, 10, 10, 12, 12, 14, 14 };
    static constexpr bits imag_parts = { 1, 1, 3,  3,  5,  5,  7,  7,
                                         9, 9, 11, 11, 13, 13, 15, 15 };
    static constexpr vector alternate = { -1, 1, -1, 1, -1, 1, -1, 1,
                                          -1, 1, -1, 1, -1, 1, -1, 1 };
    static constexpr vector number = { 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7 };
    static constexpr words word = { 0, 1, 2, 3, 4, 5, 6, 7 };
    SEMCOM_MULTIPLY("vpmuludq %2, %1, %0", "v", "v")
    static SEMCOM_INLINE void gather(const double* const* from, size_t at, doubles& x)
    {
        x = doubles{ from[0][at], from[1][at], from[2][at], from[3][at],
                     from[4][at], from[5][at], from[6][at], from[7][at] };
    }
};

#undef SEMCOM_LANES_OF
#undef SEMCOM_MULTIPLY

#ifdef __clang__ // lacks it; fuzz targets are built with clang
template <typename Vector, typename Bits>
inline Vector __builtin_shuffle(Vector x, Bits from)
{
    Vector shuffled{};
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
        shuffled[i] = x[from[i]];
    return shuffled;
}
#endif

} // namespace phy
} // namespace semcom
} // namespace gr

// Defines a function of lanes once for each vector instruction set, of which one is
// picked at load time: the body is name_of<Lanes>, a SEMCOM_INLINE template.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SEMCOM_LANES(result, name, parameters, arguments)            \
    __attribute__((target("default"))) result name parameters        \
    {                                                                \
        return name##_of<lanes_of<16>> arguments;                    \
    }                                                                \
    __attribute__((target("avx2"))) result name parameters           \
    {                                                                \
        return name##_of<lanes_of<32>> arguments;                    \
    }                                                                \
    __attribute__((target("arch=x86-64-v4"))) result name parameters \
    {                                                                \
        return name##_of<lanes_of<64>> arguments;                    \
    }
#else
#define SEMCOM_LANES(result, name, parameters, arguments) \
    result name parameters { return name##_of<lanes_of<16>> arguments; }
#endif

#endif
