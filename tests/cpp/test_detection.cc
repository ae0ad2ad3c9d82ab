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

static dense apply(const linear_detector& detector, const dense& y, int num_tx)
{
    const Eigen::Matrix<cfloat, -1, -1, Eigen::RowMajor> in = y.cast<cfloat>();
    Eigen::Matrix<cfloat, -1, -1, Eigen::RowMajor> out(num_tx, y.cols());
    const cfloat* from[max_streams];
    cfloat* to[max_streams];
    for (int m = 0; m < y.rows(); m++)
        from[m] = &in(m, 0);
    for (int k = 0; k < num_tx; k++)
        to[k] = &out(k, 0);
    detector.apply(from, to, y.cols());
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
