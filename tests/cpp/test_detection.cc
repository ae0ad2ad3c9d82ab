/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/flat/detection.h"
#include <Eigen/SVD>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>

using namespace gr::semcom::phy;
using dense = Eigen::MatrixXcd;

static std::mt19937 generator(1);

static dense draw(int rows, int columns)
{
    std::normal_distribution<double> normal(0.0, std::sqrt(0.5));
    dense values(rows, columns);
    for (int i = 0; i < values.size(); i++)
        values.data()[i] = { normal(generator), normal(generator) };
    return values;
}

static csi channel(const dense& h, double noise_var)
{
    csi value(h.rows(), h.cols());
    value.h = h;
    value.noise_var = noise_var;
    return value;
}

static void apply(const linear_detector& detector,
                  const cfloat* const* in,
                  cfloat* const* out,
                  size_t count)
{
    detector.apply(in, out, count);
}

//! In two parts, of which the first ends within a piece.
static void apply(const frame_detector& detector,
                  const cfloat* const* in,
                  cfloat* const* out,
                  size_t count)
{
    const size_t cut = count / 3 + 1;
    detector.apply(in, out, 0, cut);
    const cfloat* from[max_streams];
    cfloat* to[max_streams];
    for (int i = 0; i < max_streams && in[i]; i++)
        from[i] = in[i] + cut;
    for (int i = 0; i < max_streams && out[i]; i++)
        to[i] = out[i] + cut;
    detector.apply(from, to, cut, count - cut);
}

template <typename Detector>
static dense apply(const Detector& detector, const dense& y, int num_tx)
{
    const Eigen::Matrix<cfloat, -1, -1, Eigen::RowMajor> in = y.cast<cfloat>();
    Eigen::Matrix<cfloat, -1, -1, Eigen::RowMajor> out(num_tx, y.cols());
    const cfloat* from[max_streams] = {};
    cfloat* to[max_streams] = {};
    for (int m = 0; m < y.rows(); m++)
        from[m] = &in(m, 0);
    for (int k = 0; k < num_tx; k++)
        to[k] = &out(k, 0);
    apply(detector, from, to, y.cols());
    return out.cast<cdouble>();
}

//! The pseudo-inverse by singular values, and the augmented form of LMMSE.
static dense pseudo_inverse(const dense& a)
{
    const Eigen::JacobiSVD<dense> svd(a, Eigen::ComputeThinU | Eigen::ComputeThinV);
    return svd.matrixV() * svd.singularValues().cwiseInverse().asDiagonal() *
           svd.matrixU().adjoint();
}

BOOST_AUTO_TEST_CASE(all_sizes_follow_the_singular_value_reference)
{
    for (int m = 1; m <= max_streams; m++)
        for (int k = 1; k <= m; k++)
            for (bool lmmse : { false, true }) {
                const dense h = draw(m, k), y = draw(m, 21);
                const double variance = 0.3;
                const linear_detector detector(channel(h, variance),
                                               lmmse ? detector_method::lmmse
                                                     : detector_method::zf);
                dense a(lmmse ? m + k : m, k);
                a.topRows(m) = h;
                if (lmmse)
                    a.bottomRows(k) = std::sqrt(variance) * dense::Identity(k, k);
                const dense w = pseudo_inverse(a).leftCols(m);
                const dense gains = w * h, x = apply(detector, y, k);
                for (int i = 0; i < k; i++) {
                    const double gain = gains(i, i).real();
                    const double no_eff =
                        lmmse ? 1 / gain - 1 : variance * w.row(i).squaredNorm();
                    BOOST_TEST(detector.no_eff()[i] == no_eff,
                               boost::test_tools::tolerance(1e-6));
                    const double error = (x.row(i) - w.row(i) * y / gain).norm();
                    BOOST_TEST(error < 1e-4 * (1 + w.row(i).norm() / gain));
                }
            }
}

BOOST_AUTO_TEST_CASE(broken_channels_give_zero_and_infinity)
{
    const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
    const dense zero = dense::Zero(4, 3), y = draw(4, 9);
    dense spoilt = draw(4, 3);
    spoilt(2, 1) = nan;
    for (auto method : { detector_method::zf, detector_method::lmmse })
        for (const auto& value : { channel(zero, 0.1),
                                   channel(spoilt, 0.1),
                                   channel(draw(4, 3), nan),
                                   channel(draw(4, 3), infinity),
                                   channel(draw(4, 3) * 1e-300, 0.0),
                                   channel(draw(4, 3) * 1e-42, 0.0) }) {
            const linear_detector detector(value, method);
            BOOST_TEST(apply(detector, y, 3).norm() == 0.0);
            BOOST_TEST(detector.no_eff().minCoeff() == infinity);
        }
}

