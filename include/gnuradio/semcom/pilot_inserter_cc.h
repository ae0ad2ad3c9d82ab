/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PILOT_INSERTER_CC_H
#define INCLUDED_SEMCOM_PILOT_INSERTER_CC_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <vector>

namespace gr {
namespace semcom {

/*!
 * \brief Puts known symbols (pilots) into each frame of one transmitter.
 * \ingroup semcom
 *
 * \details
 * The receiver learns the channel from symbols it knows. Each transmitter sends its own
 * row of P pilots at the same time as the others; the rows are orthogonal, so the
 * receiver can tell the transmitters apart (ls_estimator_cc).
 *
 * A frame of n payload symbols becomes, with spacing S = 0,
 *
 *     [ P pilots | n payload symbols ]
 *
 * and with S > 0, for channels that change within a frame,
 *
 *     [ P | S payload | P | S payload | ... | P | rest | P ]
 *
 * with a pilot block before the payload and after each of its ceil(n / S) pieces. Symbols
 * pass unchanged: pilots of another power than the payload's are rows of that power.
 *
 * Input: one stream of complex items. With frame_length = 0 each frame starts with a tag
 * \p semcom_frame, a pair of uint64 (sequence number . n); n is at least 1. With
 * frame_length > 0 tags have no effect: the block cuts the stream into frames of
 * frame_length items and numbers them from 0.
 *
 * Output: one stream of complex items, with a tag \p semcom_frame (the same sequence
 * number . length with pilots) on the first pilot of each frame. No other tag passes.
 *
 * A frame is held in memory and sent once it is whole. So it may be longer than any
 * buffer, and a transmitter that also feeds another link is not stopped half-way through
 * a frame by a receiver that waits for the other transmitter. A frame cut short by the
 * end of the stream is dropped. An item outside a frame, or a frame that starts inside
 * another, ends the stream with an error (errors.h). Each start() begins with a new
 * frame, numbered 0 if the block numbers them.
 *
 * Example, two terminals with two orthogonal rows of four pilots:
 * \code
 * auto audio = gr::semcom::pilot_inserter_cc::make({ 1, 1, 1, 1 });
 * auto video = gr::semcom::pilot_inserter_cc::make({ 1, -1, 1, -1 });
 * \endcode
 */
class SEMCOM_API pilot_inserter_cc : virtual public gr::block
{
public:
    typedef std::shared_ptr<pilot_inserter_cc> sptr;

    /*!
     * \param pilots       This transmitter's row, at least one symbol, finite.
     * \param spacing      S [symbols], payload between pilot blocks; 0: pilots in front.
     * \param frame_length n [symbols] of an untagged input; 0: frames are tagged.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr
    make(const std::vector<gr_complex>& pilots, int spacing = 0, int frame_length = 0);
};

} // namespace semcom
} // namespace gr

#endif
