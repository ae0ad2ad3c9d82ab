/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "burst_receiver.h"
#include "check_field.h"
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Of the preamble's SNR, below 0 dB, that symbols of a header have to show at least.
constexpr double least_share = 0.5;

//! Preamble lengths that are searched at a time.
constexpr size_t windows_per_search = 12;

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

} // namespace

void burst_receiver_settings::check() const
{
    layout.check();
    pulse.check();
    search.check();
    check_field(num_rx >= layout.users && num_rx <= max_streams,
                "num_rx",
                num_rx,
                "at least one antenna for each user, at most 8");
    check_field(static_cast<int>(rows.size()) == layout.users,
                "rows",
                static_cast<double>(rows.size()),
                "one for each user");
    for (const auto& row : rows)
        check_field(row.size() == layout.body.num_pilots,
                    "rows",
                    static_cast<double>(row.size()),
                    "as many pilots as the layout has");
    for (const auto& row : rows)
        user_stream{ nullptr, layout.body, 0, row, 0.0 }.check();
    check_field(method != detector_method::none,
                "method",
                static_cast<double>(method),
                "zf or lmmse: bursts need to be separated");
    check_field(
        clock_ppm > 0.0 && clock_ppm <= 200.0, "clock_ppm", clock_ppm, "0 to 200");
    check_field(phase_noise >= 0.0 && std::isfinite(phase_noise),
                "phase_noise",
                phase_noise,
                "0 or more");
}

burst_receiver::burst_receiver(const burst_receiver_settings& settings)
    : d_settings((settings.check(), settings)),
      d_sync(settings.pulse),
      d_samples(settings.num_rx)
{
    const auto& layout = settings.layout;
    for (int k = 0; k < layout.users; k++) {
        const int code = layout.first_code + k;
        d_detectors.emplace_back(
            code, layout.preamble_repeats, settings.pulse, settings.search);
        d_preambles.push_back(make_preamble(code, layout.preamble_repeats));
    }
    // What preamble_detector::detect() asks for around the detections to be kept.
    const size_t window = d_detectors[0].window(), reach = settings.pulse.length();
    d_block = windows_per_search * window;
    d_lead = window + reach;
    d_tail = 2 * window + reach;
}

//! [samples] that a time may move, and a pulse reaches.
double burst_receiver::margin() const
{
    return static_cast<double>(d_settings.pulse.length() + 4 * d_settings.pulse.sps);
}

//! [samples] by which users of one burst may be apart.
double burst_receiver::tolerance() const
{
    return static_cast<double>(d_settings.layout.gap * d_settings.pulse.sps);
}

double burst_receiver::length_of(const received_burst& burst) const
{
    return static_cast<double>(d_settings.layout.guard_position(burst.header.length) *
                               d_settings.pulse.sps);
}

double burst_receiver::read_until() const
{
    double until = d_searched;
    for (const auto& head : d_heads)
        until = std::min(until, head.heard.start);
    return until;
}

double burst_receiver::received_until() const
{
    const double before =
        static_cast<double>(d_settings.layout.body_position() * d_settings.pulse.sps);
    // The first user that is read may be the last of its burst.
    double until = read_until() - before - tolerance();
    for (const auto& burst : d_open)
        until = std::min(until, burst.start);
    return until;
}

void burst_receiver::push(const cfloat* const* in, size_t count)
{
    for (size_t done = 0; done < count; done += d_block) {
        const size_t length = std::min(d_block, count - done);
        for (size_t m = 0; m < d_samples.size(); m++)
            d_samples[m].insert(d_samples[m].end(), in[m] + done, in[m] + done + length);
        advance(false);
    }
}

void burst_receiver::finish() { advance(true); }

void burst_receiver::advance(bool last)
{
    const auto block = static_cast<double>(d_block), tail = static_cast<double>(d_tail);
    while (d_searched + block + tail <= end())
        search(d_searched + block);
    if (last)
        search(end());
    read_heads(last);
    close_bursts(last);
    expire();
    trim();
}

//! Pointers to the samples held.
std::vector<const cfloat*> burst_receiver::held() const
{
    std::vector<const cfloat*> streams;
    for (const auto& stream : d_samples)
        streams.push_back(stream.data());
    return streams;
}

//! Finds the preambles that start from d_searched to \p until.
void burst_receiver::search(double until)
{
    const double from = std::max(d_first, d_searched - static_cast<double>(d_lead));
    const double to = std::min(end(), until + static_cast<double>(d_tail));
    if (to <= from)
        return;
    auto streams = held();
    for (auto& stream : streams)
        stream += static_cast<size_t>(from - d_first);
    const auto samples = d_detectors[0].filter(
        streams.data(), d_settings.num_rx, static_cast<size_t>(to - from));
    for (size_t k = 0; k < d_detectors.size(); k++)
        for (auto heard : d_detectors[k].detect(samples)) {
            heard.start += from;
            if (heard.start < d_searched || heard.start >= until)
                continue;
            d_heads.push_back({ static_cast<int>(k), heard });
            d_num_detected++;
        }
    d_searched = until;
}

