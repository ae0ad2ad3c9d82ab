/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "mock_radio.h"
#include "phy/lanes.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Samples that the multipath filter may read or write beyond a block's end.
constexpr size_t margin = lane_samples;

double amplitude(double db) { return std::pow(10.0, db / 20.0); }

double clock_rate(const mock_settings& settings, int device)
{
    return settings.sample_rate * (1.0 + 1e-6 * settings.devices[device].clock_ppm);
}

oscillator make_oscillator(const mock_settings& settings, int device, uint32_t purpose)
{
    const auto& d = settings.devices[device];
    const double rate = clock_rate(settings, device);
    return { d.cfo_hz / rate,
             phase_noise_step(d.phase_noise_dbc_hz, phase_noise_offset, rate),
             { settings.seed, 0, static_cast<uint32_t>(device), purpose } };
}

//! The DC of chain number \p index of a device has a random phase.
mixer make_mixer(const mock_settings& settings,
                 int device,
                 uint32_t purpose,
                 int index,
                 double gain_db)
{
    const auto& d = settings.devices[device];
    const double turns =
        uniform({ settings.seed, 0, static_cast<uint32_t>(device), purpose }, index);
    return { d.iq_gain_db,
             d.iq_phase_deg,
             std::polar(amplitude(d.dc_db), two_pi * turns),
             amplitude(gain_db) };
}

} // namespace

transmit_chain::transmit_chain(const mock_settings& settings, int device)
    : d_mixer(make_mixer(settings, device, purpose_transmit_dc, 0, 0.0)),
      d_saturation(amplitude(settings.devices[device].pa_backoff_db)),
      d_oscillator(make_oscillator(settings, device, purpose_transmit_phase)),
      d_lo(chunk)
{
}

void transmit_chain::push(const cfloat* in, size_t count)
{
    while (count > 0) {
        const size_t taken = std::min(count, chunk), at = d_held.size();
        d_held.resize(at + lane_vectors(taken) * lane_samples);
        cfloat* samples = &d_held[at];
        std::copy_n(in, taken, samples);
        clean(samples, taken);
        d_mixer.apply(samples, taken);
        if (std::isfinite(d_saturation))
            amplify(samples, d_saturation, taken);
        d_oscillator.turn(d_lo.data(), taken);
        turn(samples, d_lo.data(), false, taken);
        d_held.resize(at + taken);
        in += taken;
        count -= taken;
        d_end += taken;
    }
}

const cfloat* transmit_chain::read(int64_t from, size_t count, cfloat* scratch) const
{
    if (from >= 0)
        return &d_held[d_first + from - begin()];
    const size_t silent = std::min<uint64_t>(count, -from);
    std::fill_n(scratch, silent, cfloat(0.0f));
    if (silent < count)
        std::copy_n(&d_held[d_first], count - silent, scratch + silent);
    return scratch;
}

void transmit_chain::forget(uint64_t index)
{
    if (index <= begin())
        return;
    d_first += index - begin();
    if (d_first < d_held.size() / 2)
        return;
    d_held.erase(d_held.begin(), d_held.begin() + d_first);
    d_first = 0;
}

receive_chain::receive_chain(const mock_settings& settings,
                             int device,
                             int num_antennas,
                             int num_heard,
                             const path_settings& path)
    : d_paths(path,
              clock_rate(settings, device),
              num_heard,
              num_antennas,
              settings.seed,
              device),
      d_oscillator(make_oscillator(settings, device, purpose_receive_phase)),
      d_bits(settings.devices[device].bits),
      d_full_scale(settings.devices[device].full_scale),
      d_drop_probability(settings.devices[device].drop_probability),
      d_drop_buffer(settings.devices[device].drop_buffer),
      d_noise{ settings.seed, 0, static_cast<uint32_t>(device), purpose_antenna_noise },
      d_drops{ settings.seed, 0, static_cast<uint32_t>(device), purpose_drops },
      d_history(d_paths.num_taps() - 1),
      d_lo(block),
      d_normals(block),
      d_scratch(interpolator::step + interpolator::num_taps),
      d_arriving(num_heard, std::vector<cfloat>(d_history + block + margin)),
      d_out(num_antennas, std::vector<cfloat>(block + margin))
{
    set_snr_db(path.snr_db);
    for (int m = 0; m < num_antennas; m++)
        d_mixers.push_back(make_mixer(
            settings, device, purpose_receive_dc, m, settings.devices[device].gain_db));
    const double ours = clock_rate(settings, device);
    for (int k = 0; k < num_heard; k++) {
        const double theirs = clock_rate(settings, k);
        const double later =
            settings.devices[k].start_delay_s - settings.devices[device].start_delay_s;
        d_heard.push_back({ (theirs - ours) / ours, later * theirs });
    }
}

