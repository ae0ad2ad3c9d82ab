/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/check_field.h"
#include "tracking.h"
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {
namespace {

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
