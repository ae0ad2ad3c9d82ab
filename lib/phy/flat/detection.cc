/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "detection.h"
#include "phy/vector_ops.h"
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Of H^H H; H itself has the root of it.
constexpr double smallest_condition = 1e-12;

//! H of two antennas and two transmitters, the commonest: its size is known when
//! compiled.
using matrix_2x2 = Eigen::Matrix<cdouble, 2, 2, Eigen::RowMajor>;

//! True if the smallest eigenvalue of \p gram is at least 1e-12 of the largest.
template <typename Matrix>
bool well_conditioned(const Matrix& gram, const Matrix& inverse)
{
    // The Frobenius norms bound it within a factor of K, and nearly always decide.
    const double bound = 1.0 / (gram.norm() * inverse.norm());
    if (bound >= smallest_condition)
        return true;
    if (!(bound * gram.cols() >= smallest_condition))
        return false;
    const auto values = Eigen::SelfAdjointEigenSolver<matrix>(matrix(gram)).eigenvalues();
    return values[0] >= smallest_condition * values[gram.cols() - 1];
}

matrix_2x2 invert(const matrix_2x2& gram) { return Eigen::Matrix2cd(gram).inverse(); }

matrix invert(const matrix& gram)
{
    if (gram.cols() == 2)
        return Eigen::Matrix2cd(gram).inverse();
    return gram.inverse();
}

/*!
 * H^H H + S I. In double precision its inverse is off by 1e-16 times the squared
 * condition number of H, which up to 1e6 is less than what rounding H to float does.
 */
template <typename Matrix>
Matrix loaded_gram(const Matrix& h, double variance)
{
    Matrix gram = h.adjoint().lazyProduct(h);
    // A transmitter that is not heard is lost anyway: any number of the others' size will
    // do to keep the matrix regular.
    const double mean = gram.trace().real() / h.cols();
    for (int k = 0; k < h.cols(); k++)
        gram(k, k) += gram(k, k) == 0.0 ? mean : variance;
    return gram;
}

//! x = W y, W \p num_tx rows of \p num_rx; for \p none x_k = y_k.
void detect(detector_method method,
            const cfloat* weights,
            int num_tx,
            int num_rx,
            const cfloat* const* in,
            cfloat* const* out,
            size_t count)
{
    if (method != detector_method::none &&
        weighted_sums(in, weights, num_rx, out, num_tx, count))
        return;
    for (int k = 0; k < num_tx; k++) {
        if (method == detector_method::none) // a copy is not looked at before
            std::copy_n(in[k], count, out[k]);
        zero_non_finite(out[k], count);
    }
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
    : d_method(method),
      d_weights(weights::Zero(value.num_tx(), value.num_rx())),
      d_no_eff(real_vector::Constant(value.num_tx(), infinity))
{
    if (method == detector_method::none) {
        d_no_eff.setConstant(std::isnan(value.noise_var) ? infinity : value.noise_var);
        return;
    }
    const double variance = value.noise_var + value.err_var.sum();
    if (std::isfinite(variance) && variance >= 0.0 && value.h.allFinite())
        value.h.rows() == 2 && value.h.cols() == 2
            ? use_inverse(matrix_2x2(value.h), variance, method)
            : use_inverse(value.h, variance, method);
}

template <typename Matrix>
void linear_detector::use_inverse(const Matrix& h,
                                  double variance,
                                  detector_method method)
{
    const bool lmmse = method == detector_method::lmmse;
    const Matrix gram =
        lmmse ? loaded_gram(h, variance) : Matrix(h.adjoint().lazyProduct(h));
    const Matrix inverse = invert(gram);
    if (!well_conditioned(gram, inverse))
        return;
    const Matrix filter = inverse.lazyProduct(h.adjoint()); // G for lmmse, W for zf
    for (int i = 0; i < h.cols(); i++) {
        const auto row = filter.row(i);
        double gain = 1.0, no_eff = variance * row.squaredNorm();
        if (lmmse) {
            gain = std::real((row * h.col(i)).value());
            no_eff = std::max(0.0, 1.0 / gain - 1.0);
        }
        const weights row_weights = (row / gain).template cast<cfloat>();
        if (!(gain > 0.0) || !std::isfinite(no_eff) || !row_weights.allFinite())
            continue;
        d_weights.row(i) = row_weights;
        d_no_eff[i] = no_eff;
    }
}

void linear_detector::apply(const cfloat* const* in,
                            cfloat* const* out,
                            size_t count) const
{
    detect(d_method, matrix_rows(), d_weights.rows(), d_weights.cols(), in, out, count);
}

void frame_detector::set(packed_csi& value, detector_method method)
{
    d_method = method;
    d_num_rx = value.num_rx();
    d_num_tx = value.num_tx();
    d_first.clear();
    d_weights.clear();
    for (size_t r = 0; r < value.pieces(); r++) {
        const linear_detector detector(value.state(r), method);
        value.set_no_eff(r, detector.no_eff());
        d_first.push_back(value.first(r));
        d_weights.insert(d_weights.end(),
                         detector.matrix_rows(),
                         detector.matrix_rows() + d_num_tx * d_num_rx);
    }
}

void frame_detector::apply(const cfloat* const* in,
                           cfloat* const* out,
                           uint64_t first,
                           size_t count) const
{
    const cfloat* from[max_streams];
    cfloat* to[max_streams];
    size_t piece =
        std::upper_bound(d_first.begin(), d_first.end(), first) - d_first.begin();
    for (size_t done = 0; done < count; piece++) {
        // piece is the next one: it ends the one in use.
        size_t part = count - done;
        if (piece < d_first.size())
            part = std::min<uint64_t>(part, d_first[piece] - first - done);
        for (int m = 0; m < d_num_rx; m++)
            from[m] = in[m] + done;
        for (int k = 0; k < d_num_tx; k++)
            to[k] = out[k] + done;
        const cfloat* weights = &d_weights[(piece - 1) * d_num_tx * d_num_rx];
        detect(d_method, weights, d_num_tx, d_num_rx, from, to, part);
        done += part;
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
