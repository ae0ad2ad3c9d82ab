/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "multipath.h"
#include "phy/check_field.h"
#include "phy/lanes.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr double largest_spread = 25.0; // [samples]
constexpr double power_left_out = 1e-4;

//! out[n] = sum_k sum_l gains[k, l] in_k[n - l]
template <typename Lanes>
SEMCOM_INLINE void filter_held_of(const float* const* in,
                                  int num_in,
                                  const cfloat* gains,
                                  int num_taps,
                                  float* out,
                                  size_t count)
{
    using vector = typename Lanes::vector;
    for (size_t n = 0; n < count; n += Lanes::samples) {
        vector sum = {};
        for (int k = 0; k < num_in; k++)
            for (int l = 0; l < num_taps; l++) {
                const vector x =
                    *reinterpret_cast<const vector*>(in[k] + 2 * n - 2 * l);
                const cfloat gain = gains[k * num_taps + l];
                sum += gain.real() * x + gain.imag() * Lanes::alternate *
                                             __builtin_shuffle(x, Lanes::swap_parts);
            }
        *reinterpret_cast<vector*>(out + 2 * n) = sum;
    }
}

//! out[n] = sum_k sum_l (gains[k, l] + (first + n) slopes[k, l]) in_k[n - l]
template <typename Lanes>
SEMCOM_INLINE void filter_moving_of(const float* const* in,
                                    int num_in,
                                    const cfloat* gains,
                                    const cfloat* slopes,
                                    int num_taps,
                                    float first,
                                    float* out,
                                    size_t count)
{
    using vector = typename Lanes::vector;
    for (size_t n = 0; n < count; n += Lanes::samples) {
        vector held = {}, moved = {};
        for (int k = 0; k < num_in; k++)
            for (int l = 0; l < num_taps; l++) {
                const vector x =
                    *reinterpret_cast<const vector*>(in[k] + 2 * n - 2 * l);
                const vector crossed =
                    Lanes::alternate * __builtin_shuffle(x, Lanes::swap_parts);
                const cfloat gain = gains[k * num_taps + l];
                const cfloat slope = slopes[k * num_taps + l];
                held += gain.real() * x + gain.imag() * crossed;
                moved += slope.real() * x + slope.imag() * crossed;
            }
        const vector time = Lanes::number + (first + static_cast<float>(n));
        *reinterpret_cast<vector*>(out + 2 * n) = held + time * moved;
    }
}

// Both write whole runs of lane_samples.
SEMCOM_LANES(void,
             filter_held,
             (const float* const* in,
              int num_in,
              const cfloat* gains,
              int num_taps,
              float* out,
              size_t count),
             (in, num_in, gains, num_taps, out, count))
SEMCOM_LANES(void,
             filter_moving,
             (const float* const* in,
              int num_in,
              const cfloat* gains,
              const cfloat* slopes,
              int num_taps,
              float first,
              float* out,
              size_t count),
             (in, num_in, gains, slopes, num_taps, first, out, count))

std::vector<double> geometric(double ratio, size_t taps)
{
    std::vector<double> powers(taps);
    double sum = 0.0, power = 1.0;
    for (auto& p : powers) {
        sum += p = power;
        power *= ratio;
    }
    for (auto& p : powers)
        p /= sum;
    return powers;
}

double rms_delay(const std::vector<double>& powers)
{
    double mean = 0.0, square = 0.0;
    for (size_t l = 0; l < powers.size(); l++) {
        mean += powers[l] * l;
        square += powers[l] * l * l;
    }
    return std::sqrt(square - mean * mean);
}

//! The most samples over which a line follows Jakes' process to -80 dB.
uint64_t line_samples(double cycles_per_sample)
{
    uint64_t samples = 512;
    while (samples > 16 && samples * cycles_per_sample > 1.0 / 256.0)
        samples /= 2;
    return samples;
}

} // namespace

std::vector<double> exponential_profile(double spread)
{
    check_field(spread >= 0.0 && spread <= largest_spread,
                "delay_spread_s",
                spread,
                "0 to 25 samples");
    if (spread < 1e-3)
        return { 1.0 };
    // Without an end, spread = sqrt(r) / (1 - r).
    const double root = (std::sqrt(1.0 + 4.0 * spread * spread) - 1.0) / (2.0 * spread);
    const size_t taps =
        std::max<size_t>(2, std::ceil(std::log(power_left_out) / (2.0 * std::log(root))));
    double low = 0.0, high = 1.0;
    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (low + high);
        (rms_delay(geometric(middle, taps)) < spread ? low : high) = middle;
    }
    return geometric(low, taps);
}

