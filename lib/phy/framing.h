/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_FRAMING_H
#define INCLUDED_SEMCOM_PHY_FRAMING_H

#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {

//! Payload symbols over which one channel estimate or one fading value is held.
constexpr uint64_t run_length = 8;

/*!
 * Where pilots and payload lie in a frame.
 *
 * With spacing S = 0 a frame is [P pilots | n payload]. With S > 0 the payload is cut
 * into q = ceil(n / S) blocks with a pilot block before the first and after each: [P | S
 * | P | S | P | ... | rest | P].
 */
struct frame_layout {
    uint64_t num_pilots; //!< P, at least 1
    uint64_t spacing;    //!< S, 0 for pilots in front only

    //! Items of a frame with \p payload symbols (at least 1).
    uint64_t total(uint64_t payload) const;

    //! Payload symbols of a frame of \p total items; 0 if no frame has that length.
    uint64_t payload(uint64_t total) const;

    //! Payload blocks of a frame with \p payload symbols, q.
    uint64_t payload_blocks(uint64_t payload) const;

    //! Pilot blocks of a frame with \p payload symbols: 1 for S = 0, else q + 1.
    uint64_t pilot_blocks(uint64_t payload) const;

    //! First item of pilot block \p block, or for S = 0 and block 1 the frame's end.
    uint64_t pilot_position(uint64_t block, uint64_t payload) const;

    //! The last pilot block that starts at or before item \p position.
    uint64_t pilot_block_at(uint64_t position, uint64_t payload) const;

    //! Item at which payload symbol \p index lies.
    uint64_t payload_position(uint64_t index) const;

    //! Payload symbols that lie before item \p position.
    uint64_t payload_before(uint64_t position, uint64_t payload) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
