/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "estimation.h"
#include <Eigen/LU>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! H X of one segment, subtracted from what was received: its residual energy.
double residual(const pilot_estimator::block& received,
                const matrix& h,
                const pilot_estimator::block& pilots)
{
    return (received - h.lazyProduct(pilots)).squaredNorm();
}

pilot_estimator::block to_matrix(const std::vector<std::vector<cfloat>>& rows)
{
    if (rows.empty() || rows.size() > max_streams)
        throw std::invalid_argument("pilots: " + std::to_string(rows.size()) +
                                    " rows found, 1 to 8 expected; give one row for each "
                                    "transmitter");
    pilot_estimator::block pilots(rows.size(), rows[0].size());
    for (size_t k = 0; k < rows.size(); k++) {
        if (rows[k].size() != rows[0].size())
            throw std::invalid_argument(
                "pilots: row " + std::to_string(k) + " has " +
                std::to_string(rows[k].size()) + " symbols, row 0 has " +
                std::to_string(rows[0].size()) + "; make all rows equally long");
        for (size_t p = 0; p < rows[k].size(); p++)
            pilots(k, p) = rows[k][p];
    }
    if (!pilots.allFinite())
        throw std::invalid_argument("pilots: NaN or infinite symbol; give finite pilots");
    return pilots;
}

//! The state on the line between two, as it is packed.
void mix(const csi& from, const csi& to, double w, cfloat* state)
{
    const double v = 1.0 - w;
    for (int k = 0; k < from.num_tx(); k++)
        *state++ = cfloat(v * v * from.err_var[k] + w * w * to.err_var[k], 0.0);
    for (int i = 0; i < from.h.size(); i++)
        *state++ = cfloat(v * from.h.data()[i] + w * to.h.data()[i]);
}

double centre(uint64_t first, uint64_t length) { return first + 0.5 * (length - 1.0); }

} // namespace

estimator_method parse_estimator(const std::string& name)
{
    if (name == "ls")
        return estimator_method::ls;
    if (name == "ls_min_residual")
        return estimator_method::ls_min_residual;
    if (name == "lmmse")
        return estimator_method::lmmse;
    if (name == "perfect")
        return estimator_method::perfect;
    if (name == "none")
        return estimator_method::none;
    throw std::invalid_argument("method: '" + name +
                                "' is no estimator; choose ls, ls_min_residual, lmmse, "
                                "perfect or none");
}

interpolation_method parse_interpolation(const std::string& name)
{
    if (name == "nearest")
        return interpolation_method::nearest;
    if (name == "linear")
        return interpolation_method::linear;
    throw std::invalid_argument("interpolation: '" + name +
                                "' is unknown; choose nearest or linear");
}

pilot_estimator::pilot_estimator(const std::vector<std::vector<cfloat>>& rows)
    : d_pilots(to_matrix(rows))
{
    if (!add_segment(0, num_pilots(), d_all))
        throw std::invalid_argument(
            "pilots: the " + std::to_string(num_tx()) + " rows of " +
            std::to_string(num_pilots()) +
            " symbols have a rank below the number of rows: the transmitters cannot be "
            "told apart; use orthogonal rows of at least as many symbols");
    const int step = 2 * num_tx();
    const int count = std::max(1, num_pilots() / step);
    for (int s = 0; s < count; s++) {
        const int length = s + 1 < count ? step : num_pilots() - s * step;
        segment candidate;
        if (add_segment(s * step, length, candidate))
            d_steps.push_back(candidate);
    }
    if (d_steps.empty())
        d_steps.push_back(d_all);
}

bool pilot_estimator::add_segment(int first, int length, segment& s) const
{
    s.first = first;
    s.length = length;
    s.pilots = d_pilots.middleCols(first, length);
    Eigen::ColPivHouseholderQR<block> qr(s.pilots.adjoint());
    qr.setThreshold(1e-6);
    if (qr.rank() < num_tx())
        return false;
    const block q = qr.householderQ() * block::Identity(length, num_tx());
    const auto r = qr.matrixR().topRows(num_tx()).triangularView<Eigen::Upper>();
    s.inverse = (qr.colsPermutation() * r.solve(q.adjoint())).adjoint();
    s.gram = s.pilots * s.pilots.adjoint();
    s.error_gain = (s.inverse.adjoint() * s.inverse).diagonal().real();
    return true;
}