void receive_chain::set_snr_db(double snr_db) { d_noise_rms = amplitude(-snr_db); }

//! Where our sample \p time falls in the stream of transmitter k: whole part and
//! fraction.
double receive_chain::position(int k, uint64_t time, int64_t& whole) const
{
    // The clocks' difference alone is rounded, so that late samples are as exact.
    const double behind = time * d_heard[k].rate - d_heard[k].delay;
    const double floor = std::floor(behind);
    whole = static_cast<int64_t>(time) + static_cast<int64_t>(floor);
    return behind - floor;
}

int64_t receive_chain::needs_from(int k) const
{
    int64_t whole;
    position(k, d_time, whole);
    return whole - interpolator::before;
}

int64_t receive_chain::needs_to(int k) const
{
    int64_t whole;
    position(k, d_time + block - interpolator::step, whole);
    return whole - interpolator::before + interpolator::step + interpolator::num_taps;
}

void receive_chain::resample(int k, const transmit_chain& transmitter)
{
    static const interpolator interpolate;
    auto& arriving = d_arriving[k];
    std::copy_n(&arriving[block], d_history, arriving.begin());
    for (size_t n = 0; n < block; n += interpolator::step) {
        int64_t whole;
        const double first = position(k, d_time + n, whole);
        const cfloat* from = transmitter.read(
            whole - interpolator::before, d_scratch.size(), d_scratch.data());
        interpolate.apply(
            from, first, d_heard[k].rate * interpolator::step, &arriving[d_history + n]);
    }
}

void receive_chain::digitise(int antenna)
{
    cfloat* samples = d_out[antenna].data();
    if (d_noise_rms > 0.0) {
        auto stream = d_noise;
        stream.purpose += antenna;
        stream.frame = d_time / run_of_numbers;
        complex_normal(stream, d_time % run_of_numbers, d_normals.data(), block);
        add_noise(samples, d_normals.data(), d_noise_rms, block);
    }
    turn(samples, d_lo.data(), true, block);
    d_mixers[antenna].apply(samples, block);
    if (d_bits > 0)
        quantise(samples, d_bits, d_full_scale, block);
}

void receive_chain::advance(const std::vector<transmit_chain>& transmitters)
{
    const cfloat* from[max_streams];
    cfloat* to[max_streams];
    for (int k = 0; k < num_heard(); k++) {
        resample(k, transmitters[k]);
        from[k] = &d_arriving[k][d_history];
    }
    for (int m = 0; m < num_antennas(); m++)
        to[m] = d_out[m].data();
    d_paths.apply(from, to, block);
    d_oscillator.turn(d_lo.data(), block);
    for (int m = 0; m < num_antennas(); m++)
        digitise(m);
    d_time += block;
    d_taken = 0;
}

bool receive_chain::drops(uint64_t buffer) const
{
    if (d_drop_probability == 0.0)
        return false;
    auto stream = d_drops;
    stream.frame = buffer / run_of_numbers;
    return uniform(stream, buffer % run_of_numbers) <= d_drop_probability;
}

void receive_chain::skip_dropped()
{
    while (waiting() > 0) {
        const uint64_t time = d_time - waiting();
        if (!drops(time / d_drop_buffer))
            return;
        const size_t lost =
            std::min<uint64_t>(waiting(), d_drop_buffer - time % d_drop_buffer);
        d_taken += lost;
        d_dropped += lost;
    }
}

