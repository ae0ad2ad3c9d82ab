/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "oscillator.h"
#include "phy/fast_math.h"
#include "phy/simd.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

SEMCOM_SIMD void to_steps(const float* steps, float scale, uint32_t* out, size_t count)
{
    for (size_t n = 0; n < count; n++)
        out[n] = static_cast<uint32_t>(static_cast<int32_t>(scale * steps[n]));
}

SEMCOM_SIMD void to_phasors(const uint32_t* phases, float* out, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const float turns =
            static_cast<float>(static_cast<int32_t>(phases[n] >> 8)) * 0x1p-24f;
        cos_sin_turns(turns, out[2 * n], out[2 * n + 1]);
    }
}

} // namespace

double phase_noise_step(double level_dbc_hz, double offset, double sample_rate)
{
    return two_pi * offset * std::pow(10.0, level_dbc_hz / 20.0) / std::sqrt(sample_rate);
}

oscillator::oscillator(double frequency, double step, const random_stream& stream)
    : d_stream(stream),
      d_step(static_cast<uint64_t>(std::llround(std::ldexp(frequency, 64)))),
      d_walk_scale(static_cast<float>(std::ldexp(step / two_pi * std::sqrt(2.0), 32))),
      d_normals(chunk / 2),
      d_phases(chunk)
{
    // The start comes from a run that no walk reaches.
    const auto start =
        uniform({ stream.seed, ~uint64_t{ 0 }, stream.link, stream.purpose }, 0);
    d_angle = static_cast<uint64_t>(std::ldexp(start, 63)) * 2;
}

void oscillator::draw()
{
    const uint64_t first = d_block * (chunk / 2);
    auto stream = d_stream;
    stream.frame = first / run_of_numbers;
    complex_normal(stream, first % run_of_numbers, d_normals.data(), d_normals.size());
    d_block++;
    d_used = 0;
}

//! From the walk's steps to phases: the walk before each step, and the steady turning.
void oscillator::accumulate(uint32_t* steps, size_t count)
{
    uint32_t walk = d_walk;
    uint64_t angle = d_angle;
    for (size_t n = 0; n < count; n++) {
        const uint32_t step = steps[n];
        steps[n] = static_cast<uint32_t>(angle >> 32) + walk;
        walk += step;
        angle += d_step;
    }
    d_walk = walk;
    d_angle = angle;
}

void oscillator::turn(cfloat* out, size_t count)
{
    while (count > 0) {
        if (d_used == chunk && d_walk_scale > 0.0f)
            draw();
        d_used %= chunk;
        const size_t taken = std::min(count, chunk - d_used);
        const float* steps = reinterpret_cast<const float*>(d_normals.data()) + d_used;
        to_steps(steps, d_walk_scale, d_phases.data(), taken);
        accumulate(d_phases.data(), taken);
        to_phasors(d_phases.data(), reinterpret_cast<float*>(out), taken);
        d_used += taken;
        out += taken;
        count -= taken;
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
