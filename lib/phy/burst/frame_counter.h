/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_FRAME_COUNTER_H
#define INCLUDED_SEMCOM_PHY_FRAME_COUNTER_H

#include "header.h"
#include <map>
#include <set>
#include <utility>

namespace gr {
namespace semcom {
namespace phy {

//! The relation of a burst to earlier ones.
enum class arrival {
    fresh,  //!< a part of a frame, sent for the first time
    retry,  //!< another attempt
    repeat, //!< the same attempt of the same part again
};

/*!
 * Counts frames, their fragments and attempts from headers.
 *
 * - A number above the last one's next counts those between as lost. A later attempt may
 *   still bring one of them, which then is not lost any more.
 * - A first attempt (0) of a smaller number says that the sender was started again: what
 *   came before is forgotten, and not looked for any more.
 * - The same frame, fragment and attempt again is a repeat.
 *
 * The last 256 frames are remembered; another attempt of an older one is a retry, and
 * changes no other count.
 */
class frame_counter
{
public:
    //! \param header Of a burst; must be possible().
    arrival accept(const frame_header& header);

    uint64_t num_frames() const { return d_num_frames; } //!< of which something came
    uint64_t num_lost() const { return d_lost; }         //!< numbers of which nothing did
    uint64_t num_retried() const { return d_retried; }   //!< attempts after the first
    uint64_t num_duplicated() const { return d_duplicated; } //!< repeats
    uint64_t num_restarts() const { return d_restarts; }     //!< of the sender

    //! Fragments of the frames of which something came that have not come (yet).
    uint64_t num_missing() const { return d_missing; }

private:
    //! What came of a frame: (fragment, attempt), and fragments.
    struct heard_frame {
        std::set<std::pair<uint16_t, uint8_t>> bursts;
        std::set<uint16_t> fragments;
        uint16_t expected = 0; // fragments, the most that a header told
    };

    std::map<uint32_t, heard_frame> d_heard;
    uint32_t d_last = 0; // largest number since the sender's start
    bool d_started = false;
    uint64_t d_num_frames = 0, d_lost = 0, d_retried = 0, d_duplicated = 0;
    uint64_t d_restarts = 0, d_missing = 0;

    void open(const frame_header& header);
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
