/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/check_field.h"
#include "phy/lanes.h"
#include "phy/simd.h"
#include "phy/vector_ops.h"
#include "preamble.h"
#include "preamble_detector.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! ln(1 / 0.003): what noise rarely exceeds in units of its mean power.
constexpr double screen_level = 5.8;

//! out[n] += weight in[n]
SEMCOM_SIMD void accumulate(const cfloat* in, cfloat weight, cfloat* out, size_t count)
{
    const float* x = reinterpret_cast<const float*>(in);
    float* y = reinterpret_cast<float*>(out);
    const float re = weight.real(), im = weight.imag();
    for (size_t n = 0; n < count; n++) {
        const float a = x[2 * n], b = x[2 * n + 1];
        y[2 * n] += re * a - im * b;
        y[2 * n + 1] += re * b + im * a;
    }
}

//! out[n] = sum_i weights[i] in[n + i step], for each n in one pass.
template <typename Lanes>
SEMCOM_INLINE void correlate_with_of(const float* in,
                                     size_t step,
                                     const cfloat* weights,
                                     size_t num_weights,
                                     float* out,
                                     size_t count)
{
    using vector = typename Lanes::vector;
    vector straight[preamble_period], crossed[preamble_period];
    for (size_t i = 0; i < num_weights; i++) {
        straight[i] = vector{} + weights[i].real();
        crossed[i] = weights[i].imag() * Lanes::alternate;
    }
    size_t n = 0;
    for (; n + Lanes::samples <= count; n += Lanes::samples) {
        vector sum = {};
        for (size_t i = 0; i < num_weights; i++) {
            const vector x = *reinterpret_cast<const vector*>(in + 2 * (n + i * step));
            sum += straight[i] * x + crossed[i] * __builtin_shuffle(x, Lanes::swap_parts);
        }
        *reinterpret_cast<vector*>(out + 2 * n) = sum;
    }
    for (; n < count; n++) {
        float re = 0.0f, im = 0.0f;
        for (size_t i = 0; i < num_weights; i++) {
            const float* x = in + 2 * (n + i * step);
            re += straight[i][0] * x[0] + crossed[i][0] * x[1];
            im += straight[i][1] * x[1] + crossed[i][1] * x[0];
        }
        out[2 * n] = re;
        out[2 * n + 1] = im;
    }
}

SEMCOM_LANES(void,
             correlate_with,
             (const float* in,
              size_t step,
              const cfloat* weights,
              size_t num_weights,
              float* out,
              size_t count),
             (in, step, weights, num_weights, out, count))

//! out[n] += in[n + lag] conj(in[n])
SEMCOM_SIMD void accumulate_lag(const cfloat* in, size_t lag, cfloat* out, size_t count)
{
    const float *x = reinterpret_cast<const float*>(in), *late = x + 2 * lag;
    float* y = reinterpret_cast<float*>(out);
    for (size_t n = 0; n < count; n++) {
        const float a = x[2 * n], b = x[2 * n + 1];
        const float c = late[2 * n], d = late[2 * n + 1];
        y[2 * n] += c * a + d * b;
        y[2 * n + 1] += d * a - c * b;
    }
}

//! energy[n] += |in[n]|^2
SEMCOM_SIMD void accumulate_energy(const cfloat* in, double* energy, size_t count)
{
    const float* x = reinterpret_cast<const float*>(in);
    for (size_t n = 0; n < count; n++)
        energy[n] += static_cast<double>(x[2 * n]) * x[2 * n] +
                     static_cast<double>(x[2 * n + 1]) * x[2 * n + 1];
}

//! Replaces each value by the sum of it and those \p step, 2 step... before; the largest.
double sum_in_steps(std::vector<double>& values, size_t step)
{
    double largest = 0.0;
    for (size_t n = 0; n < values.size(); n++) {
        values[n] += n >= step ? values[n - step] : 0.0;
        largest = std::max(largest, values[n]);
    }
    return largest;
}

