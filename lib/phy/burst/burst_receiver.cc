/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "burst_receiver.h"
#include "phy/check_field.h"
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

bool belong_together(const frame_header& one, const frame_header& other)
{
    return one.system == other.system && one.frame == other.frame &&
           one.fragment == other.fragment && one.attempt == other.attempt;
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
    check_field(units.empty() || static_cast<int>(units.size()) == layout.users,
                "units",
                static_cast<double>(units.size()),
                "none, or one for each user");
    for (const auto one : units)
        check_field(one > 0, "units", one, "1 symbol or more");
    check_field(max_payload > 0, "max_payload", max_payload, "1 symbol or more");
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
      d_bodies(settings),
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

//! [samples] of the longest user's burst.
double burst_receiver::length_of(const received_burst& burst) const
{
    uint32_t longest = 0;
    for (size_t k = 0; k < burst.users.size(); k++)
        longest = std::max(longest, expected_header(burst, k).length);
    return static_cast<double>(d_settings.layout.guard_position(longest) *
                               d_settings.pulse.sps);
}

//! A user's header if it was read, else that of the first user that was, with as many
//! units of payload.
frame_header burst_receiver::expected_header(const received_burst& burst,
                                             size_t user) const
{
    if (burst.users[user].read)
        return burst.users[user].header;
    const auto& users = burst.users;
    const auto first = std::find_if(
        users.begin(), users.end(), [](const auto& other) { return other.read; });
    auto header = first->header;
    const auto unit = d_settings.unit(first - users.begin());
    const uint64_t length = uint64_t{ header.length } / unit * d_settings.unit(user);
    if (header.length % unit == 0 && length <= d_settings.max_payload)
        header.length = static_cast<uint32_t>(length);
    return header;
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

held_samples burst_receiver::held() const
{
    held_samples samples{ {}, d_samples[0].size(), d_first };
    for (const auto& stream : d_samples)
        samples.streams.push_back(stream.data());
    return samples;
}

//! Finds the preambles that start from d_searched to \p until.
void burst_receiver::search(double until)
{
    const double from = std::max(d_first, d_searched - static_cast<double>(d_lead));
    const double to = std::min(end(), until + static_cast<double>(d_tail));
    if (to <= from)
        return;
    auto streams = held().streams;
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
    auto found = d_sync.synchronise(held().streams.data(),
                                    d_settings.num_rx,
                                    d_samples[0].size(),
                                    known,
                                    start - d_first,
                                    cfo);
    found.start.value += d_first;
    return found;
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

//! What is read after a preamble.
decoded_header burst_receiver::header_after(const synchronisation& preamble) const
{
    const auto& layout = d_settings.layout;
    const size_t length = layout.header_length();
    std::vector<std::vector<cfloat>> symbols(d_settings.num_rx,
                                             std::vector<cfloat>(length));
    d_bodies.align(held(), preamble, 0.0, layout.preamble_length(), symbols);
    std::vector<cfloat> combined(length);
    std::vector<const cfloat*> from;
    for (const auto& stream : symbols)
        from.push_back(stream.data());
    combine(from.data(), preamble.h, combined.size(), combined.data());
    return read_header(
        combined.data(), layout.header_repeats, preamble, layout.preamble_length());
}

/*!
 * The estimates again with the header's symbols known; not found if these do not fit. A
 * wrong header whose CRC fits by chance does not: its symbols then show an SNR of 0.01
 * (at 15 dB) to 0.26 (at -5 dB) of the preamble's, right ones 0.76 or more.
 */
synchronisation burst_receiver::refined(int user,
                                        const synchronisation& preamble,
                                        const decoded_header& header) const
{
    auto known = d_preambles[user];
    const auto coded = code_header(header.bits, d_settings.layout.header_repeats);
    known.insert(known.end(), coded.begin(), coded.end());
    const auto better = synchronise(known, preamble.start.value, preamble.cfo.value);
    if (better.snr < least_share * std::min(preamble.snr, 1.0))
        return {};
    return better;
}

void burst_receiver::read(const head& preamble)
{
    heard_user heard;
    heard.detected = true;
    heard.sync =
        synchronise(d_preambles[preamble.user], preamble.heard.start, preamble.heard.cfo);
    if (!heard.sync.found) {
        d_num_unread++;
        return;
    }
    const auto header = header_after(heard.sync);
    const auto better = header.version > 0 ? refined(preamble.user, heard.sync, header)
                                           : synchronisation{};
    if (!better.found) {
        d_unread.push_back({ preamble.user, heard.sync });
    } else if (!header.ok) {
        d_num_other_version++;
        d_other_version = header.version;
    } else if (header.value.length > d_settings.max_payload) {
        d_num_too_long++;
    } else {
        heard.read = true;
        heard.header = header.value;
        heard.sync = better;
        place(preamble.user, heard);
    }
}

//! Puts a user that was read where it belongs.
void burst_receiver::place(int user, const heard_user& heard)
{
    const double start = heard.sync.start.value -
                         static_cast<double>(d_settings.layout.preamble_position(user) *
                                             d_settings.pulse.sps);
    for (auto& burst : d_open)
        if (std::fabs(burst.start - start) < tolerance() &&
            belong_together(burst.header, heard.header) && !burst.users[user].detected) {
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
            d_bodies.receive(held(), burst);
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

//! Users that were heard where the burst is, and not read: what their headers say is
//! taken from the others.
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
        user.sync = other.sync;
        other.user = -1; // taken
    }
    d_unread.erase(std::remove_if(d_unread.begin(),
                                  d_unread.end(),
                                  [](const unread& other) { return other.user < 0; }),
                   d_unread.end());
    for (size_t k = 0; k < burst.users.size(); k++)
        burst.users[k].header = expected_header(burst, k);
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

} // namespace phy
} // namespace semcom
} // namespace gr
