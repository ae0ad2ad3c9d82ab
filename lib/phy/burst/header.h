/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_HEADER_H
#define INCLUDED_SEMCOM_PHY_HEADER_H

#include "synchroniser.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! The fields of a burst's header, apart from its version.
struct frame_header {
    uint32_t frame = 0;     //!< sequence number
    uint8_t terminal = 0;   //!< who sends
    uint32_t length = 0;    //!< [symbols] of the payload of this burst, 1 or more
    uint8_t system = 0;     //!< which semantic system, by its stable number
    uint16_t fragment = 0;  //!< which part of the frame this burst carries, from 0
    uint16_t fragments = 1; //!< parts that the frame has, 1 or more
    uint8_t attempt = 0;    //!< 0: sent for the first time

    //! True if it can be: a payload, and a part that the frame has.
    bool possible() const { return length > 0 && fragment < fragments; }
};

//! Version of the header that is sent.
constexpr int header_version = 2;

//! Symbols of a header sent once.
constexpr int header_symbols = 150;

/*!
 * Encodes a header of version 2. Its 144 bits, the highest bit of each field first, are
 *
 *   version 8 | system 8 | terminal 8 | attempt 8 | frame 32
 *   | fragment 16 | fragments 16 | length 32 | CRC 16
 *
 * with the CRC of polynomial 0x1021 from 0xffff over all before. They are coded as
 * code_header() says.
 *
 * Versions: a later one keeps these 150 symbols, their code, the CRC's place and the 8
 * bits of the version in front, and may change all else and append more symbols; this
 * receiver then tells which version it heard. Version 1 had no version: 64 bits and their
 * CRC in 86 symbols of the same code, which are looked for as well.
 *
 * Header error rate, measured over AWGN with ideal synchronisation, Es / N0 after
 * combining the antennas (tests/cpp/test_header.cc):
 *
 *   Es / N0 + 10 lg(repeats)   1 dB    2 dB    3 dB    4 dB
 *   header error rate          0.39    0.083   9e-3    5e-4
 *
 * The rate of wrong headers with a right CRC is 2^-16 of it.
 *
 * \param repeats 1 to 8.
 * \return 150 repeats symbols of unit modulus.
 * \throws std::invalid_argument with the argument at fault.
 */
std::vector<cfloat> encode_header(const frame_header& header, int repeats);

/*!
 * The symbols of a header of any version: \p bits (the last 16 their CRC), the
 * convolutional code (133, 171) of constraint length 7 and rate 1/2 with 6 zeros at its
 * end, scrambled, interleaved by steps of 61, QPSK. Each repetition starts 37 bits
 * further in the interleaver.
 *
 * \param bits    0 or 1 each; n of them give n + 6 symbols.
 * \param repeats 1 to 8.
 * \return (n + 6) repeats symbols of unit modulus.
 * \throws std::invalid_argument if repeats is out of range.
 */
std::vector<cfloat> code_header(const std::vector<uint8_t>& bits, int repeats);

//! A header received.
struct decoded_header {
    bool ok = false;           //!< \p value means something
    int version = 0;           //!< of the header whose CRC fits; 0: none does
    frame_header value;        //!< if ok, which is so for version 2 alone
    std::vector<uint8_t> bits; //!< as code_header() takes them, unless version is 0
};

/*!
 * Decodes a header of version 2 or later, soft, by Viterbi's algorithm.
 *
 * Degenerate input: anything NaN or infinite, or zeros only, has version 0; so has a
 * header of version 2 that is not possible(). Noise alone passes the CRC with probability
 * 2^-16.
 *
 * \param symbols 150 repeats symbols of equal noise variance, at any positive scale.
 * \param repeats 1 to 8.
 * \throws std::invalid_argument with the argument at fault.
 */
decoded_header decode_header(const cfloat* symbols, int repeats);

/*!
 * Decodes a header whose frequency is that of the preamble alone: at found.cfo, then at 1
 * and 2 standard deviations to either side, until a CRC fits; as decode_header() and, if
 * that fails, as version 1 in the first 86 repeats symbols.
 *
 * The error of found.cfo turns the end of a header by some 30 degrees at -5 dB, so that
 * over AWGN, at an Es / N0 of -2.5 dB after combining and 4 repetitions, 508 of 600
 * headers are read without and 599 with the other frequencies.
 * Noise alone is taken for a header with probability 10 * 2^-16; burst_receiver therefore
 * also asks whether the symbols fit.
 *
 * Degenerate input: as decode_header(), and version 0 if nothing was found.
 *
 * \param symbols 150 repeats symbols as combine() gives them.
 * \param repeats 1 to 8.
 * \param first   [symbols] from the first known symbol to the header's first.
 * \throws std::invalid_argument with the argument at fault.
 */
decoded_header read_header(const cfloat* symbols,
                           int repeats,
                           const synchronisation& found,
                           size_t first);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
