/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_BITS_TO_FRAMES_H
#define INCLUDED_SEMCOM_BITS_TO_FRAMES_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <string>

namespace gr {
namespace semcom {

/*!
 * \brief Encodes frames of bits as frames of complex symbols.
 * \ingroup semcom
 *
 * \details
 * The transmitter of a classical link. A frame of B payload bits is cut into C blocks of
 * p bits; each gets a cyclic redundancy check (CRC), is scrambled, and encoded with a
 * low-density parity-check (LDPC) code of IEEE 802.11n, shortened to its bits. The
 * coded bits of all blocks, repeated r times, are interleaved over the whole frame and
 * mapped to Gray-coded symbols of b bits and unit average power:
 *
 *     C = ceil(B / (k - crc)),   S = ceil(C (ceil(B / C) + crc + n - k) r / b) symbols
 *
 * with n the coded and k = n rate the information bits of a whole block. The frame is
 * filled up with zeros to the C p bits, p as large as S allows. A receiver with the same
 * arguments finds C and p from S alone: qam_demapper and ldpc_decoder.
 *
 * Input: one stream of bytes, a bit each, of which only the lowest bit counts. With
 * frame_bits = 0 each frame starts with a tag \p semcom_frame, a pair of uint64 (sequence
 * number . B), B at least 1 and of any size, another in each frame. With frame_bits > 0
 * the stream needs no tags: the block cuts it into frames of frame_bits bits and numbers
 * them from 0.
 *
 * Output: one stream of complex items, with a tag \p semcom_frame (the same sequence
 * number . S) on the first symbol of each frame. No other tag passes.
 *
 * A frame is held in memory and sent once it is whole; one cut short by the end of the
 * stream is dropped. A bit outside a frame, or a frame that starts inside another, ends
 * the stream with an error (errors.h).
 *
 * Example, frames of 2000 bits as 16-QAM:
 * \code
 * auto encoder = gr::semcom::bits_to_frames::make("16qam", "1/2", 648, 24, 1, 2000);
 * \endcode
 */
class SEMCOM_API bits_to_frames : virtual public gr::block
{
public:
    typedef std::shared_ptr<bits_to_frames> sptr;

    /*!
     * \param modulation bpsk, qpsk, 16qam, 64qam or 256qam: b = 1, 2, 4, 6, 8.
     * \param rate       k / n: 1/2, 2/3, 3/4 or 5/6.
     * \param length     n [bits]: 648, 1296 or 1944.
     * \param crc        [bits] of a block's check: 16, 24 or 32.
     * \param repetition r: 1, 2, 4 or 8.
     * \param frame_bits B of an untagged input; 0: frames are tagged.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(const std::string& modulation = "qpsk",
                     const std::string& rate = "3/4",
                     int length = 648,
                     int crc = 16,
                     int repetition = 1,
                     int frame_bits = 0);

    /*!
     * Sets another code, from the next frame on; the receiver has to change at the same
     * frame.
     * \throws std::invalid_argument if an argument is out of range.
     */
    virtual void set_code(const std::string& modulation,
                          const std::string& rate,
                          int length,
                          int crc,
                          int repetition) = 0;
};

} // namespace semcom
} // namespace gr

#endif
