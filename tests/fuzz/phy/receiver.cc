/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bytes.h"
#include "phy/burst/burst_receiver.h"
#include <cmath>

// A receiver of bursts in a stream of anything: bursts that overlap, break off or lie
// about their length, samples that are not finite, cut as they come.

using namespace gr::semcom::phy;

namespace {

using samples = std::vector<cfloat>;

burst_receiver_settings any_settings(bytes& in)
{
    burst_receiver_settings settings;
    auto& layout = settings.layout;
    layout.users = static_cast<int>(in.within(1, 2));
    layout.preamble_repeats = static_cast<int>(in.within(5, 9));
    layout.header_repeats = static_cast<int>(in.within(1, 2));
    layout.gap = static_cast<uint64_t>(in.within(0, 40));
    layout.guard = static_cast<uint64_t>(in.within(0, 20));
    layout.body = { static_cast<uint64_t>(in.within(3, 9)),
                    static_cast<uint64_t>(in.within(0, 40)) };
    settings.pulse.sps = static_cast<int>(in.within(2, 3));
    settings.num_rx = static_cast<int>(in.within(layout.users, 3));
    for (int k = 0; k < layout.users; k++) {
        samples row;
        for (uint64_t i = 0; i < layout.body.num_pilots; i++)
            row.push_back(
                cfloat(std::polar(1.0, 0.7 * (k + 1) * static_cast<double>(i * i))));
        settings.rows.push_back(row);
        if (in.either())
            settings.units.push_back(static_cast<uint32_t>(in.within(1, 9)));
    }
    if (static_cast<int>(settings.units.size()) < layout.users)
        settings.units.clear();
    settings.max_payload = static_cast<uint32_t>(in.within(1, 400));
    settings.method = in.either() ? detector_method::zf : detector_method::lmmse;
    return settings;
}

//! A burst of a user, whose header may tell another length, into what antennas hear.
void add_burst(const burst_receiver_settings& settings,
               std::vector<samples>& heard,
               bytes& in)
{
    const auto& layout = settings.layout;
    const int user = static_cast<int>(in.within(0, layout.users - 1));
    frame_header header;
    header.frame = static_cast<uint32_t>(in.within(0, 3));
    header.terminal = static_cast<uint8_t>(user);
    header.length = static_cast<uint32_t>(in.within(1, 120));
    auto burst = assemble_burst(
        layout, user, header, settings.rows[user], in.symbols(header.length));
    if (in.either()) {
        header.length = in.either() ? in.take<uint32_t>() | 1
                                    : static_cast<uint32_t>(in.within(1, 500));
        const auto head = layout.head(user, header);
        std::copy(
            head.begin(), head.end(), burst.begin() + layout.preamble_position(user));
    }
    const auto shaped = shape(burst.data(), burst.size(), settings.pulse);
    const auto from = static_cast<size_t>(in.within(0, 4000));
    const auto whole = static_cast<size_t>(in.within(0, 255)) * shaped.size() / 200;
    for (auto& antenna : heard) {
        const cfloat gain = in.symbol();
        antenna.resize(std::max(antenna.size(), from + shaped.size()));
        for (size_t i = 0; i < std::min(whole, shaped.size()); i++)
            antenna[from + i] += gain * shaped[i];
    }
}

std::vector<samples> any_samples(const burst_receiver_settings& settings, bytes& in)
{
    std::vector<samples> heard(settings.num_rx,
                               samples(static_cast<size_t>(in.within(0, 4000))));
    for (auto bursts = in.within(0, 4); bursts > 0; bursts--)
        add_burst(settings, heard, in);
    size_t longest = 0;
    for (auto& antenna : heard)
        longest = std::max(longest, antenna.size());
    for (auto& antenna : heard)
        antenna.resize(longest);
    for (auto places = in.within(0, 8); places > 0 && longest > 0; places--) {
        auto& antenna = heard[in.within(0, settings.num_rx - 1)];
        const auto at = static_cast<size_t>(in.within(0, longest - 1));
        const bool raw = in.either();
        for (size_t i = at; i < std::min(at + in.within(1, 40), longest); i++)
            antenna[i] = raw ? in.take<cfloat>() : in.symbol();
    }
    return heard;
}

//! What is held after a push: what a search and the longest burst need, twice.
void check_held(const burst_receiver& receiver, const burst_receiver_settings& settings)
{
    const auto& layout = settings.layout;
    const uint64_t symbols =
        layout.total(settings.max_payload * uint64_t{ 9 }) + 40 * layout.stagger();
    require(receiver.num_held() <= 2 * symbols * settings.pulse.sps,
            "more is held than a burst and a search need");
}

std::deque<received_burst> receive(const burst_receiver_settings& settings,
                                   const std::vector<samples>& heard,
                                   const std::vector<size_t>& cuts)
{
    burst_receiver receiver(settings);
    const size_t count = heard[0].size();
    for (size_t at = 0, piece = 0; at < count; piece++) {
        const size_t cut = std::min(cuts[piece % cuts.size()], count - at);
        std::vector<const cfloat*> from;
        for (const auto& antenna : heard)
            from.push_back(antenna.data() + at);
        receiver.push(from.data(), cut);
        require(!std::isnan(receiver.received_until()), "nobody knows what was received");
        check_held(receiver, settings);
        at += cut;
    }
    receiver.finish();
    return receiver.bursts();
}

void check(const received_burst& burst, const burst_receiver_settings& settings)
{
    require(static_cast<int>(burst.payload.size()) == settings.layout.users,
            "a burst without a payload for each user");
    for (size_t k = 0; k < burst.payload.size(); k++) {
        require(burst.payload[k].size() == burst.users[k].header.length &&
                    burst.payload[k].size() <= settings.max_payload,
                "a payload of a length that its header does not tell");
        require(burst.channel.no_eff[k] >= 0.0, "the noise of a user is NaN or negative");
        for (const auto& symbol : burst.payload[k])
            require(std::isfinite(symbol.real()) && std::isfinite(symbol.imag()),
                    "a received symbol is not finite");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    bytes in(data, size);
    const auto settings = any_settings(in);
    std::vector<size_t> cuts;
    for (auto pieces = in.within(1, 3); pieces > 0; pieces--)
        cuts.push_back(static_cast<size_t>(in.within(1, 3000)));
    const auto heard = any_samples(settings, in);
    const auto found = receive(settings, heard, { heard[0].size() });
    for (const auto& burst : found)
        check(burst, settings);
    const auto again = receive(settings, heard, cuts);
    require(found.size() == again.size(), "cut otherwise, other bursts are heard");
    for (size_t i = 0; i < found.size(); i++)
        for (size_t k = 0; k < found[i].users.size(); k++)
            require(found[i].users[k].read == again[i].users[k].read &&
                        found[i].payload[k].size() == again[i].payload[k].size(),
                    "cut otherwise, bursts are read otherwise");
    return 0;
}