//! Of detections nearer than \p distance the one with the largest metric, by time.
std::vector<detection> strongest(std::vector<detection> heard, double distance)
{
    std::sort(heard.begin(), heard.end(), [](const detection& a, const detection& b) {
        return a.metric > b.metric;
    });
    std::vector<detection> kept;
    for (const auto& candidate : heard)
        if (std::none_of(kept.begin(), kept.end(), [&](const detection& other) {
                return std::fabs(candidate.start - other.start) < distance;
            }))
            kept.push_back(candidate);
    std::sort(kept.begin(), kept.end(), [](const detection& a, const detection& b) {
        return a.start < b.start;
    });
    return kept;
}

} // namespace

void detector_settings::check() const
{
    check_field(
        false_alarm > 0.0 && false_alarm < 1.0, "false_alarm", false_alarm, "0 to 1");
    check_field(search >= 1.0 && std::isfinite(search), "search", search, "1 or more");
    check_field(max_cfo >= 0.0 && max_cfo <= 0.04, "max_cfo", max_cfo, "0 to 0.04");
}

double detection_threshold(double false_alarm, int length)
{
    return 1.0 - std::pow(false_alarm, 1.0 / (length - 1.0));
}

double false_alarm_probability(double threshold, int num_rx, int length)
{
    const double x = std::clamp(threshold, 0.0, 1.0);
    const int n = num_rx * length - 1;
    double sum = 0.0, ways = 1.0;
    for (int j = 0; j < num_rx; j++) {
        sum += ways * std::pow(x, j) * std::pow(1.0 - x, n - j);
        ways *= (n - j) / (j + 1.0);
    }
    return sum;
}

struct preamble_detector::correlations {
    std::vector<std::vector<cfloat>> z; // of one repetition, for each antenna
    std::vector<double> energy;         // of a whole preamble, at the times tested
    std::vector<cfloat> lagged;         // sum over repetitions of z[r + 1] conj(z[r])
};

preamble_detector::preamble_detector(int code,
                                     int repeats,
                                     const pulse_shape& pulse,
                                     const detector_settings& settings)
    : d_sps(pulse.sps), d_filter(polyphase_filter::matched_filter(pulse))
{
    settings.check();
    const auto preamble = make_preamble(code, repeats);
    const auto first = preamble.begin();
    for (int i = 0; i < preamble_period; i++)
        d_period.push_back(std::conj(first[i]));
    for (int r = 0; r < repeats; r++)
        d_signs.push_back(std::real(first[r * preamble_period] / first[0]) > 0 ? 1 : -1);
    const double spacing = 0.5 / static_cast<double>(preamble.size());
    const int side = static_cast<int>(std::ceil(settings.max_cfo / spacing - 1e-9));
    for (int p = -side; p <= side; p++)
        d_frequencies.push_back(p * spacing);
    for (int r = 0; r < repeats; r++)
        for (const double f : d_frequencies)
            d_turns.push_back(cfloat(double(d_signs[r]) *
                                     std::polar(1.0, -two_pi * f * preamble_period * r)));
    const double tests =
        tests_per_symbol * settings.search * static_cast<double>(d_frequencies.size());
    d_threshold = detection_threshold(settings.false_alarm / tests,
                                      static_cast<int>(preamble.size()));
}

detection preamble_detector::test(const correlations& values, size_t at) const
{
    const size_t repeats = d_signs.size(), lag = tests_per_symbol * d_period.size();
    const size_t frequencies = d_frequencies.size();
    std::vector<float> powers(frequencies);
    std::vector<cfloat> sums(frequencies);
    for (const auto& z : values.z) {
        std::fill(sums.begin(), sums.end(), cfloat(0.0f));
        for (size_t r = 0; r < repeats; r++)
            accumulate(
                &d_turns[r * frequencies], z[at + r * lag], sums.data(), frequencies);
        for (size_t f = 0; f < frequencies; f++)
            powers[f] += std::norm(sums[f]);
    }
    const auto best = std::max_element(powers.begin(), powers.end());
    const double size = static_cast<double>(repeats * d_period.size());
    return { static_cast<double>(at * d_sps) / tests_per_symbol,
             d_frequencies[best - powers.begin()],
             *best / (size * values.energy[at]) };
}

