/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "burst.h"
#include "check_field.h"
#include "simd.h"
#include "sync.h"
#include "vector_ops.h"
#include <Eigen/LU>
#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr double two_pi = 2.0 * M_PI;
constexpr double infinity = std::numeric_limits<double>::infinity();

//! ln(1 / 0.003): what noise rarely exceeds in units of its mean power.
constexpr double screen_level = 5.8;

constexpr size_t min_known = 8;

//! Known symbols, taken off, on each antenna: [M, N].
using products =
    Eigen::Matrix<cdouble, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, max_streams>;

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

//! Samples of all antennas, derotated; sample 0 is sample \p first of the input.
struct excerpt {
    std::vector<std::vector<cfloat>> samples;
    double first;
};

/*!
 * The input from \p low to \p high [samples], as far as there is one, times
 * exp(-j 2 pi cfo (t - reference)); what is not finite becomes 0.
 */
excerpt derotate(const cfloat* const* in,
                 int num_rx,
                 size_t count,
                 double low,
                 double high,
                 double cfo_per_sample,
                 double reference)
{
    constexpr size_t stretch = 256; // over which a phasor is turned on step by step
    const auto end = static_cast<double>(count);
    const auto first = static_cast<size_t>(std::clamp(std::floor(low), 0.0, end));
    const auto last = static_cast<size_t>(std::clamp(std::ceil(high) + 1.0, 0.0, end));
    const size_t length = last > first ? last - first : 0;
    excerpt cut{ std::vector<std::vector<cfloat>>(num_rx), static_cast<double>(first) };
    for (int m = 0; m < num_rx; m++) {
        cut.samples[m].assign(in[m] + first, in[m] + first + length);
        zero_non_finite(cut.samples[m].data(), length);
    }
    const cdouble step = std::polar(1.0, -two_pi * cfo_per_sample);
    cdouble turn;
    for (size_t n = 0; n < length; n++) {
        if (n % stretch == 0) {
            const double cycles =
                cfo_per_sample * (cut.first + static_cast<double>(n) - reference);
            turn = std::polar(1.0, -two_pi * (cycles - std::floor(cycles)));
        }
        for (int m = 0; m < num_rx; m++)
            cut.samples[m][n] *= cfloat(turn);
        turn *= step;
    }
    return cut;
}

//! conj(known[i]) y_m(time + i sps)
products take_off(const excerpt& cut,
                  const polyphase_filter& filter,
                  const std::vector<cfloat>& known,
                  double time,
                  double sps)
{
    products w(cut.samples.size(), known.size());
    std::vector<cfloat> y(known.size());
    for (size_t m = 0; m < cut.samples.size(); m++) {
        const auto& samples = cut.samples[m];
        filter.apply(
            samples.data(), samples.size(), time - cut.first, sps, y.data(), y.size());
        for (size_t i = 0; i < y.size(); i++)
            w(m, i) = std::conj(cdouble(known[i])) * cdouble(y[i]);
    }
    return w;
}

double power(const products& w) { return w.rowwise().sum().squaredNorm(); }

//! Abscissa, in steps, of the vertex of the parabola through -1, 0 and 1; at most 1 off.
double vertex(double before, double here, double after)
{
    const double bend = before - 2.0 * here + after;
    if (!(bend < 0.0))
        return before > after ? -1.0 : after > before ? 1.0 : 0.0;
    return std::clamp(0.5 * (before - after) / bend, -1.0, 1.0);
}

//! Sums over a line of w turned by f: power, and its slope and bend over f.
struct spectrum_point {
    double power = 0.0, slope = 0.0, bend = 0.0;
};

//! Times count from the middle, so that gains and frequency do not disturb each other.
spectrum_point spectrum(const products& w, double f)
{
    const double middle = 0.5 * static_cast<double>(w.cols() - 1);
    spectrum_point point;
    for (Eigen::Index m = 0; m < w.rows(); m++) {
        cdouble sum = 0.0, first = 0.0, second = 0.0;
        const cdouble step = std::polar(1.0, -two_pi * f);
        cdouble turn = std::polar(1.0, two_pi * f * middle);
        for (Eigen::Index i = 0; i < w.cols(); i++) {
            const double t = two_pi * (static_cast<double>(i) - middle);
            const cdouble value = w(m, i) * turn;
            sum += value;
            first += cdouble(0.0, -t) * value;
            second -= t * t * value;
            turn *= step;
        }
        point.power += std::norm(sum);
        point.slope += 2.0 * std::real(first * std::conj(sum));
        point.bend += 2.0 * (std::norm(first) + std::real(second * std::conj(sum)));
    }
    return point;
}

