/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_BURST_H
#define INCLUDED_SEMCOM_PHY_BURST_H

#include "header.h"
#include "phy/framing.h"
#include "preamble.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * Where everything lies in a burst, in symbols. User k of K has one:
 *
 *   k = 0: [preamble header | gap | silence         | gap | body   | guard]
 *   k = 1: [silence         | gap | preamble header | gap | body   | guard]
 *
 * with body = [pilots | payload | pilots | ... | payload | pilots] as in framing.h. The
 * heads (preamble and header) do not overlap as long as bursts are misaligned by less
 * than the gap: two preambles at once would cost detections, and each header is heard
 * alone, so that combining antennas (and not separating users) does.
 * Bodies start at the same time. Their payloads may have different lengths, told in each
 * user's header: a shorter body is followed by silence.
 *
 * Which preamble is whose says preamble.h, what a header says header.h.
 */
struct burst_layout {
    int users = 2; //!< K, heads in a row, as many as first_code's family has codes left
    int first_code = uplink_code;                //!< preamble of user 0; user k has + k
    int preamble_repeats = max_preamble_repeats; //!< 5 to 23
    int header_repeats = 4;                      //!< 1 to 8
    uint64_t gap = 64;                           //!< [symbols] of silence after a head
    frame_layout body{ 16, 256 };                //!< pilots and payload
    uint64_t guard = 32;                         //!< [symbols] of silence at the end

    //! \throws std::invalid_argument with the field at fault.
    void check() const;

    uint64_t preamble_length() const
    {
        return static_cast<uint64_t>(preamble_repeats) * preamble_period;
    }
    uint64_t header_length() const
    {
        return static_cast<uint64_t>(header_repeats) * header_symbols;
    }

    //! From one user's preamble to the next one's.
    uint64_t stagger() const { return preamble_length() + header_length() + gap; }

    uint64_t preamble_position(int user) const { return user * stagger(); }
    uint64_t header_position(int user) const
    {
        return preamble_position(user) + preamble_length();
    }
    uint64_t body_position() const { return users * stagger(); }
    uint64_t guard_position(uint64_t payload) const
    {
        return body_position() + body.total(payload);
    }

    //! Symbols of a burst with \p payload symbols (at least 1).
    uint64_t total(uint64_t payload) const { return guard_position(payload) + guard; }

    //! A head's known symbols if its header is known: preamble and header.
    std::vector<cfloat> head(int user, const frame_header& header) const;
};

/*!
 * All symbols of one user's burst, silence as zeros.
 *
 * \param user    0 to users - 1.
 * \param header  As sent; its length must be that of the payload.
 * \param row     Pilots of this user, as many as the layout says.
 * \param payload 1 or more symbols of unit mean power.
 * \return layout.total(payload.size()) symbols.
 * \throws std::invalid_argument with the argument at fault.
 */
std::vector<cfloat> assemble_burst(const burst_layout& layout,
                                   int user,
                                   const frame_header& header,
                                   const std::vector<cfloat>& row,
                                   const std::vector<cfloat>& payload);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
