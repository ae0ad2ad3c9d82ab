/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_LDPC_DECODER_H
#define INCLUDED_SEMCOM_LDPC_DECODER_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <cstdint>
#include <string>

namespace gr {
namespace semcom {

//! Counts of a decoder since the flowgraph started.
struct decoder_counts {
    uint64_t frames = 0;        //!< decoded frames
    uint64_t failed_frames = 0; //!< frames with a block that failed
    uint64_t blocks = 0;        //!< blocks of all frames
    uint64_t failed_blocks = 0; //!< blocks whose parities or CRC did not hold
};

/*!
 * \brief Decodes frames of log-likelihood ratios to frames of payload bits.
 * \ingroup semcom
 *
 * \details
 * The receiver's end of bits_to_frames, after qam_demapper: deinterleaves, adds up the
 * repetitions, decodes each block of the LDPC code of IEEE 802.11n with layered
 * normalised min-sum, descrambles, and checks the CRC.
 *
 * Input: one stream of float items, ln P(bit 0) / P(bit 1), with a tag \p semcom_frame
 * (sequence number . S b) on the first item of a frame of S symbols of b bits.
 *
 * Output: one stream of bytes, a bit each, with a tag \p semcom_frame (the same sequence
 * number . C p) on the first bit of each frame: C blocks of p bits, which follow from S,
 * with the sender's padding zeros at the end. A tag \p semcom_blocks, a u8vector [C], is
 * on the same bit: 1 for each block whose parities and CRC hold, 0 for the others. The
 * bits of a block that failed are the decoder's decisions, and 0 where all ratios were 0.
 *
 * Message port \p blocks: (sequence number . u8vector) of each frame, the same.
 *
 * A frame of a length that bits_to_frames with these arguments never makes ends the
 * stream with an error (errors.h).
 */
class SEMCOM_API ldpc_decoder : virtual public gr::block
{
public:
    typedef std::shared_ptr<ldpc_decoder> sptr;

    /*!
     * \param modulation, rate, length, crc, repetition Those of bits_to_frames.
     * \param iterations Most iterations of the LDPC decoder, at least 1.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(const std::string& modulation = "qpsk",
                     const std::string& rate = "3/4",
                     int length = 648,
                     int crc = 16,
                     int repetition = 1,
                     int iterations = 20);

    /*!
     * Sets another code, from the next frame on.
     * \throws std::invalid_argument if an argument is out of range.
     */
    virtual void set_code(const std::string& modulation,
                          const std::string& rate,
                          int length,
                          int crc,
                          int repetition) = 0;

    //! Counts since the start.
    virtual decoder_counts counts() const = 0;
};

} // namespace semcom
} // namespace gr

#endif
