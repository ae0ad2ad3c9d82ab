/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_BURST_H
#define INCLUDED_SEMCOM_PHY_BURST_H

#include "framing.h"
#include "types.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Symbols of the Zadoff-Chu sequence that a preamble repeats.
constexpr int preamble_period = 11;

//! Preambles that exist: audio terminal, video terminal, feedback link.
constexpr int num_preambles = 3;

//! Repetitions for which the preambles' signs were chosen, and the most there can be.
constexpr int max_preamble_repeats = 23;

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
 *   normalised correlation (sync.h) of a burst with its own preamble elsewhere is below
 *   0.18, and with another one below 0.054, less than any useful threshold: one user's
 *   preamble is never taken for the other's, at any ratio of their powers.
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

//! What a header says.
struct frame_header {
    uint32_t frame = 0;   //!< sequence number
    uint8_t terminal = 0; //!< who sends
    uint16_t length = 0;  //!< [symbols] of the payload
    uint8_t system = 0;   //!< which semantic system
};

//! Symbols of a header sent once.
constexpr int header_symbols = 86;

/*!
 * Encodes a header: 64 bits and their CRC-16 (polynomial 0x1021, from 0xffff), the
 * convolutional code (133, 171) of constraint length 7 and rate 1/2 with 6 zeros at its
 * end, 172 bits, scrambled, interleaved by steps of 61, QPSK. Each repetition starts
 * elsewhere in the interleaver.
 *
 * Header error rate, measured over AWGN with ideal synchronisation, Es / N0 after
 * combining the antennas (tests/cpp/test_burst.cc):
 *
 *   Es / N0 + 10 lg(repeats)   1 dB    2 dB    3 dB    4 dB
 *   header error rate          0.23    0.046   5e-3    3e-4
 *
 * Four repetitions so reach 5e-3 at -3 dB. The rate of wrong headers with a right CRC is
 * 2^-16 of it.
 *
 * \param repeats 1 to 8.
 * \return 86 repeats symbols of unit modulus.
 * \throws std::invalid_argument with the argument at fault.
 */
std::vector<cfloat> encode_header(const frame_header& header, int repeats);

//! A header received: \p ok says that its CRC fits, and only then \p value means
//! anything.
struct decoded_header {
    bool ok = false;
    frame_header value;
};

/*!
 * Decodes a header, soft, by Viterbi's algorithm.
 *
 * Degenerate input: anything NaN or infinite, or zeros only, is not ok. Noise alone is ok
 * with probability 2^-16.
 *
 * \param symbols 86 repeats symbols of equal noise variance, at any positive scale.
 * \param repeats 1 to 8.
 * \throws std::invalid_argument with the argument at fault.
 */
decoded_header decode_header(const cfloat* symbols, int repeats);

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
 * Bodies are sent at the same time.
 */
struct burst_layout {
    int users = 2;                               //!< K, heads in a row, 1 to 3
    int first_code = 0;                          //!< preamble of user 0; user k has + k
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
 * \param payload 1 to 65535 symbols of unit mean power.
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
