/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "jakes.h"
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {

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
    cdouble sum = 0.0;
    for (int i = 0; i < num_paths; i++) {
        const double turns = d_rate[i] * time;
        // Whole turns go first, so that late times are as exact as early ones.
        const double angle = turns - std::floor(turns) + d_phase[i];
        sum += cdouble(std::cos(two_pi * angle), std::sin(two_pi * angle));
    }
    return sum / std::sqrt(static_cast<double>(num_paths));
}

} // namespace phy
} // namespace semcom
} // namespace gr
