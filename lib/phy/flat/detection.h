/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_DETECTION_H
#define INCLUDED_SEMCOM_PHY_DETECTION_H

#include "csi.h"
#include <string>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Linear detectors.
enum class detector_method {
    zf,    //!< zero forcing
    lmmse, //!< linear minimum mean square error, unbiased
    none   //!< stream k is antenna k
};

//! \throws std::invalid_argument if the name is none of the above.
detector_method parse_detector(const std::string& name);

/*!
 * A linear detector for one channel, x = W y.
 *
 * With S = noise_var + sum_k err_var_k, noise and estimation error together at each
 * antenna:
 *
 * - \p zf: W = (H^H H)^-1 H^H, no_eff_k = S [W W^H]_kk.
 * - \p lmmse: G = (H^H H + S I)^-1 H^H, W = diag(G H)^-1 G,
 *   no_eff_k = 1 / (G H)_kk - 1: the mean of x_k is the symbol sent.
 * - \p none: x_k = y_k, no_eff_k = noise_var.
 *
 * Degenerate input, for zf and lmmse: a NaN or infinite H or variance, a zero H, or a
 * matrix too near to a singular one (smallest over largest singular value below 1e-6, of
 * H for zf and of [H; sqrt(S) I] for lmmse) gives x = 0 and no_eff infinite for all
 * streams. With lmmse a column of zeros does so for its own stream only.
 */
class linear_detector
{
public:
    //! \param[in] value Channel state; its no_eff is not read.
    linear_detector(const csi& value, detector_method method);

    //! [K] noise variance of each detected stream.
    const real_vector& no_eff() const { return d_no_eff; }

    //! W, K rows of M; zero for \p none.
    const cfloat* matrix_rows() const { return d_weights.data(); }

    /*!
     * Detects \p count symbols of each stream. A sample that is not finite becomes 0.
     *
     * \param[in]  in  M streams.
     * \param[out] out K streams.
     */
    void apply(const cfloat* const* in, cfloat* const* out, size_t count) const;

private:
    using weights = Eigen::Matrix<cfloat,
                                  Eigen::Dynamic,
                                  Eigen::Dynamic,
                                  Eigen::RowMajor,
                                  max_streams,
                                  max_streams>;

    detector_method d_method;
    weights d_weights; // [K, M]
    real_vector d_no_eff;
};

/*!
 * Linear detectors for the pieces of a frame, each used for its symbols: the streams have
 * the noise of each symbol, no_eff [K, n], which is that of linear_detector for its
 * piece.
 */
class frame_detector
{
public:
    /*!
     * Another frame; the memory of the one before is used again.
     *
     * \param[in,out] value  Channel state; no_eff of each piece is written.
     */
    void set(packed_csi& value, detector_method method);

    /*!
     * Detects \p count symbols of each stream, the first being symbol \p first of the
     * frame. A sample that is not finite becomes 0.
     *
     * \param[in]  in  M streams.
     * \param[out] out K streams.
     */
    void apply(const cfloat* const* in,
               cfloat* const* out,
               uint64_t first,
               size_t count) const;

private:
    detector_method d_method = detector_method::none;
    int d_num_rx = 0, d_num_tx = 0;
    std::vector<uint64_t> d_end;    // of each piece; none of the last
    std::vector<cdouble> d_h;       // [R, M, K]
    std::vector<double> d_variance; // [R] at each antenna
    std::vector<cfloat> d_weights;  // [R, K, M]
    std::vector<double> d_no_eff;   // [R, K]
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
