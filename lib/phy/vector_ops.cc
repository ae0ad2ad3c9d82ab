/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "simd.h"
#include "vector_ops.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Samples kept in the first-level cache while all inputs are added to them.
constexpr size_t chunk = 512;

SEMCOM_SIMD void
scale(const float* __restrict in, cfloat weight, float* __restrict out, size_t count)
{
    const float re = weight.real(), im = weight.imag();
    for (size_t n = 0; n < count; n++) {
        out[2 * n] = re * in[2 * n] - im * in[2 * n + 1];
        out[2 * n + 1] = re * in[2 * n + 1] + im * in[2 * n];
    }
}

SEMCOM_SIMD void
scale_add(const float* __restrict in, cfloat weight, float* __restrict out, size_t count)
{
    const float re = weight.real(), im = weight.imag();
    for (size_t n = 0; n < count; n++) {
        out[2 * n] += re * in[2 * n] - im * in[2 * n + 1];
        out[2 * n + 1] += re * in[2 * n + 1] + im * in[2 * n];
    }
}

//! True if any of the numbers is NaN or infinite: all ones in the exponent.
SEMCOM_SIMD bool any_non_finite(const float* values, size_t count)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        std::memcpy(&bits, values + i, sizeof bits);
        found |= (bits & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
    }
    return found != 0;
}

} // namespace

void weighted_sum(
    const cfloat* const* in, const cfloat* weights, int num_in, cfloat* out, size_t count)
{
    for (size_t first = 0; first < count; first += chunk) {
        const size_t length = std::min(chunk, count - first);
        auto* sum = reinterpret_cast<float*>(out + first);
        scale(reinterpret_cast<const float*>(in[0] + first), weights[0], sum, length);
        for (int i = 1; i < num_in; i++)
            scale_add(
                reinterpret_cast<const float*>(in[i] + first), weights[i], sum, length);
    }
}

void zero_non_finite(cfloat* samples, size_t count)
{
    if (!any_non_finite(reinterpret_cast<const float*>(samples), 2 * count))
        return;
    for (size_t n = 0; n < count; n++) {
        if (!std::isfinite(samples[n].real()) || !std::isfinite(samples[n].imag()))
            samples[n] = 0;
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
