/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_MIMO_DETECTOR_CC_H
#define INCLUDED_SEMCOM_MIMO_DETECTOR_CC_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <string>

namespace gr {
namespace semcom {

/*!
 * \brief Separates K transmitted streams from M antennas with the channel estimate.
 * \ingroup semcom
 *
 * \details
 * With y = H x + n and S = noise_var + sum_k err_var_k (noise and estimation error):
 *
 * - \p zf: x = (H^H H)^-1 H^H y (Yu et al. 2024, eq. 7), no_eff_k = S [(H^H H)^-1]_kk.
 * - \p lmmse, unbiased: G = (H^H H + S I)^-1 H^H, x_k = [G y]_k / [G H]_kk,
 *   no_eff_k = 1 / [G H]_kk - 1.
 * - \p none: stream k is antenna k, no_eff_k = noise_var.
 *
 * no_eff_k is the variance of noise and interference in stream k, for symbols of unit
 * average power.
 * Where the channel state changes within a frame, each piece has its own W and no_eff.
 *
 * Input: M streams of complex items in step, each with a tag \p semcom_frame (sequence
 * number . length) on the first item of a frame; input 0 has a tag \p csi (the vector of
 * ls_estimator_cc, of one or more pieces) on the first item of each frame. The method
 * \p none works without \p csi.
 *
 * Output: K streams of complex items with the same \p semcom_frame tags; port 0 has the
 * \p csi tags with no_eff of every piece filled in. No other tag passes. A decoder that
 * needs the noise of each symbol, [K, n], repeats the (imaginary part) no_eff_k of piece
 * r over the symbols first_r to first_(r+1) - 1: expand_no_eff() of semcom.phy.csi in
 * Python.
 *
 * Degenerate input: with a NaN or infinite channel or variance, a zero channel, or one
 * too near to singular (smallest over largest singular value below 1e-6, for \p lmmse
 * those of [H; sqrt(S) I]), all streams are 0 and all no_eff infinite over that piece;
 * with \p lmmse a transmitter with a zero channel loses only its own stream. A
 * sample that is not finite becomes 0. A frame without \p csi, a \p csi inside a frame,
 * of another M or K, or with pieces out of order, and streams out of step end the stream
 * with an error (errors.h).
 *
 * The zero-forcing equation is that of Yu et al., "Pilot-guided Multimodal
 * Semantic Communication for Audio-Visual Event Localization", arXiv:2412.06208.
 *
 * Example:
 * \code
 * auto detector = gr::semcom::mimo_detector_cc::make(2, 2, "lmmse");
 * tb->connect(estimator, 0, detector, 0);
 * tb->connect(estimator, 1, detector, 1);
 * \endcode
 */
class SEMCOM_API mimo_detector_cc : virtual public gr::block
{
public:
    typedef std::shared_ptr<mimo_detector_cc> sptr;

    /*!
     * \param num_rx M antennas.
     * \param num_tx K transmitters, 1 <= K <= M <= 8.
     * \param method zf, lmmse or none.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(int num_rx, int num_tx, const std::string& method = "zf");

    /*!
     * Sets the method, from the next \p csi tag on; \p none from the next frame on. An
     * estimator before it may thus be changed to and from its own \p none right after.
     * \throws std::invalid_argument if unknown.
     */
    virtual void set_method(const std::string& method) = 0;
};

} // namespace semcom
} // namespace gr

#endif
