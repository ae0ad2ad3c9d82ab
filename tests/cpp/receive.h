/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef SEMCOM_TESTS_RECEIVE_H
#define SEMCOM_TESTS_RECEIVE_H

#include "air.h"
#include "phy/burst/burst.h"
#include "phy/burst/preamble_detector.h"
#include "phy/burst/synchroniser.h"
#include "phy/burst/tracking.h"
#include "phy/flat/detection.h"
#include <algorithm>

// Two terminals on the air, and a receiver put together from the parts under test.

using namespace gr::semcom::phy;

struct scene {
    burst_layout layout;
    pulse_shape pulse;
    std::vector<impairment> ways;
    matrix h; // [M, K] at each user's first symbol
    double noise_var = 0.1;
    frame_header common{ 77000, 0, 0, 5 }; // what all headers say
    std::vector<frame_header> headers;
    std::vector<samples> rows, payloads; // of each user
    std::vector<samples> heard;          // at each antenna
};

struct received_user {
    synchronisation sync;
    decoded_header header;
    clock_estimate clock;
    phase_track track;
    samples payload;
    double no_eff = 0.0;
};

//! Fills in what all terminals send (rows unless there are some), payloads of these
//! lengths, and what is heard.
inline void
transmit(scene& s, const std::vector<uint32_t>& lengths, double tail, draws& rng)
{
    const int users = s.layout.users;
    const auto longest = *std::max_element(lengths.begin(), lengths.end());
    const size_t length =
        static_cast<size_t>((s.layout.total(longest) + tail) * s.pulse.sps);
    s.heard.clear();
    for (int m = 0; m < s.h.rows(); m++)
        s.heard.push_back(rng.normal(length, s.noise_var));
    for (int k = 0; k < users; k++) {
        s.headers.push_back(s.common);
        s.headers[k].terminal = static_cast<uint8_t>(k);
        s.headers[k].length = lengths[k];
        if (s.rows.size() <= static_cast<size_t>(k))
            s.rows.push_back(rng.qpsk(s.layout.body.num_pilots));
        s.payloads.push_back(rng.qpsk(lengths[k]));
        const auto burst =
            assemble_burst(s.layout, k, s.headers[k], s.rows[k], s.payloads[k]);
        for (int m = 0; m < s.h.rows(); m++) {
            // The way's delay is that of the preamble; the burst's first symbol of a
            // later user is silent and comes earlier.
            auto way = s.ways[k];
            const double before = static_cast<double>(s.layout.preamble_position(k));
            const cdouble turn =
                std::polar(1.0, 2 * M_PI * way.cfo * before * (1.0 + way.clock_offset));
            add_burst(burst, s.pulse, way, s.h(m, k) * std::conj(turn), s.heard[m]);
        }
    }
}

inline void transmit(scene& s, uint32_t payload, double tail, draws& rng)
{
    transmit(s, std::vector<uint32_t>(s.layout.users, payload), tail, rng);
}

//! [samples] at which a user's first known symbol is.
inline double true_start(const scene& s, int user)
{
    return s.ways[user].delay + static_cast<double>(s.layout.preamble_position(user)) *
                                    s.pulse.sps * (1.0 + s.ways[user].clock_offset);
}

inline received_user hear(const scene& s, const synchroniser& sync, int user)
{
    received_user found;
    const int num_rx = static_cast<int>(s.heard.size());
    const auto in = pointers(s.heard);
    const size_t count = s.heard[0].size();
    const preamble_detector detector(
        s.layout.first_code + user, s.layout.preamble_repeats, s.pulse, {});
    detection best{ 0.0, 0.0, 0.0 };
    for (const auto& d : detector.detect(in.data(), num_rx, count))
        if (d.metric > best.metric)
            best = d;
    const auto preamble =
        make_preamble(s.layout.first_code + user, s.layout.preamble_repeats);
    found.sync =
        sync.synchronise(in.data(), num_rx, count, preamble, best.start, best.cfo);
    std::vector<samples> symbols(num_rx, samples(s.layout.header_length()));
    sync.align(in.data(),
               num_rx,
               count,
               found.sync,
               0.0,
               s.layout.preamble_length(),
               s.layout.header_length(),
               pointers(symbols).data());
    samples combined(s.layout.header_length());
    const std::vector<samples>& constant = symbols;
    combine(pointers(constant).data(), found.sync.h, combined.size(), combined.data());
    found.header = read_header(
        combined.data(), s.layout.header_repeats, found.sync, s.layout.preamble_length());
    if (found.header.ok)
        found.sync = sync.synchronise(in.data(),
                                      num_rx,
                                      count,
                                      s.layout.head(user, found.header.value),
                                      found.sync.start.value,
                                      found.sync.cfo.value);
    return found;
}

//! One user's stream, parted from the others; its body.
inline samples part(const scene& s,
                    const synchroniser& sync,
                    const received_user& user,
                    const linear_detector& detector,
                    int k,
                    size_t body_length)
{
    const int num_rx = static_cast<int>(s.heard.size());
    std::vector<samples> aligned(num_rx, samples(body_length));
    sync.align(pointers(s.heard).data(),
               num_rx,
               s.heard[0].size(),
               user.sync,
               user.clock.offset.value,
               s.layout.body_position() - s.layout.preamble_position(k),
               body_length,
               pointers(aligned).data());
    std::vector<samples> streams(s.layout.users, samples(body_length));
    const std::vector<samples>& constant = aligned;
    detector.apply(pointers(constant).data(), pointers(streams).data(), body_length);
    return streams[k];
}

//! The whole receiver.
inline std::vector<received_user> receive(const scene& s)
{
    const synchroniser sync(s.pulse);
    std::vector<received_user> users;
    std::vector<synchronisation> found;
    for (int k = 0; k < s.layout.users; k++) {
        users.push_back(hear(s, sync, k));
        found.push_back(users.back().sync);
    }
    const linear_detector detector(joint_channel(found), detector_method::zf);
    for (int k = 0; k < s.layout.users; k++) {
        auto& user = users[k];
        const uint64_t payload = user.header.value.length;
        if (!user.header.ok)
            continue;
        user.no_eff = detector.no_eff()[k];
        const size_t length = s.layout.body.total(payload);
        auto body = part(s, sync, user, detector, k, length);
        const user_stream stream{
            body.data(), s.layout.body, payload, s.rows[k], user.no_eff
        };
        user.clock = estimate_clock(
            stream,
            s.pulse,
            user.sync,
            static_cast<double>(s.layout.body_position() - s.layout.preamble_position(k)),
            20e-6 * 20e-6 / 3.0);
        user.sync.start.value += s.pulse.sps * user.clock.delay.value;
        const auto again = part(s, sync, user, detector, k, length);
        std::copy(again.begin(), again.end(), body.begin());
        user.track = track_phase(stream, user.sync.cfo.variance);
        correct_phase(body.data(), body.size(), user.track);
        for (uint64_t i = 0; i < payload; i++)
            user.payload.push_back(body[s.layout.body.payload_position(i)]);
    }
    return users;
}

#endif
