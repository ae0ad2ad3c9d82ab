/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "interpolator.h"
#include "phy/lanes.h"
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr double kaiser_beta = 8.96; // 90 dB, Kaiser's formula

double windowed_sinc(double t)
{
    const double u = 2.0 * t / interpolator::num_taps;
    if (std::fabs(u) >= 1.0)
        return 0.0;
    const double window = std::cyl_bessel_i(0.0, kaiser_beta * std::sqrt(1.0 - u * u)) /
                          std::cyl_bessel_i(0.0, kaiser_beta);
    const double sinc = t == 0.0 ? 1.0 : std::sin(M_PI * t) / (M_PI * t);
    return sinc * window;
}

//! out[n] = sum_j (taps[j] + n slopes[j]) in[n + j]
template <typename Lanes>
SEMCOM_INLINE void blend_of(
    const float* in, const float* taps, const float* slopes, float* out, size_t count)
{
    using vector = typename Lanes::vector;
    for (size_t n = 0; n < count; n += Lanes::samples) {
        const float* x = in + 2 * n;
        vector held_even = {}, held_odd = {}, moved_even = {}, moved_odd = {};
        for (int j = 0; j < interpolator::num_taps; j += 2) {
            const vector even = *reinterpret_cast<const vector*>(x + 2 * j);
            const vector odd = *reinterpret_cast<const vector*>(x + 2 * j + 2);
            held_even += taps[j] * even;
            held_odd += taps[j + 1] * odd;
            moved_even += slopes[j] * even;
            moved_odd += slopes[j + 1] * odd;
        }
        const vector position = Lanes::number + static_cast<float>(n);
        *reinterpret_cast<vector*>(out + 2 * n) =
            held_even + held_odd + position * (moved_even + moved_odd);
    }
}

SEMCOM_LANES(
    void,
    blend,
    (const float* in, const float* taps, const float* slopes, float* out, size_t count),
    (in, taps, slopes, out, count))

} // namespace

interpolator::interpolator()
{
    for (int p = -spare_phases; p <= num_phases + spare_phases + 1; p++)
        for (int j = 0; j < num_taps; j++)
            d_table.push_back(static_cast<float>(
                windowed_sinc(j - before - static_cast<double>(p) / num_phases)));
}

void interpolator::filter(double fraction, float* taps) const
{
    const double place = fraction * num_phases + spare_phases;
    const double floor = std::floor(place);
    const float weight = static_cast<float>(place - floor);
    const float* row = &d_table[static_cast<size_t>(floor) * num_taps];
    for (int j = 0; j < num_taps; j++)
        taps[j] = row[j] + weight * (row[j + num_taps] - row[j]);
}

void interpolator::apply(const cfloat* in, double first, double drift, cfloat* out) const
{
    float taps[num_taps], slopes[num_taps];
    filter(first, taps);
    filter(first + drift, slopes);
    for (int j = 0; j < num_taps; j++)
        slopes[j] = (slopes[j] - taps[j]) / static_cast<float>(step);
    blend(reinterpret_cast<const float*>(in),
          taps,
          slopes,
          reinterpret_cast<float*>(out),
          step);
}

} // namespace phy
} // namespace semcom
} // namespace gr