synchronisation burst_receiver::synchronise(const std::vector<cfloat>& known,
                                            double start,
                                            double cfo) const
{
    auto found = d_sync.synchronise(held().data(),
                                    d_settings.num_rx,
                                    d_samples[0].size(),
                                    known,
                                    start - d_first,
                                    cfo);
    found.start.value += d_first;
    return found;
}

//! Symbols [first, ...) of a user after its first known one, on each antenna.
void burst_receiver::align(const synchronisation& found,
                           double clock_offset,
                           size_t first,
                           std::vector<std::vector<cfloat>>& out) const
{
    auto relative = found;
    relative.start.value -= d_first;
    std::vector<cfloat*> to;
    for (auto& stream : out)
        to.push_back(stream.data());
    d_sync.align(held().data(),
                 d_settings.num_rx,
                 d_samples[0].size(),
                 relative,
                 clock_offset,
                 first,
                 out[0].size(),
                 to.data());
}

//! Reads the headers that have come whole.
void burst_receiver::read_heads(bool last)
{
    const auto& layout = d_settings.layout;
    const double length = static_cast<double>(
        (layout.preamble_length() + layout.header_length()) * d_settings.pulse.sps);
    std::vector<head> waiting;
    std::sort(d_heads.begin(), d_heads.end(), [](const head& a, const head& b) {
        return a.heard.start < b.heard.start;
    });
    for (const auto& head : d_heads)
        if (last || head.heard.start + length + margin() <= end())
            read(head);
        else
            waiting.push_back(head);
    d_heads = std::move(waiting);
}

void burst_receiver::read(const head& preamble)
{
    const auto& layout = d_settings.layout;
    heard_user heard;
    heard.detected = true;
    heard.sync =
        synchronise(d_preambles[preamble.user], preamble.heard.start, preamble.heard.cfo);
    if (!heard.sync.found) {
        d_num_unread++;
        return;
    }
    std::vector<std::vector<cfloat>> symbols(d_settings.num_rx,
                                             std::vector<cfloat>(layout.header_length()));
    align(heard.sync, 0.0, layout.preamble_length(), symbols);
    std::vector<cfloat> combined(layout.header_length());
    std::vector<const cfloat*> from;
    for (const auto& stream : symbols)
        from.push_back(stream.data());
    combine(from.data(), heard.sync.h, combined.size(), combined.data());
    const auto header = read_header(combined.data(),
                                    layout.header_repeats,
                                    heard.sync,
                                    static_cast<double>(layout.preamble_length()));
    if (!header.ok || header.value.length == 0) {
        d_unread.push_back({ preamble.user, heard.sync });
        return;
    }
    heard.read = true;
    heard.header = header.value;
    const auto better = synchronise(layout.head(preamble.user, header.value),
                                    heard.sync.start.value,
                                    heard.sync.cfo.value);
    // A wrong header whose CRC fits by chance does not fit its symbols: they then show an
    // SNR of 0.01 (at 15 dB) to 0.26 (at -5 dB) of the preamble's, right ones 0.76 or
    // more.
    if (!better.found || better.snr < least_share * std::min(heard.sync.snr, 1.0)) {
        d_unread.push_back({ preamble.user, heard.sync });
        return;
    }
    heard.sync = better;
    place(preamble.user, heard);
}

//! Puts a user that was read where it belongs.
void burst_receiver::place(int user, const heard_user& heard)
{
    const double start = heard.sync.start.value -
                         static_cast<double>(d_settings.layout.preamble_position(user) *
                                             d_settings.pulse.sps);
    for (auto& burst : d_open)
        if (std::fabs(burst.start - start) < tolerance() &&
            burst.header.frame == heard.header.frame &&
            burst.header.length == heard.header.length && !burst.users[user].detected) {
            burst.users[user] = heard;
            return;
        }
    received_burst burst;
    burst.header = heard.header;
    burst.start = start;
    burst.users.resize(d_settings.layout.users);
    burst.users[user] = heard;
    d_open.push_back(burst);
}

//! Receives the bursts that have come whole.
void burst_receiver::close_bursts(bool last)
{
    std::vector<received_burst> waiting;
    for (auto& burst : d_open) {
        // What comes late: the tail of the slowest user.
        const double whole = burst.start +
                             length_of(burst) * (1.0 + 1e-6 * d_settings.clock_ppm) +
                             tolerance() + margin();
        if (last || (whole <= end() && whole <= read_until())) {
            adopt(burst);
            receive(burst);
            d_bursts.push_back(std::move(burst));
        } else {
            waiting.push_back(std::move(burst));
        }
    }
    d_open = std::move(waiting);
    std::sort(d_bursts.begin(), d_bursts.end(), [](const auto& a, const auto& b) {
        return a.start < b.start;
    });
}

//! Users that were heard where the burst is, and not read: their headers are known now.
void burst_receiver::adopt(received_burst& burst)
{
    const auto& layout = d_settings.layout;
    for (auto& other : d_unread) {
        auto& user = burst.users[other.user];
        const double start = other.sync.start.value -
                             static_cast<double>(layout.preamble_position(other.user) *
                                                 d_settings.pulse.sps);
        if (user.detected || std::fabs(start - burst.start) >= tolerance())
            continue;
        user.detected = true;
        user.header = burst.header;
        user.sync = other.sync;
        other.user = -1; // taken
    }
    d_unread.erase(std::remove_if(d_unread.begin(),
                                  d_unread.end(),
                                  [](const unread& other) { return other.user < 0; }),
                   d_unread.end());
}

