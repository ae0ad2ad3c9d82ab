/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "lanes.h"
#include "simd.h"
#include "vector_ops.h"
#include <algorithm>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Most streams one sum takes: all transmitters and the noise.
constexpr int max_inputs = max_streams + 1;

/*!
 * Sums of whole vectors, one for each of \p num_out streams; \p zero stays 0 while all
 * are finite. A complex product is re * x + (-im, im) * (x with its parts swapped). Where
 * \p num_in is a constant, all weights stay in registers.
 */
template <typename Lanes, int num_out>
SEMCOM_INLINE void sum_vectors(const float* const* in,
                               const cfloat* weights,
                               int num_in,
                               float* const* out,
                               size_t first,
                               size_t last,
                               typename Lanes::vector& zero)
{
    using vector = typename Lanes::vector;
    vector straight[num_out * max_inputs], crossed[num_out * max_inputs];
    for (int i = 0; i < num_out * num_in; i++) {
        straight[i] = vector{} + weights[i].real();
        crossed[i] = weights[i].imag() * Lanes::alternate;
    }
    for (size_t n = first; n < last; n += Lanes::samples) {
        vector sum[num_out] = {};
        for (int i = 0; i < num_in; i++) {
            const vector x = *reinterpret_cast<const vector*>(in[i] + 2 * n);
            const vector swapped = __builtin_shuffle(x, Lanes::swap_parts);
            for (int k = 0; k < num_out; k++)
                sum[k] +=
                    straight[k * num_in + i] * x + crossed[k * num_in + i] * swapped;
        }
        for (int k = 0; k < num_out; k++) {
            *reinterpret_cast<vector*>(out[k] + 2 * n) = sum[k];
            zero += 0.0f * sum[k];
        }
    }
}

template <typename Lanes, int num_out>
SEMCOM_INLINE void sum_items(const float* const* in,
                             const cfloat* weights,
                             int num_in,
                             float* const* out,
                             size_t first,
                             size_t last,
                             typename Lanes::vector& zero)
{
    const size_t whole = last - (last - first) % Lanes::samples;
    sum_vectors<Lanes, num_out>(in, weights, num_in, out, first, whole, zero);
    if (whole == last)
        return;
    // The rest goes through the same code, filled up with zeros.
    float rest[max_inputs][2 * Lanes::samples] = {}, sums[num_out][2 * Lanes::samples];
    const float* from[max_inputs];
    float* to[num_out];
    for (int i = 0; i < num_in; i++) {
        std::copy_n(in[i] + 2 * whole, 2 * (last - whole), rest[i]);
        from[i] = rest[i];
    }
    for (int k = 0; k < num_out; k++)
        to[k] = sums[k];
    sum_vectors<Lanes, num_out>(from, weights, num_in, to, 0, Lanes::samples, zero);
    for (int k = 0; k < num_out; k++)
        std::copy_n(sums[k], 2 * (last - whole), out[k] + 2 * whole);
}

//! Sums whose weights change; the next ones are \p step after those in use.
template <typename Lanes, int num_out>
SEMCOM_INLINE bool sum_pieces(const float* const* in,
                              const cfloat* weights,
                              int step,
                              int num_in,
                              float* const* out,
                              const uint64_t* ends,
                              uint64_t first,
                              size_t count)
{
    typename Lanes::vector zero = {}; // until a sum is not finite
    for (size_t n = 0; n < count; ends++, weights += step) {
        const size_t end = std::min<uint64_t>(*ends - first, count);
        sum_items<Lanes, num_out>(in, weights, num_in, out, n, end, zero);
        n = end;
    }
    bool finite = true;
    for (size_t i = 0; i < 2 * Lanes::samples; i++)
        finite &= zero[i] == 0.0f;
    return finite;
}

template <typename Lanes>
SEMCOM_INLINE bool sum_one_of(const float* const* in,
                              const cfloat* weights,
                              int step,
                              int num_in,
                              float* const* out,
                              const uint64_t* ends,
                              uint64_t first,
                              size_t count)
{
    if (num_in == 3) // two transmitters and noise: a known number stays in registers
        return sum_pieces<Lanes, 1>(in, weights, step, 3, out, ends, first, count);
    return sum_pieces<Lanes, 1>(in, weights, step, num_in, out, ends, first, count);
}

template <typename Lanes>
SEMCOM_INLINE bool sum_two_of_two_of(const float* const* in,
                                     const cfloat* weights,
                                     float* const* out,
                                     const uint64_t* ends,
                                     uint64_t first,
                                     size_t count)
{
    return sum_pieces<Lanes, 2>(in, weights, 4, 2, out, ends, first, count);
}

SEMCOM_LANES(bool,
             sum_one,
             (const float* const* in,
              const cfloat* weights,
              int step,
              int num_in,
              float* const* out,
              const uint64_t* ends,
              uint64_t first,
              size_t count),
             (in, weights, step, num_in, out, ends, first, count))
SEMCOM_LANES(bool,
             sum_two_of_two,
             (const float* const* in,
              const cfloat* weights,
              float* const* out,
              const uint64_t* ends,
              uint64_t first,
              size_t count),
             (in, weights, out, ends, first, count))

SEMCOM_SIMD void zero_bad_parts(float* parts, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const float re = parts[2 * n], im = parts[2 * n + 1];
        const bool good = 0.0f * re + 0.0f * im == 0.0f; // else NaN
        parts[2 * n] = good ? re : 0.0f;
        parts[2 * n + 1] = good ? im : 0.0f;
    }
}

} // namespace

bool changing_sums(const cfloat* const* in,
                   const cfloat* weights,
                   int num_in,
                   cfloat* const* out,
                   int num_out,
                   const uint64_t* ends,
                   uint64_t first,
                   size_t count)
{
    const float* from[max_inputs];
    float* to[max_streams];
    for (int i = 0; i < num_in; i++)
        from[i] = reinterpret_cast<const float*>(in[i]);
    for (int k = 0; k < num_out; k++)
        to[k] = reinterpret_cast<float*>(out[k]);
    if (num_in == 2 && num_out == 2)
        return sum_two_of_two(from, weights, to, ends, first, count);
    const int step = num_out * num_in;
    bool finite = true;
    for (int k = 0; k < num_out; k++)
        finite &=
            sum_one(from, weights + k * num_in, step, num_in, to + k, ends, first, count);
    return finite;
}

bool weighted_sums(const cfloat* const* in,
                   const cfloat* weights,
                   int num_in,
                   cfloat* const* out,
                   int num_out,
                   size_t count)
{
    const uint64_t end = count;
    return changing_sums(in, weights, num_in, out, num_out, &end, 0, count);
}

bool weighted_sum(
    const cfloat* const* in, const cfloat* weights, int num_in, cfloat* out, size_t count)
{
    return weighted_sums(in, weights, num_in, &out, 1, count);
}

void zero_non_finite(cfloat* samples, size_t count)
{
    zero_bad_parts(reinterpret_cast<float*>(samples), count);
}

} // namespace phy
} // namespace semcom
} // namespace gr
