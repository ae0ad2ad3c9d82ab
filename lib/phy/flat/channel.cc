/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "channel.h"
#include "phy/check_field.h"
#include "phy/framing.h"
#include "phy/vector_ops.h"
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace phy {

double slot_of(uint64_t number)
{
    const uint64_t frame = number & 0xffffffff;
    const uint64_t fragment = number >> 32 & 0xfff;
    const uint64_t fragments = (number >> 44 & 0xfff) + 1;
    const uint64_t attempt = number >> 56;
    return static_cast<double>(frame * fragments + fragment + attempt * repeat_slots);
}

channel_model parse_channel(const std::string& name)
{
    if (name == "none")
        return channel_model::none;
    if (name == "awgn")
        return channel_model::awgn;
    if (name == "rayleigh")
        return channel_model::rayleigh;
    if (name == "rician")
        return channel_model::rician;
    if (name == "rician_rank1")
        return channel_model::rician_rank1;
    throw std::invalid_argument("model: '" + name +
                                "' is no channel; choose none, awgn, rayleigh, rician or "
                                "rician_rank1");
}

void channel_settings::check() const
{
    check_field(
        snr_db > -300.0 && !std::isnan(snr_db), "snr_db", snr_db, "more than -300");
    check_field(
        rician_k >= 0.0 && std::isfinite(rician_k), "rician_k", rician_k, "0 or more");
    check_field(
        doppler >= 0.0 && std::isfinite(doppler), "doppler", doppler, "0 or more");
    check_field(std::fabs(gain_db) < 300.0, "gain_db", gain_db, "-300 to 300");
    check_field(link < 65536, "link", link, "0 to 65535");
}

mimo_channel::mimo_channel(int num_tx, int num_rx, const channel_settings& settings)
    : d_num_tx(num_tx), d_num_rx(num_rx)
{
    check_field(num_tx >= 1 && num_tx <= max_streams, "num_tx", num_tx, "1 to 8");
    check_field(num_rx >= 1 && num_rx <= max_streams, "num_rx", num_rx, "1 to 8");
    d_noise.resize(num_rx * noise_chunk);
    set(settings);
}

void mimo_channel::check(const channel_settings& settings) const
{
    settings.check();
    if (settings.model == channel_model::none && d_num_tx != d_num_rx)
        throw std::invalid_argument(
            "model: 'none' needs as many antennas as transmitters, "
            "but num_tx is " +
            std::to_string(d_num_tx) + " and num_rx " + std::to_string(d_num_rx) +
            "; use awgn");
}

void mimo_channel::set(const channel_settings& settings)
{
    check(settings);
    d_settings = settings;
}

random_stream mimo_channel::stream(uint64_t frame, uint32_t purpose) const
{
    return { d_settings.seed, frame, d_settings.link, purpose };
}

bool mimo_channel::fades() const
{
    return d_settings.model != channel_model::none &&
           d_settings.model != channel_model::awgn;
}

bool mimo_channel::moves() const { return fades() && d_settings.doppler > 0.0; }

void mimo_channel::begin_frame(uint64_t frame, uint64_t length)
{
    d_frame = frame;
    d_length = length;
    d_receiver = 1.0;
    d_noise_var = 0.0;
    if (d_settings.model != channel_model::none) {
        const double turns = uniform(stream(frame, purpose_carrier), 0);
        d_receiver =
            std::polar(std::pow(10.0, d_settings.gain_db / 20.0), two_pi * turns);
        d_noise_var = std::pow(10.0, -d_settings.snr_db / 10.0);
    }
    draw_line_of_sight();
    if (moves())
        draw_scatter();
    d_truth = packed_csi(state(0));
    if (moves())
        for (uint64_t run = run_length; run < length; run += run_length)
            d_truth.append(run, state(run));
    if (d_noise_var > 0.0)
        draw_noise(0);
}

void mimo_channel::draw_noise(uint64_t position)
{
    d_noise_start = position / noise_chunk * noise_chunk;
    const uint64_t count = std::min(noise_chunk, d_length - d_noise_start);
    for (int m = 0; m < d_num_rx; m++)
        complex_normal(
            stream(d_frame, m), d_noise_start, &d_noise[m * noise_chunk], count);
}

void mimo_channel::draw_line_of_sight()
{
    d_line_of_sight = matrix::Zero(d_num_rx, d_num_tx);
    d_scatter_gain = fades() ? 1.0 : 0.0;
    if (!fades()) {
        d_line_of_sight.setIdentity();
        return;
    }
    if (d_settings.model == channel_model::rayleigh)
        return;
    const double k = d_settings.rician_k;
    const bool common = d_settings.model == channel_model::rician_rank1;
    const auto phases = stream(moves() ? 0 : d_frame, purpose_line_of_sight);
    d_scatter_gain = std::sqrt(1.0 / (k + 1.0));
    for (int e = 0; e < d_line_of_sight.size(); e++)
        d_line_of_sight.data()[e] = std::polar(std::sqrt(k / (k + 1.0)),
                                               two_pi * uniform(phases, common ? 0 : e));
}

void mimo_channel::draw_scatter()
{
    d_scatter.clear();
    for (int e = 0; e < d_num_rx * d_num_tx; e++)
        d_scatter.emplace_back(stream(0, purpose_doppler), e, d_settings.doppler);
}

matrix mimo_channel::scattered(uint64_t position) const
{
    matrix h(d_num_rx, d_num_tx);
    if (!moves()) {
        std::array<cfloat, max_streams * max_streams> draws;
        complex_normal(stream(d_frame, purpose_fading), 0, draws.data(), h.size());
        std::copy_n(draws.data(), h.size(), h.data());
        return h;
    }
    const double time = slot_of(d_frame) * d_length + position;
    for (int e = 0; e < h.size(); e++)
        h.data()[e] = d_scatter[e].at(time);
    return h;
}

//! What a receiver would call the channel from symbol \p position of the frame on.
csi mimo_channel::state(uint64_t position) const
{
    csi value(d_num_rx, d_num_tx);
    value.h = d_line_of_sight;
    if (fades())
        value.h += d_scatter_gain * scattered(position);
    value.h = d_receiver * value.h;
    value.noise_var = std::norm(d_receiver) * d_noise_var;
    value.update_snr();
    return value;
}

void mimo_channel::apply(const cfloat* const* in,
                         cfloat* const* out,
                         uint64_t position,
                         size_t count)
{
    const cfloat* from[max_streams];
    cfloat* to[max_streams];
    for (size_t done = 0; done < count;) {
        const uint64_t at = position + done;
        uint64_t length = std::min(count - done, noise_chunk - at % noise_chunk);
        if (moves())
            length = std::min(length, run_length - at % run_length);
        for (int k = 0; k < d_num_tx; k++)
            from[k] = in[k] + done;
        for (int m = 0; m < d_num_rx; m++)
            to[m] = out[m] + done;
        apply_run(from, to, at, length);
        done += length;
    }
}

void mimo_channel::apply_run(const cfloat* const* in,
                             cfloat* const* out,
                             uint64_t position,
                             size_t count)
{
    const bool noisy = d_noise_var > 0.0;
    if (noisy && position / noise_chunk * noise_chunk != d_noise_start)
        draw_noise(position);
    const cfloat* h = d_truth.h(moves() ? position / run_length : 0);
    const cfloat* inputs[max_streams + 1];
    cfloat weights[max_streams + 1];
    std::copy_n(in, d_num_tx, inputs);
    weights[d_num_tx] = cfloat(d_receiver * std::sqrt(d_noise_var));
    for (int m = 0; m < d_num_rx; m++) {
        for (int k = 0; k < d_num_tx; k++)
            weights[k] = h[m * d_num_tx + k];
        if (noisy)
            inputs[d_num_tx] = &d_noise[m * noise_chunk + position - d_noise_start];
        weighted_sum(inputs, weights, d_num_tx + noisy, out[m], count);
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