multipath::multipath(const path_settings& settings,
                     double sample_rate,
                     int num_tx,
                     int num_rx,
                     uint64_t seed,
                     uint32_t link)
    : d_num_tx(num_tx),
      d_num_rx(num_rx),
      d_sample_rate(sample_rate),
      d_kind(settings.kind),
      d_hold(line_samples(settings.doppler_hz / sample_rate))
{
    for (double power : exponential_profile(settings.delay_spread_s * sample_rate))
        d_amplitude.push_back(std::sqrt(power));
    if (d_kind == fading::block)
        d_hold = std::max<uint64_t>(1, std::llround(settings.block_s * sample_rate));
    const size_t count = num_rx * num_tx * d_amplitude.size();
    d_fixed.resize(count);
    d_gains.resize(count);
    d_next.resize(count);
    d_slopes.resize(count);
    draw_fixed(settings, { seed, 0, link, purpose_path_phase });
    if (d_kind != fading::none) {
        for (auto& amplitude : d_amplitude)
            amplitude /= std::sqrt(settings.rician_k + 1.0);
        for (size_t i = 0; i < count; i++)
            d_scatter.emplace_back(random_stream{ seed, 0, link, purpose_path_scatter },
                                   i,
                                   settings.doppler_hz);
    }
    draw_gains(0.0, d_kind == fading::jakes ? d_next : d_gains);
}

void multipath::draw_fixed(const path_settings& settings, const random_stream& phases)
{
    const double k = settings.rician_k;
    const size_t taps = d_amplitude.size();
    for (size_t i = 0; i < d_fixed.size(); i++) {
        const size_t tap = i % taps, tx = i / taps % d_num_tx, rx = i / taps / d_num_tx;
        const double phase = two_pi * uniform(phases, i);
        if (d_kind != fading::none)
            d_fixed[i] = tap == 0 ? std::polar(std::sqrt(k / (k + 1.0)), phase) : 0.0;
        else
            d_fixed[i] =
                tx == rx ? std::polar(d_amplitude[tap], tap == 0 ? 0.0 : phase) : 0.0;
    }
}

void multipath::draw_gains(double position, std::vector<cfloat>& gains) const
{
    const double time = position / d_sample_rate;
    for (size_t i = 0; i < gains.size(); i++) {
        cdouble gain = d_fixed[i];
        if (d_kind != fading::none)
            gain += d_amplitude[i % d_amplitude.size()] * d_scatter[i].at(time);
        gains[i] = cfloat(gain);
    }
}

void multipath::move(uint64_t position)
{
    if (d_kind == fading::block)
        draw_gains(position + 0.5 * d_hold, d_gains);
    if (d_kind != fading::jakes)
        return;
    d_gains.swap(d_next);
    draw_gains(static_cast<double>(position + d_hold), d_next);
    for (size_t i = 0; i < d_gains.size(); i++)
        d_slopes[i] = (d_next[i] - d_gains[i]) / static_cast<float>(d_hold);
}

void multipath::apply(const cfloat* const* in, cfloat* const* out, size_t count)
{
    const float* from[max_streams];
    float* to[max_streams];
    for (size_t done = 0; done < count;) {
        const uint64_t held = d_position % d_hold;
        if (held == 0)
            move(d_position);
        const size_t length = std::min<uint64_t>(count - done, d_hold - held);
        for (int k = 0; k < d_num_tx; k++)
            from[k] = reinterpret_cast<const float*>(in[k] + done);
        for (int m = 0; m < d_num_rx; m++)
            to[m] = reinterpret_cast<float*>(out[m] + done);
        filter(from, to, static_cast<float>(held), length);
        d_position += length;
        done += length;
    }
}

void multipath::filter(const float* const* in,
                       float* const* out,
                       float held,
                       size_t count) const
{
    const size_t whole = lane_vectors(count) * lane_samples;
    const int taps = num_taps();
    for (int m = 0; m < d_num_rx; m++) {
        const cfloat* gains = &d_gains[m * d_num_tx * taps];
        const cfloat* slopes = &d_slopes[m * d_num_tx * taps];
        if (d_kind == fading::jakes)
            filter_moving(in, d_num_tx, gains, slopes, taps, held, out[m], whole);
        else
            filter_held(in, d_num_tx, gains, taps, out[m], whole);
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
