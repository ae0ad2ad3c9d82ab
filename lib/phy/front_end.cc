/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "front_end.h"
#include "simd.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr float largest_part = 1e6f;

inline float clean(float part) { return std::fabs(part) <= largest_part ? part : 0.0f; }

SEMCOM_SIMD void transmit_parts(
    const float* in, const float* lo, mixer m, float saturation, float* out, size_t count)
{
    const float dc_i = m.dc.real(), dc_q = m.dc.imag();
    for (size_t n = 0; n < count; n++) {
        const float re = clean(in[2 * n]), im = clean(in[2 * n + 1]);
        const float i = m.ii * re + m.iq * im + dc_i;
        const float q = m.qi * re + m.qq * im + dc_q;
        const float power = (i * i + q * q) * saturation;
        const float gain = 1.0f / std::sqrt(std::sqrt(1.0f + power * power));
        const float c = lo[2 * n] * gain, s = lo[2 * n + 1] * gain;
        out[2 * n] = i * c - q * s;
        out[2 * n + 1] = i * s + q * c;
    }
}

SEMCOM_SIMD void receive_parts(const float* in,
                               const float* noise,
                               float noise_rms,
                               const float* lo,
                               mixer m,
                               float* out,
                               size_t count)
{
    const float dc_i = m.dc.real(), dc_q = m.dc.imag();
    for (size_t n = 0; n < count; n++) {
        const float re = in[2 * n] + noise_rms * noise[2 * n];
        const float im = in[2 * n + 1] + noise_rms * noise[2 * n + 1];
        const float i = re * lo[2 * n] + im * lo[2 * n + 1];
        const float q = im * lo[2 * n] - re * lo[2 * n + 1];
        out[2 * n] = m.ii * i + m.iq * q + dc_i;
        out[2 * n + 1] = m.qi * i + m.qq * q + dc_q;
    }
}

//! Rounds by the addition of 1.5 2^23: |x| < 2^22.
inline float round_small(float x) { return (x + 12582912.0f) - 12582912.0f; }

SEMCOM_SIMD void
quantise_parts(float* parts, float levels_per_unit, float step, float outermost, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const float level = std::max(-outermost, parts[n] * levels_per_unit);
        parts[n] = step * round_small(std::min(outermost - 1.0f, level));
    }
}

const float* parts_of(const cfloat* samples) { return reinterpret_cast<const float*>(samples); }
float* parts_of(cfloat* samples) { return reinterpret_cast<float*>(samples); }

} // namespace

mixer::mixer(double gain_db, double phase_deg, cdouble dc_offset) : dc(dc_offset)
{
    const double ratio = std::pow(10.0, gain_db / 20.0);
    const double gain_q = std::sqrt(2.0 / (1.0 + ratio * ratio)), gain_i = ratio * gain_q;
    const double half = phase_deg * M_PI / 360.0;
    ii = static_cast<float>(gain_i * std::cos(half));
    iq = static_cast<float>(-gain_i * std::sin(half));
    qi = static_cast<float>(-gain_q * std::sin(half));
    qq = static_cast<float>(gain_q * std::cos(half));
}

mixer mixer::amplified(double gain) const
{
    const float g = static_cast<float>(gain);
    mixer louder = *this;
    for (float* part : { &louder.ii, &louder.iq, &louder.qi, &louder.qq })
        *part *= g;
    louder.dc *= g;
    return louder;
}

void transmit(const cfloat* in,
              const cfloat* oscillator,
              const mixer& m,
              float saturation,
              cfloat* out,
              size_t count)
{
    transmit_parts(
        parts_of(in), parts_of(oscillator), m, saturation, parts_of(out), count);
}

void receive(const cfloat* in,
             const cfloat* noise,
             float noise_rms,
             const cfloat* oscillator,
             const mixer& m,
             cfloat* out,
             size_t count)
{
    receive_parts(parts_of(in),
                  parts_of(noise),
                  noise_rms,
                  parts_of(oscillator),
                  m,
                  parts_of(out),
                  count);
}

void quantise(cfloat* samples, int bits, float full_scale, size_t count)
{
    const float outermost = std::ldexp(1.0f, bits - 1);
    quantise_parts(parts_of(samples),
                   outermost / full_scale,
                   full_scale / outermost,
                   outermost,
                   2 * count);
}

} // namespace phy
} // namespace semcom
} // namespace gr