const pilot_estimator::segment& pilot_estimator::best_step(const block& received) const
{
    const segment* best = &d_steps.front();
    double smallest = std::numeric_limits<double>::infinity();
    for (const auto& step : d_steps) {
        const block part = received.middleCols(step.first, step.length);
        const double energy = residual(part, part.lazyProduct(step.inverse), step.pilots);
        if (energy < smallest) {
            smallest = energy;
            best = &step;
        }
    }
    return *best;
}

void pilot_estimator::shrink(csi& value) const
{
    const double power = value.h.squaredNorm() / value.h.size() - value.err_var.mean();
    if (!(power > 0.0)) {
        value.h.setZero();
        value.err_var.setZero();
        return;
    }
    matrix loaded = d_all.gram;
    loaded.diagonal().array() += value.noise_var / power;
    const matrix inverse = loaded.inverse();
    value.h = (value.h * d_all.gram * inverse).eval();
    value.err_var = value.noise_var * inverse.diagonal().real();
}

void pilot_estimator::finish(csi& value,
                             double noise_var,
                             const segment& used,
                             estimator_method method) const
{
    value.noise_var = noise_var;
    value.err_var = noise_var * used.error_gain;
    if (method == estimator_method::lmmse)
        shrink(value);
    value.update_snr();
}

void pilot_estimator::estimate(const block* received,
                               size_t count,
                               estimator_method method,
                               std::vector<csi>& estimates) const
{
    const int num_rx = static_cast<int>(received[0].rows());
    const int excess = num_pilots() - num_tx();
    estimates.assign(count, csi(num_rx, num_tx()));
    double energy = 0.0;
    for (size_t b = 0; b < count; b++) {
        estimates[b].h = received[b].lazyProduct(d_all.inverse);
        energy += residual(received[b], estimates[b].h, d_pilots);
    }
    const double noise_var = excess == 0 ? 0.0 : energy / (num_rx * excess * count);
    for (size_t b = 0; b < count; b++) {
        const segment* used = &d_all;
        if (method == estimator_method::ls_min_residual) {
            used = &best_step(received[b]);
            estimates[b].h = received[b]
                                 .middleCols(used->first, used->length)
                                 .lazyProduct(used->inverse);
        }
        if (std::isfinite(energy) && estimates[b].h.allFinite())
            finish(estimates[b], noise_var, *used, method);
        else
            estimates[b].invalidate();
    }
}

packed_csi interpolate(const std::vector<csi>& blocks,
                       const frame_layout& layout,
                       uint64_t payload,
                       interpolation_method method)
{
    packed_csi pieces(blocks[0]);
    if (blocks.size() == 1)
        return pieces;
    const bool linear = method == interpolation_method::linear;
    if (linear)
        pieces.reserve(payload / run_length + blocks.size());
    size_t last_used = 0;
    for (size_t block = 0; block + 1 < blocks.size(); block++) {
        const csi &from = blocks[block], &to = blocks[block + 1];
        const uint64_t begin = block * layout.spacing;
        const uint64_t end = std::min(begin + layout.spacing, payload);
        const double before =
            centre(layout.pilot_position(block, payload), layout.num_pilots);
        const double after =
            centre(layout.pilot_position(block + 1, payload), layout.num_pilots);
        const uint64_t pilots = layout.payload_position(begin) - begin;
        for (uint64_t start = begin; start < end; start += run_length) {
            const double here =
                centre(start + pilots, std::min(run_length, end - start));
            const double w = (here - before) / (after - before);
            const size_t nearest = w > 0.5 ? block + 1 : block;
            if (linear) {
                mix(from, to, w, pieces.add(start));
                if (start == 0)
                    pieces.update_snr();
            } else if (nearest != last_used) {
                pieces.append(start, blocks[nearest]);
                last_used = nearest;
            }
        }
    }
    return pieces;
}

packed_csi
at_payload(const packed_csi& truth, const frame_layout& layout, uint64_t payload)
{
    packed_csi pieces(truth.state(0));
    for (size_t r = 1; r < truth.pieces(); r++) {
        const uint64_t start = layout.payload_before(truth.first(r), payload);
        if (start < payload)
            pieces.append(start, truth.state(r));
    }
    return pieces;
}

} // namespace phy
} // namespace semcom
} // namespace gr
