/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "body_receiver.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! [symbols] that a clock may be off at the end of what estimate_clock() looks at first.
constexpr double largest_slip = 0.24;

//! Share of the pilots' amplitude that the last block shows if there are any.
constexpr double least_pilot = 0.5;

//! Mean |x - row|^2 over the pilots of a body.
double pilot_error(const user_stream& stream)
{
    double sum = 0.0, count = 0.0;
    for (uint64_t b = 0; b < stream.layout.pilot_blocks(stream.payload); b++) {
        const cfloat* x = stream.body + stream.layout.pilot_position(b, stream.payload);
        for (size_t p = 0; p < stream.row.size(); p++)
            sum += std::norm(x[p] - stream.row[p]);
        count += static_cast<double>(stream.row.size());
    }
    return sum / count;
}

//! True if a body's last block looks like pilots.
bool ends_with_pilots(const user_stream& stream)
{
    const uint64_t last = stream.layout.pilot_blocks(stream.payload) - 1;
    const cfloat* x = stream.body + stream.layout.pilot_position(last, stream.payload);
    double sum = 0.0, energy = 0.0;
    for (size_t p = 0; p < stream.row.size(); p++) {
        sum += std::real(std::conj(stream.row[p]) * x[p]);
        energy += std::norm(stream.row[p]);
    }
    return sum > least_pilot * energy;
}

} // namespace

body_receiver::body_receiver(const burst_receiver_settings& settings)
    : d_settings(settings), d_sync(settings.pulse)
{
}

//! [symbols] from a user's first known symbol to its body's first.
double body_receiver::body_start(int user) const
{
    const auto& layout = d_settings.layout;
    return static_cast<double>(layout.body_position() - layout.preamble_position(user));
}

void body_receiver::align(const held_samples& heard,
                          const synchronisation& found,
                          double clock_offset,
                          size_t first,
                          std::vector<std::vector<cfloat>>& out) const
{
    auto relative = found;
    relative.start.value -= heard.first;
    std::vector<cfloat*> to;
    for (auto& stream : out)
        to.push_back(stream.data());
    d_sync.align(heard.streams.data(),
                 d_settings.num_rx,
                 heard.count,
                 relative,
                 clock_offset,
                 first,
                 out[0].size(),
                 to.data());
}

//! The channel of the users that are there; columns of the others are 0.
void body_receiver::set_channel(received_burst& burst,
                                const std::vector<int>& present) const
{
    burst.channel = csi(d_settings.num_rx, d_settings.layout.users);
    for (const int k : present) {
        const auto& sync = burst.users[k].sync;
        burst.channel.h.col(k) = sync.h;
        burst.channel.err_var[k] = sync.err_var;
        burst.channel.noise_var += sync.noise_var / static_cast<double>(present.size());
    }
    burst.channel.no_eff.setConstant(std::numeric_limits<double>::infinity());
    burst.channel.update_snr();
}

//! A user's body with the first \p payload symbols, after the detector.
std::vector<cfloat> body_receiver::separate(const held_samples& heard,
                                            const heard_user& user,
                                            const user_row& place,
                                            uint64_t payload) const
{
    const size_t length = d_settings.layout.body.total(payload);
    std::vector<std::vector<cfloat>> aligned(d_settings.num_rx,
                                             std::vector<cfloat>(length)),
        streams(place.rows, std::vector<cfloat>(length));
    align(heard,
          user.sync,
          user.clock.offset.value,
          static_cast<size_t>(body_start(place.user)),
          aligned);
    std::vector<const cfloat*> from;
    std::vector<cfloat*> to;
    for (const auto& stream : aligned)
        from.push_back(stream.data());
    for (auto& stream : streams)
        to.push_back(stream.data());
    place.detector.apply(from.data(), to.data(), length);
    return streams[place.row];
}

void body_receiver::receive(const held_samples& heard, received_burst& burst) const
{
    const int users = d_settings.layout.users;
    burst.payload.clear();
    std::vector<int> present;
    std::vector<synchronisation> syncs;
    for (int k = 0; k < users; k++) {
        burst.payload.emplace_back(burst.users[k].header.length);
        if (burst.users[k].detected) {
            present.push_back(k);
            syncs.push_back(burst.users[k].sync);
        }
    }
    set_channel(burst, present);
    const linear_detector detector(joint_channel(syncs), d_settings.method);
    const int rows = static_cast<int>(present.size());
    for (int row = 0; row < rows; row++)
        follow(heard, burst, { present[row], detector, row, rows });
}

/*!
 * A user's clock, from the part of its body over which no clock slips too far for
 * estimate_clock(), then from twice as much with what was found, and so on.
 */
void body_receiver::follow_clock(const held_samples& heard,
                                 heard_user& user,
                                 const user_row& place) const
{
    const auto& layout = d_settings.layout.body;
    const double clock = 1e-6 * d_settings.clock_ppm;
    const uint64_t payload = user.header.length, step = layout.spacing;
    double reach = largest_slip / clock - body_start(place.user);
    for (uint64_t part = 0; part < payload; reach *= 2.0) {
        reach = std::max(reach, static_cast<double>(step));
        part = step == 0 || reach >= static_cast<double>(payload)
                   ? payload
                   : static_cast<uint64_t>(reach) / step * step;
        const auto body = separate(heard, user, place, part);
        const auto left = estimate_clock({ body.data(),
                                           layout,
                                           part,
                                           d_settings.rows[place.user],
                                           place.detector.no_eff()[place.row] },
                                         d_settings.pulse,
                                         user.sync,
                                         body_start(place.user),
                                         clock * clock / 3.0);
        user.clock.offset = { user.clock.offset.value + left.offset.value,
                              left.offset.variance };
        user.clock.delay = { user.clock.delay.value + left.delay.value,
                             left.delay.variance };
        user.sync.start.value += d_settings.pulse.sps * left.delay.value;
    }
}

//! A user's payload, its clock and phase followed on its own pilots.
void body_receiver::follow(const held_samples& heard,
                           received_burst& burst,
                           const user_row& place) const
{
    const auto& layout = d_settings.layout.body;
    const int k = place.user;
    auto& user = burst.users[k];
    follow_clock(heard, user, place);
    auto body = separate(heard, user, place, user.header.length);
    const user_stream stream{ body.data(),
                              layout,
                              user.header.length,
                              d_settings.rows[k],
                              place.detector.no_eff()[place.row] };
    const auto track =
        track_phase(stream, user.sync.cfo.variance, d_settings.phase_noise);
    correct_phase(body.data(), body.size(), track);
    user.cfo = user.sync.cfo.value + track.cfo.value;
    if (!user.read && !ends_with_pilots(stream))
        return;
    burst.channel.no_eff[k] = std::max(stream.noise_var, pilot_error(stream));
    for (size_t i = 0; i < burst.payload[k].size(); i++)
        burst.payload[k][i] = body[layout.payload_position(i)];
}

} // namespace phy
} // namespace semcom
} // namespace gr
