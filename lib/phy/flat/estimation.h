/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_ESTIMATION_H
#define INCLUDED_SEMCOM_PHY_ESTIMATION_H

#include "csi.h"
#include "phy/framing.h"
#include <string>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Methods of channel estimation.
enum class estimator_method {
    ls,              //!< least squares over all pilots
    ls_min_residual, //!< least squares over the step of pilots that fits best (eq. 6)
    lmmse,           //!< least squares shrunk towards 0 by the noise
    perfect,         //!< the simulated channel's own truth
    none             //!< nothing
};

//! \throws std::invalid_argument if the name is none of the above.
estimator_method parse_estimator(const std::string& name);

//! Interpolation of the estimates of pilot blocks over the payload between them.
enum class interpolation_method {
    nearest, //!< the pilot block whose centre is nearest, the earlier of two
    linear   //!< on the line between the blocks before and after
};

//! \throws std::invalid_argument if the name is none of the above.
interpolation_method parse_interpolation(const std::string& name);

/*!
 * Estimates an M x K channel from pilots, Y = H X + N.
 *
 * X [K, P] are the pilot rows of the K transmitters, Y [M, P] what M antennas heard.
 *
 * - \p ls: H = Y X^H (X X^H)^-1, noise_var = |Y - H X|^2 / (M (P - K)) (0 for P = K: it
 *   cannot be measured), err_var_k = noise_var [(X X^H)^-1]_kk.
 * - \p ls_min_residual: the pilots are cut in steps of 2K symbols (what is left over
 *   joins the last step); H and err_var are those of the step with the smallest residual
 *   |Y_s - H_s X_s|^2; noise_var is the one of \p ls. Steps whose pilots do not tell the
 *   transmitters apart are passed over.
 * - \p lmmse: entries are CN(0, s2), s2 = max(mean |H_ls|^2 - mean err_var, 0), and
 *   H = Y X^H (X X^H + l I)^-1, err_var_k = noise_var [(X X^H + l I)^-1]_kk with
 *   l = noise_var / s2; s2 = 0 gives H = 0 and err_var = 0.
 *
 * Degenerate input: NaN or infinite pilots in any block give H = 0, infinite variances
 * and SNR 0 in all blocks of the frame. Silent pilots (all 0) give H = 0 and noise_var 0.
 */
class pilot_estimator
{
public:
    //! Received pilots of one block, [M, P].
    using block = Eigen::Matrix<cdouble, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    /*!
     * \param[in] rows K rows of P pilots, K from 1 to 8 and P >= K.
     * \throws std::invalid_argument if the rows differ in length, are not finite, or do
     *         not tell the transmitters apart (rank below K).
     */
    explicit pilot_estimator(const std::vector<std::vector<cfloat>>& rows);

    int num_tx() const { return static_cast<int>(d_pilots.rows()); }
    int num_pilots() const { return static_cast<int>(d_pilots.cols()); }

    /*!
     * Estimates of the pilot blocks of one frame, with noise_var averaged over them.
     *
     * \param[in]  received  \p count blocks, at least one, each [M, P], M from 1 to 8.
     * \param[in]  count     How many.
     * \param[in]  method    ls, ls_min_residual or lmmse.
     * \param[out] estimates One for each block; what memory it has is used again.
     */
    void estimate(const block* received,
                  size_t count,
                  estimator_method method,
                  std::vector<csi>& estimates) const;

private:
    //! A run of pilots from which a channel can be estimated on its own.
    struct segment {
        int first;
        int length;
        block pilots;           // X_s [K, length]
        block inverse;          // X_s^H (X_s X_s^H)^-1 [length, K]
        matrix gram;            // X_s X_s^H
        real_vector error_gain; // diagonal of its inverse
    };

    block d_pilots;
    segment d_all;
    std::vector<segment> d_steps;

    bool add_segment(int first, int length, segment& target) const;
    const segment& best_step(const block& received) const;
    void shrink(csi& value) const;
    void finish(csi& value,
                double noise_var,
                const segment& used,
                estimator_method method) const;
};

/*!
 * Spreads the estimates of a frame's pilot blocks over its payload: the channel is held
 * over runs of 8 payload symbols (counted from the first symbol of each payload block),
 * evaluated at the run's centre. A piece for each run (\p linear), or for each run whose
 * nearest block is not that of the run before (\p nearest).
 *
 * Linear interpolation with weight w gives H = (1 - w) H_0 + w H_1 and
 * err_var = (1 - w)^2 err_0 + w^2 err_1.
 */
packed_csi interpolate(const std::vector<csi>& blocks,
                       const frame_layout& layout,
                       uint64_t payload,
                       interpolation_method method);

/*!
 * The truth of a frame, whose pieces count the symbols of pilots too, as it holds for the
 * payload.
 */
packed_csi
at_payload(const packed_csi& truth, const frame_layout& layout, uint64_t payload);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
