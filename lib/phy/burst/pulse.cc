/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/check_field.h"
#include "phy/simd.h"
#include "pulse.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Fractions of a sample at which a polyphase_filter's impulse response is kept.
constexpr size_t num_fractions = 128;

//! Floats that one pass of the dot product takes.
constexpr size_t lanes = 16;

//! Around a singular point a formula is taken for its limit, [symbols].
constexpr double singular_width = 1e-6;

constexpr double kaiser_beta = 8.0;

double sinc(double x)
{
    return std::fabs(x) < 1e-9 ? 1.0 : std::sin(M_PI * x) / (M_PI * x);
}

double kaiser(double x, double reach)
{
    const double inside = 1.0 - (x / reach) * (x / reach);
    return inside <= 0.0 ? 0.0
                         : std::cyl_bessel_i(0.0, kaiser_beta * std::sqrt(inside)) /
                               std::cyl_bessel_i(0.0, kaiser_beta);
}

//! Dot products with \p w at \p out_count places of x, \p step complex numbers apart.
SEMCOM_SIMD void dots(const float* x,
                      size_t step,
                      const float* w,
                      size_t count,
                      cfloat* out,
                      size_t out_count)
{
    for (size_t n = 0; n < out_count; n++, x += 2 * step) {
        float sum[lanes] = {};
        for (size_t i = 0; i < count; i += lanes)
            for (size_t l = 0; l < lanes; l++)
                sum[l] += x[i + l] * w[i + l];
        for (size_t width = lanes / 2; width >= 2; width /= 2)
            for (size_t l = 0; l < width; l++)
                sum[l] += sum[l + width];
        out[n] = { sum[0], sum[1] };
    }
}

SEMCOM_SIMD void add_pulse(float* out, const float* taps, size_t count, cfloat symbol)
{
    for (size_t j = 0; j < count; j++) {
        out[2 * j] += taps[j] * symbol.real();
        out[2 * j + 1] += taps[j] * symbol.imag();
    }
}

//! Square root of the energy of the cut pulse at sample spacing.
double amplitude(const pulse_shape& pulse)
{
    const int half = pulse.span * pulse.sps;
    double energy = 0.0;
    for (int n = -half; n <= half; n++)
        energy += std::pow(
            root_raised_cosine(static_cast<double>(n) / pulse.sps, pulse.roll_off), 2);
    return std::sqrt(energy);
}

//! Copies the samples from \p start on; those outside of the input are 0.
void copy_edge(const cfloat* in, size_t count, long long start, std::vector<cfloat>& out)
{
    for (size_t j = 0; j < out.size(); j++) {
        const long long at = start + static_cast<long long>(j);
        out[j] = at >= 0 && at < static_cast<long long>(count) ? in[at] : cfloat(0.0f);
    }
}

} // namespace

void pulse_shape::check() const
{
    check_range("sps", sps, 2, 64);
    check_range("span", span, 1, 64);
    check_range("roll_off", roll_off, 0.0, 1.0);
}

double root_raised_cosine(double t, double b)
{
    if (std::fabs(t) < singular_width)
        return 1.0 - b + 4.0 * b / M_PI;
    if (std::fabs(std::fabs(4.0 * b * t) - 1.0) < singular_width)
        return b / M_SQRT2 *
               ((1.0 + 2.0 / M_PI) * std::sin(M_PI / (4.0 * b)) +
                (1.0 - 2.0 / M_PI) * std::cos(M_PI / (4.0 * b)));
    return (std::sin(M_PI * t * (1.0 - b)) +
            4.0 * b * t * std::cos(M_PI * t * (1.0 + b))) /
           (M_PI * t * (1.0 - std::pow(4.0 * b * t, 2)));
}

double raised_cosine(double t, double b)
{
    const double twice = 2.0 * b * t;
    if (std::fabs(std::fabs(twice) - 1.0) < singular_width)
        return M_PI / 4.0 * sinc(t);
    return sinc(t) * std::cos(M_PI * b * t) / (1.0 - twice * twice);
}

double raised_cosine_slope(double t, double b)
{
    constexpr double h = 1e-4; // the error is h^2 / 6 of a third derivative near 30
    return (raised_cosine(t + h, b) - raised_cosine(t - h, b)) / (2.0 * h);
}

double mean_square_bandwidth(double b)
{
    return 1.0 / 12.0 + b * b * (0.25 - 2.0 / (M_PI * M_PI));
}

std::vector<float> root_raised_cosine_taps(const pulse_shape& pulse)
{
    pulse.check();
    const double scale = 1.0 / amplitude(pulse);
    const int half = pulse.span * pulse.sps;
    std::vector<float> taps(pulse.length());
    for (int n = -half; n <= half; n++)
        taps[n + half] = static_cast<float>(
            scale *
            root_raised_cosine(static_cast<double>(n) / pulse.sps, pulse.roll_off));
    return taps;
}

std::vector<cfloat> shape(const cfloat* symbols, size_t count, const pulse_shape& pulse)
{
    const auto taps = root_raised_cosine_taps(pulse);
    if (count == 0)
        return {};
    std::vector<cfloat> out((count - 1) * pulse.sps + taps.size());
    for (size_t i = 0; i < count; i++)
        add_pulse(reinterpret_cast<float*>(&out[i * pulse.sps]),
                  taps.data(),
                  taps.size(),
                  symbols[i]);
    return out;
}

// Row f holds p(n - t) for t with the fraction f / num_fractions: tap j weighs the sample
// floor(t) - reach + j, so that it is p(j - reach - f / num_fractions).
polyphase_filter::polyphase_filter(size_t reach)
    : d_reach(reach), d_lanes((4 * (reach + 1) + lanes - 1) / lanes * lanes)
{
    d_table.assign((num_fractions + 1) * d_lanes, 0.0f);
}

