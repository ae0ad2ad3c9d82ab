/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CODING_SCRAMBLER_H
#define INCLUDED_SEMCOM_PHY_CODING_SCRAMBLER_H

#include <cstddef>
#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {

//! Bits after which the scrambling sequence begins again.
constexpr size_t scrambler_period = 127;

/*!
 * One period of the sequence of the additive scrambler x^7 + x^4 + 1 of IEEE Std
 * 802.11-2016, 17.3.5.5, from the state of all ones. Bit i of a frame has bit i mod 127
 * added to it; doing it again takes it off.
 */
const uint8_t* scrambler_sequence();

//! Adds the sequence to \p count bits, the first being bit \p position of the frame.
void scramble(uint8_t* bits, size_t count, uint64_t position);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
