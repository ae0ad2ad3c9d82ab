/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_PREAMBLE_H
#define INCLUDED_SEMCOM_PHY_PREAMBLE_H

#include "phy/types.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Symbols of the Zadoff-Chu sequence that a preamble repeats.
constexpr int preamble_period = 11;

//! Repetitions for which the preambles' signs were chosen, and the most there can be.
constexpr int max_preamble_repeats = 23;

/*!
 * Whose preamble is which. Each link has a family of codes in a row, so that a receiver
 * of one link never answers to bursts of another:
 *
 *   codes   link      who sends
 *   0 to 5  uplink    terminals, user k with code k
 *   6 to 8  sidelink  terminals that other terminals hear; the first has code 6
 *   9       return    the receiver
 *
 * There are ten because the roots of a Zadoff-Chu sequence of length 11 are 1 to 10: two
 * preambles of one root would be too much alike.
 */
constexpr int num_preambles = 10, uplink_code = 0, sidelink_code = 6, return_code = 9;

//! The last code of the family that \p code (0 to 9) belongs to.
constexpr int last_of_family(int code)
{
    return code < sidelink_code ? sidelink_code - 1
           : code < return_code ? return_code - 1
                                : num_preambles - 1;
}

/*!
 * A preamble: a Zadoff-Chu sequence of length L = 11, repeated under binary signs,
 *
 *   a[r L + i] = c_k[r] exp(-j pi u_k i (i + 1) / L),   r < repeats, i < L.
 *
 * - All symbols have unit modulus.
 * - The sums over consecutive repetitions differ in phase by 2 pi L f for a carrier
 *   frequency offset f, unambiguous for |f| < 1 / (2 L) = 0.045 cycles per symbol
 *   (45 kHz at 1 Msym/s), over twice the 20 kHz asked for; and a sum over one
 *   repetition loses only 0.7 dB at 20 kHz (0.2 dB at 10 kHz). A prime of 23 would just
 *   reach 21.7 kHz and lose 3.3 dB; one long Zadoff-Chu sequence would take a frequency
 *   offset for a delay.
 * - Signs c_k and roots u_k come from a random search: with 23 repetitions, for all
 *   delays, partial overlaps and offsets up to 20 kHz (of signal and of hypothesis), the
 *   normalised correlation (preamble_detector.h) of a burst with its own preamble
 *   elsewhere is below 0.18, and with any other one below 0.054, less than any useful
 *   threshold: one user's preamble is never taken for another's, at any ratio of their
 *   powers.
 *
 * Source: Chu, "Polyphase codes with good periodic correlation properties", IEEE Trans.
 * Inf. Theory 18(4), 1972.
 *
 * \param code    0 to num_preambles - 1.
 * \param repeats 5 to max_preamble_repeats.
 * \return repeats L symbols.
 * \throws std::invalid_argument with the argument at fault.
 */
std::vector<cfloat> make_preamble(int code, int repeats = max_preamble_repeats);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