tested_samples
preamble_detector::filter(const cfloat* const* in, int num_rx, size_t count) const
{
    const double step = static_cast<double>(d_sps) / tests_per_symbol;
    const size_t tests = (count - 1) * tests_per_symbol / d_sps + 1;
    tested_samples samples;
    samples.energy.resize(tests);
    std::vector<cfloat> clean(count);
    for (int m = 0; m < num_rx; m++) {
        std::copy_n(in[m], count, clean.begin());
        zero_non_finite(clean.data(), count);
        std::vector<cfloat> y(tests);
        d_filter.apply(clean.data(), count, 0.0, step, y.data(), tests);
        accumulate_energy(y.data(), samples.energy.data(), tests);
        samples.y.push_back(std::move(y));
    }
    samples.total = sum_in_steps(samples.energy, tests_per_symbol);
    return samples;
}

preamble_detector::correlations
preamble_detector::correlate(const tested_samples& samples) const
{
    constexpr size_t per_symbol = tests_per_symbol;
    const size_t period = d_period.size(), repeats = d_signs.size();
    const size_t lag = per_symbol * period;
    correlations values;
    std::vector<cfloat> lagged;
    for (const auto& y : samples.y) {
        std::vector<cfloat> z(y.size() - per_symbol * (period - 1));
        lagged.resize(z.size() - lag);
        correlate_with(reinterpret_cast<const float*>(y.data()),
                       per_symbol,
                       d_period.data(),
                       period,
                       reinterpret_cast<float*>(z.data()),
                       z.size());
        accumulate_lag(z.data(), lag, lagged.data(), lagged.size());
        values.z.push_back(std::move(z));
    }
    values.lagged.resize(samples.energy.size() - reach());
    for (size_t r = 0; r + 1 < repeats; r++)
        accumulate(&lagged[r * lag],
                   d_signs[r] * d_signs[r + 1],
                   values.lagged.data(),
                   values.lagged.size());
    // Sums over a preamble are differences of sums from the start.
    const auto& energy = samples.energy;
    values.energy.resize(values.lagged.size());
    for (size_t n = 0; n < values.energy.size(); n++)
        values.energy[n] =
            energy[n + reach()] - (n >= per_symbol ? energy[n - per_symbol] : 0.0);
    return values;
}

std::vector<detection>
preamble_detector::detect(const cfloat* const* in, int num_rx, size_t count) const
{
    return count > window() ? detect(filter(in, num_rx, count))
                            : std::vector<detection>();
}

std::vector<detection> preamble_detector::detect(const tested_samples& samples) const
{
    if (samples.energy.size() <= reach())
        return {};
    const auto values = correlate(samples);
    const auto length = static_cast<double>(d_signs.size() * d_period.size());
    // Mean |lagged|^2 of noise, over the squared energy of the preamble.
    const auto num_rx = static_cast<double>(samples.y.size());
    const double spread = static_cast<double>(d_signs.size() - 1) * num_rx *
                          std::pow(static_cast<double>(d_signs.size()) * num_rx, -2);
    std::vector<detection> heard;
    for (size_t n = 0; n < values.energy.size(); n++) {
        const double e = values.energy[n];
        // What is left of a difference of sums is no energy.
        if (!(e > 1e-12 * samples.total) ||
            !(std::norm(values.lagged[n]) > screen_level * spread * e * e))
            continue;
        const auto candidate = test(values, n);
        if (candidate.metric > d_threshold)
            heard.push_back(candidate);
    }
    return strongest(heard, length * static_cast<double>(d_sps));
}

} // namespace phy
} // namespace semcom
} // namespace gr
