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
 * Sums of whole vectors, one for each of \p num_out streams; true if all are finite. A
 * complex product is re * x + (-im, im) * (x with its parts swapped). Where \p num_in is
 * a constant, all weights stay in registers.
 */
template <typename Lanes, int num_out>
SEMCOM_INLINE bool sum_vectors(const float* const* in,
                               const cfloat* weights,
                               int num_in,
                               float* const* out,
                               size_t first,
                               size_t last)
{
    using vector = typename Lanes::vector;
    vector zero = {}; // until a sum is not finite
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
    bool finite = true;
    for (size_t i = 0; i < 2 * Lanes::samples; i++)
        finite &= zero[i] == 0.0f;
    return finite;
}

template <typename Lanes, int num_out>
SEMCOM_INLINE bool sum_items(const float* const* in,
                             const cfloat* weights,
                             int num_in,
                             float* const* out,
                             size_t count)
{
    const size_t whole = count / Lanes::samples * Lanes::samples;
    bool finite = sum_vectors<Lanes, num_out>(in, weights, num_in, out, 0, whole);
    if (whole == count)
        return finite;
    // The rest goes through the same code, filled up with zeros.
    float rest[max_inputs][2 * Lanes::samples] = {}, sums[num_out][2 * Lanes::samples];
    const float* from[max_inputs];
    float* to[num_out];
    for (int i = 0; i < num_in; i++) {
        std::copy_n(in[i] + 2 * whole, 2 * (count - whole), rest[i]);
        from[i] = rest[i];
    }
    for (int k = 0; k < num_out; k++)
        to[k] = sums[k];
    finite &= sum_vectors<Lanes, num_out>(from, weights, num_in, to, 0, Lanes::samples);
    for (int k = 0; k < num_out; k++)
        std::copy_n(sums[k], 2 * (count - whole), out[k] + 2 * whole);
    return finite;
}

template <typename Lanes>
SEMCOM_INLINE bool sum_one_of(const float* const* in,
                              const cfloat* weights,
                              int num_in,
                              float* const* out,
                              size_t count)
{
    if (num_in == 3) // two transmitters and noise: a known number stays in registers
        return sum_items<Lanes, 1>(in, weights, 3, out, count);
    return sum_items<Lanes, 1>(in, weights, num_in, out, count);
}

template <typename Lanes>
SEMCOM_INLINE bool sum_two_of_two_of(const float* const* in,
                                     const cfloat* weights,
                                     float* const* out,
                                     size_t count)
{
    return sum_items<Lanes, 2>(in, weights, 2, out, count);
}

SEMCOM_LANES(bool,
             sum_one,
             (const float* const* in,
              const cfloat* weights,
              int num_in,
              float* const* out,
              size_t count),
             (in, weights, num_in, out, count))
SEMCOM_LANES(
    bool,
    sum_two_of_two,
    (const float* const* in, const cfloat* weights, float* const* out, size_t count),
    (in, weights, out, count))

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

bool weighted_sums(const cfloat* const* in,
                   const cfloat* weights,
                   int num_in,
                   cfloat* const* out,
                   int num_out,
                   size_t count)
{
    const float* from[max_inputs];
    float* to[max_streams];
    for (int i = 0; i < num_in; i++)
        from[i] = reinterpret_cast<const float*>(in[i]);
    for (int k = 0; k < num_out; k++)
        to[k] = reinterpret_cast<float*>(out[k]);
    if (num_in == 2 && num_out == 2)
        return sum_two_of_two(from, weights, to, count);
    bool finite = true;
    for (int k = 0; k < num_out; k++)
        finite &= sum_one(from, weights + k * num_in, num_in, to + k, count);
    return finite;
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
