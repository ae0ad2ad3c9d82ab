/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bytes.h"
#include "phy/burst/burst.h"
#include "phy/burst/pulse.h"
#include <cmath>
#include <stdexcept>

// Layouts, frames and bursts of any settings: refused in one line, or each symbol in its
// place.

using namespace gr::semcom::phy;

namespace {

burst_layout any_layout(bytes& in)
{
    burst_layout layout;
    layout.users = static_cast<int>(in.within(-1, 8));
    layout.first_code = static_cast<int>(in.within(-1, 11));
    layout.preamble_repeats = static_cast<int>(in.within(4, 24));
    layout.header_repeats = static_cast<int>(in.within(0, 9));
    layout.gap = static_cast<uint64_t>(in.within(0, 300));
    layout.guard = static_cast<uint64_t>(in.within(0, 300));
    layout.body = { static_cast<uint64_t>(in.within(0, 40)),
                    static_cast<uint64_t>(in.within(0, 100)) };
    return layout;
}

//! Positions of pilots and payload cover a frame, each item once.
void check_frame(const frame_layout& layout, uint64_t payload)
{
    const uint64_t total = layout.total(payload);
    require(layout.payload(total) == payload, "a frame's length tells another payload");
    std::vector<int> taken(total, 0);
    for (uint64_t b = 0; b < layout.pilot_blocks(payload); b++)
        for (uint64_t p = 0; p < layout.num_pilots; p++)
            taken.at(layout.pilot_position(b, payload) + p)++;
    for (uint64_t i = 0; i < payload; i++)
        taken.at(layout.payload_position(i))++;
    for (const int times : taken)
        require(times == 1, "an item of a frame is not taken exactly once");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    bytes in(data, size);
    const auto layout = any_layout(in);
    const int user = static_cast<int>(in.within(-1, 8));
    frame_header header;
    header.length = static_cast<uint32_t>(in.within(0, 300));
    header.fragment = in.take<uint8_t>();
    header.fragments = in.take<uint8_t>();
    const auto payload = in.symbols(header.length + in.within(0, 1));
    const auto row = in.symbols(layout.body.num_pilots);
    const bool limited = in.either();
    const double peak = limited ? in.take<double>() : 7.0;
    try {
        const auto burst = assemble_burst(layout, user, header, row, payload);
        require(burst.size() == layout.total(payload.size()),
                "a burst of another length");
        check_frame(layout.body, payload.size());
        pulse_shape pulse;
        pulse.sps = static_cast<int>(in.within(2, 8));
        auto samples = shape(burst.data(), burst.size(), pulse);
        const double left = limit_peak(samples, pulse, peak, 2);
        require(!std::isnan(left), "a peak is NaN");
    } catch (const std::invalid_argument&) {
    }
    return 0;
}