void polyphase_filter::set(size_t fraction, size_t tap, double value)
{
    row(fraction)[2 * tap] = row(fraction)[2 * tap + 1] = static_cast<float>(value);
}

polyphase_filter polyphase_filter::matched_filter(const pulse_shape& pulse)
{
    pulse.check();
    polyphase_filter filter(static_cast<size_t>(pulse.span) * pulse.sps);
    const double scale = 1.0 / amplitude(pulse);
    for (size_t f = 0; f <= num_fractions; f++)
        for (size_t j = 0; j < 2 * (filter.d_reach + 1); j++) {
            const double t = static_cast<double>(j) -
                             static_cast<double>(filter.d_reach) -
                             static_cast<double>(f) / num_fractions;
            if (std::fabs(t) <= static_cast<double>(filter.d_reach))
                filter.set(
                    f, j, scale * root_raised_cosine(t / pulse.sps, pulse.roll_off));
        }
    return filter;
}

polyphase_filter polyphase_filter::low_pass(double cutoff, size_t reach)
{
    check_range("cutoff", cutoff, 1e-6, 0.5);
    check_range("reach", static_cast<double>(reach), 1.0, 4096.0);
    polyphase_filter filter(reach);
    for (size_t f = 0; f <= num_fractions; f++)
        for (size_t j = 0; j < 2 * (reach + 1); j++) {
            const double t = static_cast<double>(j) - static_cast<double>(reach) -
                             static_cast<double>(f) / num_fractions;
            filter.set(f,
                       j,
                       2.0 * cutoff * sinc(2.0 * cutoff * t) *
                           kaiser(t, static_cast<double>(reach)));
        }
    return filter;
}

void polyphase_filter::weights(double fraction, std::vector<float>& taps) const
{
    const double place = fraction * num_fractions;
    const size_t index = std::min(static_cast<size_t>(place), num_fractions - 1);
    const float w = static_cast<float>(place - static_cast<double>(index));
    const float* from = &d_table[index * d_lanes];
    const float* to = from + d_lanes;
    for (size_t i = 0; i < d_lanes; i++)
        taps[i] = from[i] + w * (to[i] - from[i]);
}

void polyphase_filter::apply(const cfloat* in,
                             size_t count,
                             double first,
                             double step,
                             cfloat* out,
                             size_t out_count) const
{
    std::vector<float> taps(d_lanes);
    std::vector<cfloat> edge(d_lanes / 2);
    const double reach = static_cast<double>(d_reach), end = static_cast<double>(count);
    // At whole steps from a whole time on, the filter stays the same.
    const bool even = first == std::floor(first) && step == std::floor(step) && step > 0;
    double last_fraction = -1.0;
    for (size_t i = 0; i < out_count; i++) {
        const double time = first + step * static_cast<double>(i);
        if (!(time > -reach - 1.0 && time < end + reach)) {
            out[i] = 0.0f;
            continue;
        }
        const double whole = std::floor(time);
        if (time - whole != last_fraction)
            weights(last_fraction = time - whole, taps);
        const auto start =
            static_cast<long long>(whole) - static_cast<long long>(d_reach);
        const auto length = static_cast<long long>(edge.size());
        const bool inside = start >= 0 && start + length <= static_cast<long long>(count);
        if (!inside)
            copy_edge(in, count, start, edge);
        const size_t stride = even ? static_cast<size_t>(step) : 1;
        size_t together = 1;
        if (even && inside)
            together =
                std::min<size_t>(out_count - i, (count - start - length) / stride + 1);
        dots(reinterpret_cast<const float*>(inside ? in + start : edge.data()),
             stride,
             taps.data(),
             d_lanes,
             out + i,
             together);
        i += together - 1;
    }
}

double peak_to_mean_db(const cfloat* samples, size_t count, double mean_power)
{
    double peak = 0.0, sum = 0.0;
    for (size_t n = 0; n < count; n++) {
        peak = std::max(peak, static_cast<double>(std::norm(samples[n])));
        sum += std::norm(samples[n]);
    }
    const double mean = mean_power > 0.0 ? mean_power : sum / static_cast<double>(count);
    return mean > 0.0 && std::isfinite(sum) ? 10.0 * std::log10(peak / mean) : -infinity;
}

double limit_peak(std::vector<cfloat>& samples,
                  const pulse_shape& pulse,
                  double peak_db,
                  int iterations)
{
    pulse.check();
    check_range("peak_db", peak_db, 0.0, 100.0);
    check_range("iterations", iterations, 0, 100);
    const double mean = 1.0 / pulse.sps;
    const auto level =
        static_cast<float>(std::sqrt(mean * std::pow(10.0, peak_db / 10.0)));
    const auto filter = polyphase_filter::low_pass(
        std::min(0.5, (1.0 + pulse.roll_off) / (2.0 * pulse.sps)), 8 * pulse.sps);
    std::vector<cfloat> excess(samples.size()), in_band(samples.size());
    for (int i = 0; i < iterations; i++) {
        for (size_t n = 0; n < samples.size(); n++) {
            const float size = std::abs(samples[n]);
            excess[n] = size > level ? samples[n] * (1.0f - level / size) : cfloat(0.0f);
        }
        filter.apply(
            excess.data(), excess.size(), 0.0, 1.0, in_band.data(), in_band.size());
        for (size_t n = 0; n < samples.size(); n++)
            samples[n] -= in_band[n];
    }
    return peak_to_mean_db(samples.data(), samples.size(), mean);
}

} // namespace phy
} // namespace semcom
} // namespace gr
