/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "detection.h"
#include "vector_ops.h"
#include <Eigen/QR>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr double smallest_condition = 1e-6;
constexpr double infinity = std::numeric_limits<double>::infinity();

//! [H; sqrt(S) I]: its pseudo-inverse's first M columns are (H^H H + S I)^-1 H^H.
using stacked = Eigen::
    Matrix<cdouble, Eigen::Dynamic, Eigen::Dynamic, 0, 2 * max_streams, max_streams>;

//! The pseudo-inverse of a tall matrix [rows, K], or an empty one if it has none.
stacked pseudo_inverse(const stacked& a)
{
    const auto rows = a.rows(), cols = a.cols();
    const Eigen::HouseholderQR<stacked> qr(a);
    stacked q = stacked::Identity(rows, cols);
    q.applyOnTheLeft(qr.householderQ());
    Eigen::
        Matrix<cdouble, Eigen::Dynamic, Eigen::Dynamic, 0, max_streams, 2 * max_streams>
            inverse = q.adjoint();
    qr.matrixQR().topRows(cols).triangularView<Eigen::Upper>().solveInPlace(inverse);
    const double condition = 1.0 / (a.norm() * inverse.norm());
    if (!(condition >= smallest_condition))
        return stacked(0, 0);
    return inverse.adjoint();
}

} // namespace

detector_method parse_detector(const std::string& name)
{
    if (name == "zf")
        return detector_method::zf;
    if (name == "lmmse")
        return detector_method::lmmse;
    if (name == "none")
        return detector_method::none;
    throw std::invalid_argument("method: '" + name +
                                "' is no detector; choose zf, lmmse or none");
}

linear_detector::linear_detector(const csi& value, detector_method method)
    : d_weights(weights::Zero(value.num_tx(), value.num_rx())),
      d_no_eff(real_vector::Constant(value.num_tx(), infinity))
{
    if (method == detector_method::none) {
        use_antennas(value);
        return;
    }
    const double variance = value.noise_var + value.err_var.sum();
    if (std::isfinite(variance) && variance >= 0.0 && value.h.allFinite())
        use_inverse(value, variance, method);
}

void linear_detector::use_antennas(const csi& value)
{
    d_weights.setIdentity();
    d_no_eff.setConstant(std::isnan(value.noise_var) ? infinity : value.noise_var);
}

void linear_detector::use_inverse(const csi& value,
                                  double variance,
                                  detector_method method)
{
    const int m = value.num_rx(), k = value.num_tx();
    const bool lmmse = method == detector_method::lmmse;
    stacked a = stacked::Zero(lmmse ? m + k : m, k);
    a.topRows(m) = value.h;
    if (lmmse)
        a.bottomRows(k).diagonal().setConstant(std::sqrt(variance));
    const stacked inverse = pseudo_inverse(a);
    if (inverse.size() == 0)
        return;
    for (int i = 0; i < k; i++) {
        auto row = inverse.col(i).head(m).adjoint(); // of G for lmmse, of W for zf
        double gain = 1.0, no_eff = variance * row.squaredNorm();
        if (lmmse) {
            gain = std::real((row * value.h.col(i)).value());
            no_eff = std::max(0.0, 1.0 / gain - 1.0);
        }
        if (!(gain > 0.0) || !std::isfinite(no_eff))
            continue;
        d_weights.row(i) = (row / gain).cast<cfloat>();
        d_no_eff[i] = no_eff;
    }
}

void linear_detector::apply(const cfloat* const* in,
                            cfloat* const* out,
                            size_t count) const
{
    for (int k = 0; k < d_weights.rows(); k++) {
        weighted_sum(in, &d_weights(k, 0), d_weights.cols(), out[k], count);
        zero_non_finite(out[k], count);
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
