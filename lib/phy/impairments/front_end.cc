/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "front_end.h"
#include "phy/lanes.h"
#include "phy/simd.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr float largest_part = 1e6f;

template <typename Lanes>
SEMCOM_INLINE void
mix_parts_of(float* parts, cfloat straight, cfloat crossed, cfloat dc, size_t count)
{
    using vector = typename Lanes::vector;
    vector own, other, constant;
    for (size_t i = 0; i < 2 * Lanes::samples; i += 2) {
        own[i] = straight.real(), own[i + 1] = straight.imag();
        other[i] = crossed.real(), other[i + 1] = crossed.imag();
        constant[i] = dc.real(), constant[i + 1] = dc.imag();
    }
    for (size_t n = 0; n < count; n += Lanes::samples) {
        vector& x = *reinterpret_cast<vector*>(parts + 2 * n);
        x = own * x + other * __builtin_shuffle(x, Lanes::swap_parts) + constant;
    }
}

SEMCOM_SIMD void clean_parts(float* parts, size_t count)
{
    for (size_t n = 0; n < count; n++)
        parts[n] = std::fabs(parts[n]) <= largest_part ? parts[n] : 0.0f;
}

SEMCOM_SIMD void amplify_parts(float* parts, float per_square, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const float re = parts[2 * n], im = parts[2 * n + 1];
        const float power = (re * re + im * im) * per_square;
        const float gain = 1.0f / std::sqrt(std::sqrt(1.0f + power * power));
        parts[2 * n] = re * gain;
        parts[2 * n + 1] = im * gain;
    }
}

template <typename Lanes>
SEMCOM_INLINE void
turn_parts_of(float* parts, const float* oscillator, float direction, size_t count)
{
    using vector = typename Lanes::vector;
    for (size_t n = 0; n < count; n += Lanes::samples) {
        vector& x = *reinterpret_cast<vector*>(parts + 2 * n);
        const vector lo = *reinterpret_cast<const vector*>(oscillator + 2 * n);
        const vector crossed =
            direction * Lanes::alternate * __builtin_shuffle(x, Lanes::swap_parts);
        x = __builtin_shuffle(lo, Lanes::real_parts) * x +
            __builtin_shuffle(lo, Lanes::imag_parts) * crossed;
    }
}

// Both change whole runs of lane_samples.
SEMCOM_LANES(void,
             mix_parts,
             (float* parts, cfloat straight, cfloat crossed, cfloat dc, size_t count),
             (parts, straight, crossed, dc, count))
SEMCOM_LANES(void,
             turn_parts,
             (float* parts, const float* oscillator, float direction, size_t count),
             (parts, oscillator, direction, count))

SEMCOM_SIMD void add_parts(float* parts, const float* noise, float rms, size_t count)
{
    for (size_t n = 0; n < count; n++)
        parts[n] += rms * noise[n];
}

//! Rounds by the addition of 1.5 2^23: |x| < 2^22.
inline float round_small(float x) { return (x + 12582912.0f) - 12582912.0f; }

SEMCOM_SIMD void quantise_parts(
    float* parts, float levels_per_unit, float step, float outermost, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const float level = std::max(-outermost, parts[n] * levels_per_unit);
        parts[n] = step * round_small(std::min(outermost - 1.0f, level));
    }
}

float* parts_of(cfloat* samples) { return reinterpret_cast<float*>(samples); }

const float* parts_of(const cfloat* samples)
{
    return reinterpret_cast<const float*>(samples);
}

} // namespace

mixer::mixer(double gain_db, double phase_deg, cdouble dc, double gain)
{
    const double ratio = std::pow(10.0, gain_db / 20.0);
    const double gain_q = gain * std::sqrt(2.0 / (1.0 + ratio * ratio));
    const double gain_i = ratio * gain_q;
    const double half = phase_deg * M_PI / 360.0;
    d_straight = cfloat(cdouble(gain_i, gain_q) * std::cos(half));
    d_crossed = cfloat(-cdouble(gain_i, gain_q) * std::sin(half));
    d_dc = cfloat(gain * dc);
}

void mixer::apply(cfloat* samples, size_t count) const
{
    mix_parts(parts_of(samples),
              d_straight,
              d_crossed,
              d_dc,
              lane_vectors(count) * lane_samples);
}

void clean(cfloat* samples, size_t count) { clean_parts(parts_of(samples), 2 * count); }

void amplify(cfloat* samples, double saturation, size_t count)
{
    const float per_square = static_cast<float>(1.0 / (saturation * saturation));
    amplify_parts(parts_of(samples), per_square, count);
}

void turn(cfloat* samples, const cfloat* oscillator, bool conjugated, size_t count)
{
    turn_parts(parts_of(samples),
               parts_of(oscillator),
               conjugated ? -1.0f : 1.0f,
               lane_vectors(count) * lane_samples);
}

void add_noise(cfloat* samples, const cfloat* noise, double rms, size_t count)
{
    add_parts(parts_of(samples), parts_of(noise), static_cast<float>(rms), 2 * count);
}

void quantise(cfloat* samples, int bits, double full_scale, size_t count)
{
    const double outermost = std::ldexp(1.0, bits - 1);
    quantise_parts(parts_of(samples),
                   static_cast<float>(outermost / full_scale),
                   static_cast<float>(full_scale / outermost),
                   static_cast<float>(outermost),
                   2 * count);
}

} // namespace phy
} // namespace semcom
} // namespace gr
