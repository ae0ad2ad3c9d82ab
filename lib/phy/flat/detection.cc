/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "detection.h"
#include "linear_weights.h"
#include "phy/vector_ops.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! x = W y with the weights of each piece, see changing_sums(); for \p none x_k = y_k.
void detect(detector_method method,
            const cfloat* weights,
            int num_tx,
            int num_rx,
            const cfloat* const* in,
            cfloat* const* out,
            const uint64_t* ends,
            uint64_t first,
            size_t count)
{
    if (method != detector_method::none &&
        changing_sums(in, weights, num_rx, out, num_tx, ends, first, count))
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
    linear_weights(method == detector_method::lmmse,
                   value.num_rx(),
                   value.num_tx(),
                   1,
                   value.h.data(),
                   &variance,
                   d_weights.data(),
                   d_no_eff.data());
}

void linear_detector::apply(const cfloat* const* in,
                            cfloat* const* out,
                            size_t count) const
{
    const uint64_t end = count;
    detect(d_method,
           matrix_rows(),
           d_weights.rows(),
           d_weights.cols(),
           in,
           out,
           &end,
           0,
           count);
}

void frame_detector::set(packed_csi& value, detector_method method)
{
    const size_t pieces = value.pieces();
    d_method = method;
    d_num_rx = value.num_rx();
    d_num_tx = value.num_tx();
    const size_t step = d_num_rx * d_num_tx;
    d_end.resize(pieces);
    d_weights.resize(pieces * step);
    for (size_t r = 1; r < pieces; r++)
        d_end[r - 1] = value.first(r);
    d_end.back() = std::numeric_limits<uint64_t>::max();
    if (method == detector_method::none) {
        const linear_detector detector(value.state(0), method);
        for (size_t r = 0; r < pieces; r++)
            value.set_no_eff(r, detector.no_eff().data());
        return;
    }
    d_h.resize(pieces * step);
    d_variance.resize(pieces);
    d_no_eff.resize(pieces * d_num_tx);
    for (size_t r = 0; r < pieces; r++) {
        std::copy_n(value.h(r), step, &d_h[r * step]);
        d_variance[r] = value.noise_var();
        for (int k = 0; k < d_num_tx; k++)
            d_variance[r] += value.err_var(r, k);
    }
    linear_weights(method == detector_method::lmmse,
                   d_num_rx,
                   d_num_tx,
                   pieces,
                   d_h.data(),
                   d_variance.data(),
                   d_weights.data(),
                   d_no_eff.data());
    for (size_t r = 0; r < pieces; r++)
        value.set_no_eff(r, &d_no_eff[r * d_num_tx]);
}

void frame_detector::apply(const cfloat* const* in,
                           cfloat* const* out,
                           uint64_t first,
                           size_t count) const
{
    const size_t piece =
        std::upper_bound(d_end.begin(), d_end.end(), first) - d_end.begin();
    detect(d_method,
           &d_weights[piece * d_num_tx * d_num_rx],
           d_num_tx,
           d_num_rx,
           in,
           out,
           &d_end[piece],
           first,
           count);
}

} // namespace phy
} // namespace semcom
} // namespace gr