BOOST_AUTO_TEST_CASE(a_silent_transmitter_is_lost_alone_at_any_gain)
{
    dense h = draw(4, 3);
    h.col(1).setZero();
    for (double gain : { 1e-15, 1e-6, 1.0, 1e4, 1e15 }) {
        const linear_detector detector(channel(gain * h, 0.1 * gain * gain),
                                       detector_method::lmmse);
        BOOST_TEST(std::isinf(detector.no_eff()[1]));
        BOOST_TEST(std::isfinite(detector.no_eff()[0]));
        BOOST_TEST(std::isfinite(detector.no_eff()[2]));
    }
}

BOOST_AUTO_TEST_CASE(the_limit_of_condition_is_a_million_in_any_size)
{
    for (int k = 2; k <= max_streams; k++)
        for (double condition : { 0.7e6, 1.4e6 }) {
            const Eigen::JacobiSVD<dense> svd(draw(k, k),
                                              Eigen::ComputeFullU | Eigen::ComputeFullV);
            Eigen::VectorXd values = Eigen::VectorXd::Ones(k);
            values[k - 1] = 1 / condition;
            const dense h = svd.matrixU() * values.asDiagonal() * svd.matrixV().adjoint();
            const linear_detector detector(channel(h, 0.1), detector_method::zf);
            BOOST_TEST(std::isfinite(detector.no_eff()[0]) == (condition < 1e6));
        }
}

//! Channels from well to ill conditioned, and some of which nothing can be detected.
static dense draw_any(int m, int k, size_t number)
{
    dense h = draw(m, k);
    if (number % 7 == 3)
        h *= 1e4;
    if (number % 7 == 4 && k > 1) // condition of some 1e3
        h.col(1) = h.col(0) + 1e-3 * draw(m, 1);
    if (number % 7 == 5)
        h(m - 1, k - 1) = std::nan("");
    if (number % 7 == 6)
        h.setZero();
    return h;
}

BOOST_AUTO_TEST_CASE(pieces_side_by_side_follow_the_singular_value_reference)
{
    constexpr size_t pieces = 21, length = 5;
    for (int m = 1; m <= max_streams; m++)
        for (int k = 1; k <= m; k++)
            for (bool lmmse : { false, true }) {
                std::vector<dense> channels;
                csi value(m, k);
                value.noise_var = 0.25;
                value.err_var.setConstant(0.125);
                const double variance = 0.25 + 0.125 * k;
                packed_csi state(value);
                for (size_t r = 0; r < pieces; r++) {
                    value.h = draw_any(m, k, r);
                    state.append(r * length, value);
                    channels.push_back(state.state(r).h); // rounded to float
                }
                frame_detector detector;
                const auto method = lmmse ? detector_method::lmmse : detector_method::zf;
                detector.set(state, method);
                const dense y = draw(m, pieces * length);
                const dense x = apply(detector, y, k);
                for (size_t r = 0; r < pieces; r++) {
                    const auto part = x.middleCols(r * length, length);
                    const csi found = state.state(r);
                    if (r % 7 > 4) {
                        BOOST_TEST(part.norm() == 0.0);
                        BOOST_TEST(found.no_eff.minCoeff() == infinity);
                        continue;
                    }
                    dense a(lmmse ? m + k : m, k);
                    a.topRows(m) = channels[r];
                    if (lmmse)
                        a.bottomRows(k) = std::sqrt(variance) * dense::Identity(k, k);
                    const dense w = pseudo_inverse(a).leftCols(m);
                    for (int i = 0; i < k; i++) {
                        const double gain =
                            (w.row(i) * channels[r].col(i)).value().real();
                        const double no_eff =
                            lmmse ? 1 / gain - 1 : variance * w.row(i).squaredNorm();
                        BOOST_TEST(found.no_eff[i] == no_eff,
                                   boost::test_tools::tolerance(1e-5));
                        const dense sent =
                            w.row(i) * y.middleCols(r * length, length) / gain;
                        const double error = (part.row(i) - sent).norm();
                        BOOST_TEST(error < 1e-5 * w.row(i).norm() / gain * y.norm());
                    }
                    // and are those of a detector alone, to the last bit
                    value.h = channels[r];
                    const linear_detector alone(value, method);
                    const dense same = apply(alone, y.middleCols(r * length, length), k);
                    BOOST_TEST((part - same).norm() == 0.0);
                    BOOST_TEST((found.no_eff.cast<float>() - alone.no_eff().cast<float>())
                                   .norm() == 0.0f);
                }
            }
}
