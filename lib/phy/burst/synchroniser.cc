/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/check_field.h"
#include "phy/vector_ops.h"
#include "synchroniser.h"
#include <algorithm>
#include <array>
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr size_t min_known = 8;

//! Known symbols, taken off, on each antenna: [M, N].
using products =
    Eigen::Matrix<cdouble, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, max_streams>;

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

} // namespace

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

} // namespace phy
} // namespace semcom
} // namespace gr
