/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "frame_counter.h"

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr size_t remembered = 256; // frames

} // namespace

arrival frame_counter::accept(const frame_header& header)
{
    if (d_started && header.attempt == 0 && header.frame < d_last) {
        d_restarts++;
        d_heard.clear();
        d_started = false;
    }
    auto found = d_heard.find(header.frame);
    if (found != d_heard.end() &&
        found->second.bursts.count({ header.fragment, header.attempt }) > 0) {
        d_duplicated++;
        return arrival::repeat;
    }
    d_retried += header.attempt > 0;
    const auto verdict = header.attempt > 0 ? arrival::retry : arrival::fresh;
    if (found == d_heard.end()) {
        if (d_heard.size() == remembered && header.frame < d_heard.begin()->first)
            return verdict;
        open(header);
        found = d_heard.find(header.frame);
    }
    auto& frame = found->second;
    if (header.fragments > frame.expected) {
        d_missing += header.fragments - frame.expected;
        frame.expected = header.fragments;
    }
    frame.bursts.insert({ header.fragment, header.attempt });
    d_missing -= frame.fragments.insert(header.fragment).second;
    return verdict;
}

//! Counts a frame of which nothing had come.
void frame_counter::open(const frame_header& header)
{
    if (!d_started || header.frame > d_last) {
        d_lost += d_started ? header.frame - d_last - 1 : 0;
        d_last = header.frame;
    } else if (d_lost > 0 && header.frame > d_heard.begin()->first) {
        d_lost--; // it was between two others
    }
    d_started = true;
    d_num_frames++;
    d_heard[header.frame];
    if (d_heard.size() > remembered)
        d_heard.erase(d_heard.begin());
}

} // namespace phy
} // namespace semcom
} // namespace gr
