/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "jakes.h"
#include "fast_math.h"
#include "simd.h"
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! The sums of cos and sin of 2 pi (rates[i] time + phases[i]).
SEMCOM_SIMD void
sum_paths(const double* rates, const double* phases, double time, double* sums)
{
    constexpr int count = jakes_process::num_paths;
    double cosines[count], sines[count];
    for (int i = 0; i < count; i++) {
        const double turns = rates[i] * time;
        // Whole turns go first, so that late times are as exact as early ones.
        cos_sin_turns(turns - std::floor(turns) + phases[i], cosines[i], sines[i]);
    }
    for (int half = count / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) {
            cosines[i] += cosines[i + half];
            sines[i] += sines[i + half];
        }
    sums[0] = cosines[0];
    sums[1] = sines[0];
}

} // namespace

jakes_process::jakes_process(const random_stream& stream, uint64_t index, double doppler)
{
    const uint64_t first = index * (num_paths + 1);
    const double turn = two_pi * uniform(stream, first) - M_PI;
    for (int i = 0; i < num_paths; i++) {
        const double angle = (two_pi * i - M_PI + turn) / num_paths;
        d_rate[i] = doppler * std::cos(angle);
        d_phase[i] = uniform(stream, first + 1 + i);
    }
}

cdouble jakes_process::at(double time) const
{
    double sums[2];
    sum_paths(d_rate.data(), d_phase.data(), time, sums);
    return cdouble(sums[0], sums[1]) / std::sqrt(static_cast<double>(num_paths));
}

} // namespace phy
} // namespace semcom
} // namespace gr