//! The frequency of largest power within 1 / N of 0.
double find_frequency(const products& w)
{
    constexpr int points = 4; // on each side of 0
    const double grid = 1.0 / (points * static_cast<double>(w.cols()));
    double best = 0.0, largest = -1.0;
    for (int p = -points; p <= points; p++) {
        const double value = spectrum(w, p * grid).power;
        if (value > largest) {
            largest = value;
            best = p * grid;
        }
    }
    double f = best;
    for (int step = 0; step < 4; step++) {
        const auto point = spectrum(w, f);
        if (!(point.bend < 0.0))
            break;
        f = std::clamp(f - point.slope / point.bend, best - grid, best + grid);
    }
    return f;
}

//! What the known symbols say of gains, noise and the errors of everything.
void measure(synchronisation& found, const products& w, const pulse_shape& pulse)
{
    const auto n = static_cast<double>(w.cols()), m = static_cast<double>(w.rows());
    const complex_vector h = w.rowwise().mean();
    const double noise = (w.colwise() - h).squaredNorm() / (m * (n - 1.0));
    const double heard = h.squaredNorm() - m * noise / n;
    if (!(heard > 0.0) || !std::isfinite(heard))
        return;
    const double g = heard / noise; // infinite without noise
    found.found = true;
    found.h = h;
    found.middle = 0.5 * (n - 1.0);
    found.noise_var = noise;
    found.err_var = noise / n;
    found.snr = g / m;
    found.amplitude = { std::sqrt(heard / m), noise / (2.0 * m * n) };
    found.cfo.variance = 6.0 / (two_pi * two_pi * g * n * (n * n - 1.0));
    found.start.variance =
        pulse.sps * pulse.sps /
        (2.0 * g * n * two_pi * two_pi * mean_square_bandwidth(pulse.roll_off));
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

/*!
 * The pilots of a block and what taking them late adds, over the inner pilots; the
 * second made orthogonal to the first.
 */
struct late_pilots {
    std::vector<cdouble> pilots, added;
    double energy = 0.0, added_energy = 0.0;

    late_pilots(const std::vector<cfloat>& row, double roll_off);

    //! How late [symbols] a block was taken.
    scalar_estimate lateness(const cfloat* x, double noise_var) const;
};

late_pilots::late_pilots(const std::vector<cfloat>& row, double roll_off)
{
    cdouble common = 0.0;
    for (size_t i = 1; i + 1 < row.size(); i++) {
        cdouble slope = 0.0;
        for (size_t l = 0; l < row.size(); l++)
            slope += cdouble(row[l]) *
                     raised_cosine_slope(static_cast<double>(i) - static_cast<double>(l),
                                         roll_off);
        pilots.push_back(row[i]);
        added.push_back(slope);
        energy += std::norm(row[i]);
        common += std::conj(pilots.back()) * slope;
    }
    for (size_t i = 0; i < pilots.size() && energy > 0.0; i++) {
        added[i] -= pilots[i] * common / energy;
        added_energy += std::norm(added[i]);
    }
}

scalar_estimate late_pilots::lateness(const cfloat* x, double noise_var) const
{
    cdouble gain = 0.0, change = 0.0;
    for (size_t i = 0; i < pilots.size(); i++) {
        gain += std::conj(pilots[i]) * cdouble(x[i + 1]) / energy;
        change += std::conj(added[i]) * cdouble(x[i + 1]) / added_energy;
    }
    if (!(added_energy > 1e-6 * energy) || !(std::norm(gain) > 0.0))
        return {};
    return { std::real(change / gain),
             std::max(noise_var / (2.0 * std::norm(gain) * added_energy), 1e-12) };
}

//! A phase's distance from another, within half a turn.
double wrap(double angle) { return std::remainder(angle, two_pi); }

//! Gains of the pilot blocks, or 0 where they are not finite.
std::vector<cdouble> block_gains(const user_stream& s, double row_energy)
{
    std::vector<cdouble> gains(s.layout.pilot_blocks(s.payload));
    for (size_t b = 0; b < gains.size(); b++) {
        const cfloat* x = s.body + s.layout.pilot_position(b, s.payload);
        for (size_t p = 0; p < s.row.size(); p++)
            gains[b] += std::conj(cdouble(s.row[p])) * cdouble(x[p]) / row_energy;
        if (!std::isfinite(std::abs(gains[b])))
            gains[b] = 0.0;
    }
    return gains;
}

double energy_of(const std::vector<cfloat>& row)
{
    double energy = 0.0;
    for (const auto& pilot : row)
        energy += std::norm(pilot);
    return energy;
}

//! The middle of a pilot block, [symbols of the body].
double block_time(const user_stream& s, uint64_t block)
{
    return static_cast<double>(s.layout.pilot_position(block, s.payload)) +
           0.5 * (static_cast<double>(s.row.size()) - 1.0);
}

//! Phase [rad] and its speed [rad/symbol], with their covariance.
struct phase_state {
    Eigen::Vector2d mean;
    Eigen::Matrix2d covariance;
};

phase_state predict(const phase_state& state, double time, double phase_noise)
{
    Eigen::Matrix2d forward;
    forward << 1.0, time, 0.0, 1.0;
    phase_state next{ forward * state.mean,
                      forward * state.covariance * forward.transpose() };
    next.covariance(0, 0) += phase_noise * time;
    return next;
}

//! Adds a measured phase, the nearest of those that differ by whole turns.
void update(phase_state& state, double phase, double variance)
{
    const Eigen::Vector2d gain =
        state.covariance.col(0) / (state.covariance(0, 0) + variance);
    state.mean += gain * wrap(phase - state.mean[0]);
    state.covariance -= (gain * state.covariance.row(0)).eval();
}

//! Rauch, Tung and Striebel's pass from the last state back.
void smooth(std::vector<phase_state>& states,
            const std::vector<double>& time,
            double phase_noise)
{
    for (size_t b = states.size() - 1; b-- > 0;) {
        const double step = time[b + 1] - time[b];
        const auto ahead = predict(states[b], step, phase_noise);
        Eigen::Matrix2d forward;
        forward << 1.0, step, 0.0, 1.0;
        const Eigen::Matrix2d gain =
            states[b].covariance * forward.transpose() * ahead.covariance.inverse();
        states[b].mean += gain * (states[b + 1].mean - ahead.mean);
        states[b].covariance +=
            gain * (states[b + 1].covariance - ahead.covariance) * gain.transpose();
    }
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
            d_turns.push_back(cfloat(
                std::polar<double>(d_signs[r], -two_pi * f * preamble_period * r)));
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
        for (size_t i = 0; i < period; i++)
            accumulate(&y[per_symbol * i], d_period[i], z.data(), z.size());
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

synchroniser::synchroniser(const pulse_shape& pulse)
    : d_pulse(pulse), d_filter(polyphase_filter::matched_filter(pulse))
{
}

synchronisation synchroniser::synchronise(const cfloat* const* in,
                                          int num_rx,
                                          size_t count,
                                          const std::vector<cfloat>& known,
                                          double start,
                                          double cfo) const
{
    check_field(known.size() >= min_known,
                "known",
                static_cast<double>(known.size()),
                "8 symbols or more");
    synchronisation found;
    found.h = complex_vector::Zero(num_rx);
    const double sps = d_pulse.sps;
    const double length = sps * static_cast<double>(known.size() - 1);
    if (!(start >= 0.0 && start + length <= static_cast<double>(count) - 1.0) ||
        !std::isfinite(cfo))
        return found;
    const double margin = static_cast<double>(d_filter.reach()) + 2.0 * sps;
    const auto cut = [&](double f, double reference) {
        return derotate(in,
                        num_rx,
                        count,
                        start - margin,
                        start + length + margin,
                        f / sps,
                        reference);
    };
    double time = start, f = cfo;
    for (double step : { 0.25 * sps, 0.1 * sps, 0.05 * sps }) {
        const auto samples = cut(f, time);
        const auto at = [&](double t) {
            return take_off(samples, d_filter, known, t, sps);
        };
        const double shift =
            step *
            vertex(power(at(time - step)), power(at(time)), power(at(time + step)));
        time = std::clamp(time + shift, start - sps, start + sps);
        f += find_frequency(at(time));
    }
    measure(found, take_off(cut(f, time), d_filter, known, time, sps), d_pulse);
    if (found.found) {
        found.start.value = time;
        found.cfo.value = f;
    }
    return found;
}

void synchroniser::align(const cfloat* const* in,
                         int num_rx,
                         size_t count,
                         const synchronisation& found,
                         double clock_offset,
                         size_t first,
                         size_t length,
                         cfloat* const* out) const
{
    const double step = d_pulse.sps * (1.0 + clock_offset);
    const double time = found.start.value + step * static_cast<double>(first);
    const double last = time + step * static_cast<double>(length);
    const auto reach = static_cast<double>(d_filter.reach()) + 1.0;
    if (!found.found || !std::isfinite(time) || !std::isfinite(last)) {
        for (int m = 0; m < num_rx; m++)
            std::fill_n(out[m], length, cfloat(0.0f));
        return;
    }
    const auto cut = derotate(in,
                              num_rx,
                              count,
                              time - reach,
                              last + reach,
                              found.cfo.value / d_pulse.sps,
                              found.start.value);
    for (int m = 0; m < num_rx; m++) {
        const auto& samples = cut.samples[m];
        d_filter.apply(
            samples.data(), samples.size(), time - cut.first, step, out[m], length);
    }
}

csi joint_channel(const std::vector<synchronisation>& users)
{
    check_field(!users.empty() && users.size() <= max_streams,
                "users",
                static_cast<double>(users.size()),
                "1 to 8");
    const auto num_rx = users[0].h.size();
    csi value(static_cast<int>(num_rx), static_cast<int>(users.size()));
    bool all = true;
    for (size_t k = 0; k < users.size(); k++) {
        check_field(users[k].h.size() == num_rx,
                    "users",
                    static_cast<double>(users[k].h.size()),
                    "as many antennas for all");
        all = all && users[k].found;
        value.h.col(k) = users[k].h;
        value.err_var[k] = users[k].err_var;
        value.noise_var += users[k].noise_var / static_cast<double>(users.size());
    }
    if (all)
        value.update_snr();
    else
        value.invalidate();
    return value;
}

double
combine(const cfloat* const* in, const complex_vector& h, size_t count, cfloat* out)
{
    const double gain = h.squaredNorm();
    if (!(gain > 0.0) || !std::isfinite(gain)) {
        std::fill_n(out, count, cfloat(0.0f));
        return infinity;
    }
    std::array<cfloat, max_streams> weights;
    for (Eigen::Index m = 0; m < h.size(); m++)
        weights[m] = cfloat(std::conj(h[m]) / gain);
    if (!weighted_sum(in, weights.data(), static_cast<int>(h.size()), out, count))
        zero_non_finite(out, count);
    return 1.0 / gain;
}

decoded_header read_header(const cfloat* symbols,
                           int repeats,
                           const synchronisation& found,
                           size_t first)
{
    const auto plain = decode_header(symbols, repeats);
    const double deviation = std::sqrt(found.cfo.variance);
    if (!found.found || plain.ok || !std::isfinite(deviation))
        return found.found ? plain : decoded_header{};
    std::vector<cfloat> turned(header_symbols * repeats);
    for (double f : { deviation, -deviation, 2.0 * deviation, -2.0 * deviation }) {
        for (size_t i = 0; i < turned.size(); i++) {
            const double time = static_cast<double>(first + i) - found.middle;
            turned[i] = symbols[i] * cfloat(std::polar(1.0, -two_pi * f * time));
        }
        const auto header = decode_header(turned.data(), repeats);
        if (header.ok)
            return header;
    }
    return {};
}

void user_stream::check() const
{
    if (row.size() != layout.num_pilots)
        throw std::invalid_argument("row: " + std::to_string(row.size()) +
                                    " pilots found, " +
                                    std::to_string(layout.num_pilots) + " expected");
    const double energy = energy_of(row);
    check_field(energy > 0.0 && std::isfinite(energy), "row", energy, "some energy");
}

phase_track track_phase(const user_stream& stream, double cfo_var, double phase_noise)
{
    stream.check();
    const double row_energy = energy_of(stream.row);
    const auto gains = block_gains(stream, row_energy);
    phase_track track;
    for (size_t b = 0; b < gains.size(); b++)
        track.time.push_back(block_time(stream, b));
    double mean = 0.0, used = 0.0;
    for (const auto& gain : gains) {
        mean += std::abs(gain);
        used += gain != 0.0;
    }
    if (used == 0.0 || !std::isfinite(stream.noise_var) || !std::isfinite(cfo_var)) {
        track.phase.assign(gains.size(), 0.0);
        track.phase_var.assign(gains.size(), infinity);
        return track;
    }
    mean /= used;
    // A variance of 0 would leave a singular state behind.
    const double variance =
        std::max(stream.noise_var / (2.0 * mean * mean * row_energy), 1e-12);
    std::vector<phase_state> states;
    phase_state state{ Eigen::Vector2d::Zero(), Eigen::Matrix2d::Zero() };
    state.covariance(0, 0) = 1e6;
    state.covariance(1, 1) = std::max(two_pi * two_pi * cfo_var, 1e-18);
    for (size_t b = 0; b < gains.size(); b++) {
        if (b > 0)
            state = predict(state, track.time[b] - track.time[b - 1], phase_noise);
        if (gains[b] != 0.0)
            update(state, std::arg(gains[b]), variance);
        states.push_back(state);
    }
    smooth(states, track.time, phase_noise);
    for (const auto& s : states) {
        track.phase.push_back(s.mean[0]);
        track.phase_var.push_back(s.covariance(0, 0));
    }
    track.cfo = { states.back().mean[1] / two_pi,
                  states.back().covariance(1, 1) / (two_pi * two_pi) };
    return track;
}

void correct_phase(cfloat* body, size_t count, const phase_track& track)
{
    const double slope = two_pi * track.cfo.value;
    const auto& time = track.time;
    size_t next = 0; // the first block after the symbol
    for (size_t i = 0; i < count; i++) {
        const auto t = static_cast<double>(i);
        while (next < time.size() && time[next] <= t)
            next++;
        double phase = 0.0;
        if (next == 0 || next == time.size()) {
            const size_t near = next == 0 ? 0 : next - 1;
            phase = time.empty() ? 0.0 : track.phase[near] + slope * (t - time[near]);
        } else {
            const double w = (t - time[next - 1]) / (time[next] - time[next - 1]);
            phase = (1.0 - w) * track.phase[next - 1] + w * track.phase[next];
        }
        body[i] *= cfloat(std::polar(1.0, -phase));
    }
}

clock_estimate estimate_clock(const user_stream& stream,
                              const pulse_shape& pulse,
                              const synchronisation& found,
                              double body_start,
                              double offset_var)
{
    stream.check();
    const late_pilots fit(stream.row, pulse.roll_off);
    check_field(offset_var > 0.0, "offset_var", offset_var, "more than 0");
    // Within bounds, so that the sums below stay finite and regular.
    const double start_var =
        std::clamp(found.start.variance / (pulse.sps * pulse.sps), 1e-15, 1e6);
    const Eigen::Vector2d middle(found.middle, 1.0); // of (offset, delay)
    Eigen::Matrix2d weight = middle * middle.transpose() / start_var;
    weight(0, 0) += 1.0 / offset_var;
    Eigen::Vector2d sum = Eigen::Vector2d::Zero();
    for (size_t b = 0; b < stream.layout.pilot_blocks(stream.payload); b++) {
        const auto late =
            fit.lateness(stream.body + stream.layout.pilot_position(b, stream.payload),
                         stream.noise_var);
        if (!std::isfinite(late.variance) || !std::isfinite(late.value))
            continue;
        const Eigen::Vector2d direction(body_start + block_time(stream, b), 1.0);
        weight += direction * direction.transpose() / late.variance;
        sum -= direction * late.value / late.variance;
    }
    const Eigen::Matrix2d covariance = weight.inverse();
    const Eigen::Vector2d best = covariance * sum;
    return { { best[0], covariance(0, 0) }, { best[1], covariance(1, 1) } };
}

} // namespace phy
} // namespace semcom
} // namespace gr
