/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_MIMO_RECEIVER_CC_H
#define INCLUDED_SEMCOM_MIMO_RECEIVER_CC_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <string>
#include <vector>

namespace gr {
namespace semcom {

/*!
 * \brief Estimates the channel from each frame's pilots and separates the K transmitted
 * streams.
 * \ingroup semcom
 *
 * \details
 * This is ls_estimator_cc followed by mimo_detector_cc, with the same results to the last
 * bit, in one block: it saves a copy of the payload, one set of tags for each frame, and a
 * thread. The equations are in the manuals of those blocks.
 *
 * Input: M streams of complex items in step, each with a tag \p semcom_frame (sequence
 * number . length with pilots) on the first item of a frame, laid out as
 * pilot_inserter_cc does; with \p perfect a tag \p csi_true there on input 0.
 *
 * Output: K streams of complex items, the detected payload, with a tag \p semcom_frame
 * (sequence number . payload length) on each. Port 0 has one tag \p csi a frame, on its
 * first symbol: the vector of ls_estimator_cc with no_eff of every piece filled in; none
 * without estimation. No other tag passes. The message port \p csi carries (sequence
 * number . vector) of each frame.
 *
 * Degenerate input: that of both blocks. A pilot, channel or variance that is NaN or
 * infinite, and a channel that is zero or too near to singular, give symbols 0 and no_eff
 * infinite (with the detector \p none the samples of the antennas); a sample that is not
 * finite becomes 0. A frame of a length that the layout cannot have, streams out of step,
 * or, for \p perfect, no \p csi_true tag or one of another M or K, end the stream with an
 * error (errors.h). A frame cut short by the end of the stream is dropped (spaced pilots)
 * or left incomplete.
 *
 * Example, two antennas and two transmitters:
 * \code
 * auto receiver = gr::semcom::mimo_receiver_cc::make(
 *     2, { { 1, 1, 1, 1 }, { 1, -1, 1, -1 } }, "ls", "lmmse");
 * for (int port = 0; port < 2; port++) {
 *     tb->connect(channel, port, receiver, port);
 *     tb->connect(receiver, port, sinks[port], 0);
 * }
 * \endcode
 */
class SEMCOM_API mimo_receiver_cc : virtual public gr::block
{
public:
    typedef std::shared_ptr<mimo_receiver_cc> sptr;

    /*!
     * \param num_rx        M, 1 to 8.
     * \param pilots        K rows of P symbols (1 <= K <= M, P >= K) of full rank.
     * \param csi           Estimation: ls, ls_min_residual, lmmse, perfect or none.
     * \param detector      Detection: zf, lmmse or none; none if \p csi is none.
     * \param spacing       S [symbols], payload between pilot blocks; 0: pilots in front.
     * \param interpolation nearest or linear; used with spaced pilots.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(int num_rx,
                     const std::vector<std::vector<gr_complex>>& pilots,
                     const std::string& csi = "ls",
                     const std::string& detector = "zf",
                     int spacing = 0,
                     const std::string& interpolation = "nearest");

    //! Sets other methods, from the next frame on. \throws std::invalid_argument if one is
    //! unknown or the detector lacks an estimate.
    virtual void set_methods(const std::string& csi, const std::string& detector) = 0;
};

} // namespace semcom
} // namespace gr

#endif