//! Forgets what was detected, not read, and belongs to no burst.
void burst_receiver::expire()
{
    double oldest = read_until();
    for (const auto& burst : d_open)
        oldest = std::min(oldest, burst.start);
    const double stagger =
        static_cast<double>(d_settings.layout.body_position() * d_settings.pulse.sps);
    const auto expired = [&](const unread& other) {
        return other.sync.start.value + stagger + tolerance() < oldest;
    };
    const auto first = std::remove_if(d_unread.begin(), d_unread.end(), expired);
    d_num_unread += static_cast<uint64_t>(d_unread.end() - first);
    d_unread.erase(first, d_unread.end());
}

//! Forgets the samples that nobody needs.
void burst_receiver::trim()
{
    double needed = read_until() - static_cast<double>(d_lead);
    for (const auto& burst : d_open)
        needed = std::min(needed, burst.start - tolerance() - margin());
    const double spare = std::floor(needed - margin() - d_first);
    if (!(spare > static_cast<double>(d_samples[0].size()) / 2.0))
        return;
    const auto count = std::min(static_cast<size_t>(spare), d_samples[0].size());
    for (auto& stream : d_samples)
        stream.erase(stream.begin(), stream.begin() + static_cast<long>(count));
    d_first += static_cast<double>(count);
}

//! The channel of the users that are there; columns of the others are 0.
void burst_receiver::set_channel(received_burst& burst,
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

//! A user's body after the detector, whose row \p row of \p rows is the user's.
std::vector<cfloat> burst_receiver::separate(const received_burst& burst,
                                             int user,
                                             const linear_detector& detector,
                                             int row,
                                             int rows) const
{
    const auto& layout = d_settings.layout;
    const size_t length = layout.body.total(burst.header.length);
    std::vector<std::vector<cfloat>> aligned(d_settings.num_rx,
                                             std::vector<cfloat>(length)),
        streams(rows, std::vector<cfloat>(length));
    align(burst.users[user].sync,
          burst.users[user].clock.offset.value,
          layout.body_position() - layout.preamble_position(user),
          aligned);
    std::vector<const cfloat*> from;
    std::vector<cfloat*> to;
    for (const auto& stream : aligned)
        from.push_back(stream.data());
    for (auto& stream : streams)
        to.push_back(stream.data());
    detector.apply(from.data(), to.data(), length);
    return streams[row];
}

void burst_receiver::receive(received_burst& burst) const
{
    const int users = d_settings.layout.users;
    burst.payload.assign(users, std::vector<cfloat>(burst.header.length));
    std::vector<int> present;
    std::vector<synchronisation> heard;
    for (int k = 0; k < users; k++)
        if (burst.users[k].detected) {
            present.push_back(k);
            heard.push_back(burst.users[k].sync);
        }
    set_channel(burst, present);
    const linear_detector detector(joint_channel(heard), d_settings.method);
    for (size_t row = 0; row < present.size(); row++)
        follow(burst,
               present[row],
               detector,
               static_cast<int>(row),
               static_cast<int>(present.size()));
}

//! A user's payload, its clock and phase followed on its own pilots.
void burst_receiver::follow(received_burst& burst,
                            int k,
                            const linear_detector& detector,
                            int row,
                            int rows) const
{
    const auto& layout = d_settings.layout;
    const double clock = 1e-6 * d_settings.clock_ppm;
    auto& user = burst.users[k];
    auto body = separate(burst, k, detector, row, rows);
    user_stream stream{ body.data(),
                        layout.body,
                        burst.header.length,
                        d_settings.rows[k],
                        detector.no_eff()[row] };
    user.clock = estimate_clock(
        stream,
        d_settings.pulse,
        user.sync,
        static_cast<double>(layout.body_position() - layout.preamble_position(k)),
        clock * clock / 3.0);
    user.sync.start.value += d_settings.pulse.sps * user.clock.delay.value;
    body = separate(burst, k, detector, row, rows);
    stream.body = body.data();
    const auto track =
        track_phase(stream, user.sync.cfo.variance, d_settings.phase_noise);
    correct_phase(body.data(), body.size(), track);
    user.cfo = user.sync.cfo.value + track.cfo.value;
    burst.channel.no_eff[k] = std::max(stream.noise_var, pilot_error(stream));
    for (size_t i = 0; i < burst.payload[k].size(); i++)
        burst.payload[k][i] = body[layout.body.payload_position(i)];
}

bool frame_counter::accept(uint32_t number)
{
    if (d_frames > 0 && number == d_last) {
        d_duplicated++;
        return false;
    }
    if (d_frames > 0 && number < d_last)
        d_restarts++;
    else if (d_frames > 0)
        d_lost += number - d_last - 1;
    d_last = number;
    d_frames++;
    return true;
}

} // namespace phy
} // namespace semcom
} // namespace gr
