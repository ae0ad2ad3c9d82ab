/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_LS_ESTIMATOR_CC_H
#define INCLUDED_SEMCOM_LS_ESTIMATOR_CC_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <string>
#include <vector>

namespace gr {
namespace semcom {

/*!
 * \brief Estimates the channel from each frame's pilots and removes the pilots.
 * \ingroup semcom
 *
 * \details
 * K transmitters send the pilot rows X [K, P] at once, M antennas receive
 *
 *     Y = H X + N,    N ~ CN(0, noise_var) at each antenna,
 *
 * and each entry of column k of the estimate has an error of variance err_var_k.
 * Methods:
 *
 * - \p ls: H = Y X^H (X X^H)^-1, the least-squares estimate (Yu et al. 2024, eq. 5). The noise
 *   variance is |Y - H X|^2 / (M (P - K)); with P = K it cannot be measured and is 0.
 *   err_var_k = noise_var [(X X^H)^-1]_kk.
 * - \p ls_min_residual: the choice of Yu et al. 2024 (eq. 6): the pilots are cut in steps of 2K
 *   symbols and the step with the smallest residual |Y_s - H_s X_s|^2 gives H and, with
 *   the noise variance of \p ls, err_var. (Steps of K symbols would all fit exactly.)
 * - \p lmmse: entries of H are taken as CN(0, s2) with s2 = max(mean |H_ls|^2 -
 *   mean err_var, 0), so H = Y X^H A and err_var_k = noise_var A_kk with
 *   A = (X X^H + (noise_var / s2) I)^-1; s2 = 0 gives H = 0 and err_var = 0.
 * - \p perfect: the simulated channel's truth (tag \p csi_true on a frame's first item
 *   of input 0, as mimo_channel_cc puts it; its pieces count items, pilots too).
 * - \p none: the pilots are removed, nothing is estimated.
 *
 * With spaced pilots there is one estimate for each pilot block, one noise variance for
 * the frame (their mean), and the channel of the payload is interpolated: \p nearest
 * (the block with the nearest centre, the earlier of two) or \p linear, evaluated at the
 * centre of each run of 8 payload symbols. A frame with spaced pilots leaves the block
 * when its last pilots have come: it is held in memory that long.
 *
 * Input: M streams of complex items in step, each with a tag \p semcom_frame (sequence
 * number . length with pilots) on the first item of a frame, laid out as
 * pilot_inserter_cc does.
 *
 * Output: M streams of complex items, the payload, with a tag \p semcom_frame (sequence
 * number . payload length) on each. Port 0 has one tag \p csi a frame, on its first
 * payload symbol: a complex vector with the channel state of the frame, piece by piece,
 *
 *     [ (M, K), (noise_var, snr), state of piece 0,
 *       (first_1), state of piece 1, (first_2), state of piece 2, ... ]
 *
 * A state is [ (err_var_k, no_eff_k) for each k, H row by row ], K + M K elements. Piece
 * r holds from payload symbol first_r on (piece 0 from symbol 0 on), up to the next piece
 * or the frame's end; first_r is written (first_r mod 2^20, first_r / 2^20). R pieces
 * take 1 + R (1 + K + M K) elements. There is one piece with pilots in front only; with
 * spaced pilots one wherever the estimate changes (\p nearest) or for each run (\p
 * linear); with \p perfect one wherever the truth does. no_eff is 0 until the detector
 * writes it, and snr = max(0, mean |h|^2 - mean err_var) / noise_var [linear] is that of
 * piece 0, a mean over the M K paths (infinite if noise_var is 0). The message port \p
 * csi carries (sequence number . vector) of each frame.
 *
 * Degenerate input: a NaN or infinite pilot gives H = 0, infinite variances and SNR 0 for
 * its frame; silent pilots give H = 0 and SNR 0. A frame of a length that the layout
 * cannot have, streams out of step, or, for \p perfect, no \p csi_true tag or one of
 * another M or K, end the stream with an error (errors.h). A frame cut short by the end of
 * the stream is dropped (spaced pilots) or left incomplete.
 *
 * The method is that of Yu et al., "Pilot-guided Multimodal Semantic
 * Communication for Audio-Visual Event Localization", arXiv:2412.06208.
 *
 * Example, two antennas and two transmitters:
 * \code
 * auto estimator =
 *     gr::semcom::ls_estimator_cc::make(2, { { 1, 1, 1, 1 }, { 1, -1, 1, -1 } });
 * for (int antenna = 0; antenna < 2; antenna++) {
 *     tb->connect(channel, antenna, estimator, antenna);
 *     tb->connect(estimator, antenna, detector, antenna);
 * }
 * \endcode
 */
class SEMCOM_API ls_estimator_cc : virtual public gr::block
{
public:
    typedef std::shared_ptr<ls_estimator_cc> sptr;

    /*!
     * \param num_rx        M, 1 to 8.
     * \param pilots        K rows of P symbols (K from 1 to 8, P >= K) of full rank.
     * \param method        ls, ls_min_residual, lmmse, perfect or none.
     * \param spacing       S [symbols], payload between pilot blocks; 0: pilots in front.
     * \param interpolation nearest or linear; used with spaced pilots.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(int num_rx,
                     const std::vector<std::vector<gr_complex>>& pilots,
                     const std::string& method = "ls",
                     int spacing = 0,
                     const std::string& interpolation = "nearest");

    //! Sets another method, from the next frame on. \throws std::invalid_argument if
    //! unknown.
    virtual void set_method(const std::string& method) = 0;
};

} // namespace semcom
} // namespace gr

#endif
