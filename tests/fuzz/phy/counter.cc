/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bytes.h"
#include "phy/burst/frame_counter.h"
#include <set>
#include <tuple>

// Headers in any order: counts stay what they are called, and nothing counts twice.

using namespace gr::semcom::phy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    bytes in(data, size);
    frame_counter counter;
    uint64_t accepted = 0, repeats = 0;
    while (in.left() > 0) {
        frame_header header;
        header.length = 1;
        const auto frame = in.take<uint16_t>();
        header.frame = frame % 17 == 0 ? in.take<uint32_t>() : frame;
        header.fragments = static_cast<uint16_t>(in.within(1, 5));
        header.fragment = static_cast<uint16_t>(in.within(0, header.fragments - 1));
        header.attempt = static_cast<uint8_t>(in.within(0, 3));
        const auto found = counter.accept(header);
        accepted++;
        repeats += found == arrival::repeat;
        require((header.attempt > 0) == (found == arrival::retry) ||
                    found == arrival::repeat,
                "an attempt is not what its header says");
        require(counter.num_duplicated() == repeats, "repeats are miscounted");
        require(counter.num_frames() >= 1 && counter.num_frames() <= accepted - repeats,
                "more frames than bursts");
        require(counter.num_retried() <= accepted, "more retries than bursts");
        require(counter.num_lost() < uint64_t{ 1 } << 40, "lost frames fell below none");
        require(counter.num_missing() < uint64_t{ 1 } << 40,
                "missing fragments fell below none");
    }
    return 0;
}
