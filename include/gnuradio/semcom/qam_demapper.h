/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_QAM_DEMAPPER_H
#define INCLUDED_SEMCOM_QAM_DEMAPPER_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <string>

namespace gr {
namespace semcom {

/*!
 * \brief Turns the detected symbols of K streams into log-likelihood ratios of bits.
 * \ingroup semcom
 *
 * \details
 * For a bit of a Gray-coded symbol x, y = x + n with n complex normal of variance no_eff,
 *
 *     LLR = ln P(bit 0 | y) / P(bit 1 | y)
 *         = ln sum_(x: bit 0) e^(-|y - x|^2 / no_eff)
 *         - ln sum_(x: bit 1) e^(-|y - x|^2 / no_eff)
 *
 * with \p exact; \p max_log keeps the largest term of each sum. The noise is that of each
 * symbol: a symbol in a fade counts less than its neighbours.
 *
 * Input: K streams of complex items in step, each with a tag \p semcom_frame (sequence
 * number . S) on the first item of a frame; input 0 has a tag \p csi on the first item of
 * each frame, with the no_eff of every stream filled in (mimo_detector_cc), of one or
 * more pieces.
 *
 * Output: K streams of float items, b for each symbol of b bits, with tags \p
 * semcom_frame (the same sequence number . S b). No other tag passes. No ratio is larger
 * than 1000.
 *
 * Degenerate input: a symbol of infinite, NaN or negative no_eff, or one that is not
 * finite, has ratios 0. no_eff 0 gives hard decisions, +-1000. A frame
 * without \p csi, or with one of another K, ends the stream with an error (errors.h).
 *
 * A frame is held in memory and sent once it is whole.
 */
class SEMCOM_API qam_demapper : virtual public gr::block
{
public:
    typedef std::shared_ptr<qam_demapper> sptr;

    /*!
     * \param num_tx     K streams, 1 to 8.
     * \param modulation bpsk, qpsk, 16qam, 64qam or 256qam, Gray-coded as in IEEE 802.11.
     * \param method     max_log or exact.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(int num_tx,
                     const std::string& modulation = "qpsk",
                     const std::string& method = "max_log");

    /*!
     * Sets another constellation, from the next frame on.
     * \throws std::invalid_argument if unknown.
     */
    virtual void set_modulation(const std::string& modulation) = 0;

    /*!
     * Sets another method, from the next frame on.
     * \throws std::invalid_argument if unknown.
     */
    virtual void set_method(const std::string& method) = 0;
};

} // namespace semcom
} // namespace gr

#endif
