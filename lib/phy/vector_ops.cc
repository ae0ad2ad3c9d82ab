/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "lanes.h"
#include "simd.h"
#include "vector_ops.h"
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Most streams one sum takes: all transmitters and the noise.
constexpr int max_inputs = max_streams + 1;

/*!
 * The sum over whole vectors; true if all of it is finite. A complex product is
 * re * x + (-im, im) * (x with its parts swapped).
 */
SEMCOM_SIMD bool sum_vectors(
    const float* const* in, const cfloat* weights, int num_in, float* out, size_t vectors)
{
    const lane_bits exponent = lane_bits{} + 0x7f800000;
    lane_bits bad = {};
    lanes crossed[max_inputs];
    for (int i = 0; i < num_in; i++)
        crossed[i] = weights[i].imag() * alternate;
    for (size_t v = 0; v < vectors; v++) {
        const size_t at = 2 * lane_samples * v;
        lanes sum = {};
        for (int i = 0; i < num_in; i++) {
            const lanes x = *reinterpret_cast<const lanes*>(in[i] + at);
            sum += weights[i].real() * x + crossed[i] * __builtin_shuffle(x, swap_parts);
        }
        *reinterpret_cast<lanes*>(out + at) = sum;
        bad |= (*reinterpret_cast<const lane_bits*>(&sum) & exponent) == exponent;
    }
    int32_t any = 0;
    for (size_t i = 0; i < 2 * lane_samples; i++)
        any |= bad[i];
    return any == 0;
}

} // namespace

bool weighted_sum(
    const cfloat* const* in, const cfloat* weights, int num_in, cfloat* out, size_t count)
{
    const float* parts[max_inputs];
    for (int i = 0; i < num_in; i++)
        parts[i] = reinterpret_cast<const float*>(in[i]);
    const size_t whole = count / lane_samples * lane_samples;
    bool finite = sum_vectors(
        parts, weights, num_in, reinterpret_cast<float*>(out), count / lane_samples);
    if (whole == count)
        return finite;
    // The rest goes through the same code, filled up with zeros.
    cfloat rest[max_inputs][lane_samples] = {}, sum[lane_samples];
    for (int i = 0; i < num_in; i++) {
        std::copy_n(in[i] + whole, count - whole, rest[i]);
        parts[i] = reinterpret_cast<const float*>(rest[i]);
    }
    finite &= sum_vectors(parts, weights, num_in, reinterpret_cast<float*>(sum), 1);
    std::copy_n(sum, count - whole, out + whole);
    return finite;
}

void zero_non_finite(cfloat* samples, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        if (!std::isfinite(samples[n].real()) || !std::isfinite(samples[n].imag()))
            samples[n] = 0;
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