size_t receive_chain::take(cfloat* const* out, size_t count)
{
    skip_dropped();
    const uint64_t time = d_time - waiting();
    const size_t length = std::min<uint64_t>(std::min(count, waiting()),
                                             d_drop_buffer - time % d_drop_buffer);
    for (int m = 0; m < num_antennas(); m++)
        std::copy_n(&d_out[m][d_taken], length, out[m]);
    d_taken += length;
    return length;
}

mock_radio::mock_radio(const mock_settings& settings, const std::set<int>& receivers)
{
    settings.check();
    double last_start = 0.0;
    for (const auto& device : settings.devices)
        last_start = std::max(last_start, device.start_delay_s);
    d_capacity = slack + static_cast<size_t>(1.01 * last_start * settings.sample_rate);
    for (int k = 0; k < num_transmitters; k++)
        d_transmitters.emplace_back(settings, k);
    for (int receiver : receivers) {
        if (receiver == uplink)
            d_receivers.try_emplace(receiver,
                                    settings,
                                    mock_settings::receiver,
                                    2,
                                    num_transmitters,
                                    settings.uplink);
        else if (receiver == sidelink)
            d_receivers.try_emplace(
                receiver, settings, mock_settings::video, 1, 1, settings.sidelink);
        else
            throw std::invalid_argument(
                "receivers: 0 (uplink) and 1 (sidelink) are there");
    }
}

size_t mock_radio::room(int transmitter) const
{
    const auto& chain = d_transmitters.at(transmitter);
    const size_t held = chain.end() - chain.begin();
    return held < d_capacity ? d_capacity - held : 0;
}

size_t mock_radio::push(int transmitter, const cfloat* in, size_t count)
{
    const size_t taken = std::min(count, room(transmitter));
    d_transmitters.at(transmitter).push(in, taken);
    return taken;
}

bool mock_radio::reaches(const receive_chain& receiver, int k) const
{
    return k >= receiver.num_heard() ||
           receiver.needs_to(k) <= static_cast<int64_t>(d_transmitters[k].end());
}

bool mock_radio::lacks(int transmitter) const
{
    return std::any_of(d_receivers.begin(), d_receivers.end(), [&](const auto& item) {
        return item.second.waiting() == 0 && !reaches(item.second, transmitter);
    });
}

bool mock_radio::can_advance(const receive_chain& receiver) const
{
    for (int k = 0; k < num_transmitters; k++)
        if (!reaches(receiver, k))
            return false;
    return true;
}

bool mock_radio::ready(int receiver) const
{
    const auto& chain = d_receivers.at(receiver);
    return chain.waiting() > 0 || can_advance(chain);
}

void mock_radio::set_snr_db(int receiver, double snr_db)
{
    path_settings path;
    path.snr_db = snr_db;
    path.check();
    d_receivers.at(receiver).set_snr_db(snr_db);
}

bool mock_radio::advance(receive_chain& receiver)
{
    if (!can_advance(receiver))
        return false;
    receiver.advance(d_transmitters);
    forget();
    return true;
}

void mock_radio::forget()
{
    for (int k = 0; k < num_transmitters; k++) {
        int64_t oldest = d_transmitters[k].end();
        for (const auto& item : d_receivers)
            if (k < item.second.num_heard())
                oldest = std::min(oldest, item.second.needs_from(k));
        if (oldest > 0)
            d_transmitters[k].forget(oldest);
    }
}

size_t mock_radio::pull(int receiver, cfloat* const* out, size_t count)
{
    auto& chain = d_receivers.at(receiver);
    cfloat* to[max_streams];
    size_t taken = 0;
    while (taken < count && !(taken > 0 && chain.overflows())) {
        for (int m = 0; m < chain.num_antennas(); m++)
            to[m] = out[m] + taken;
        taken += chain.take(to, count - taken);
        if (taken < count && chain.waiting() == 0 && !advance(chain))
            break;
    }
    return taken;
}

} // namespace phy
} // namespace semcom
} // namespace gr
