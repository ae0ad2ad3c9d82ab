/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_TYPES_H
#define INCLUDED_SEMCOM_PHY_TYPES_H

#include <Eigen/Core>
#include <cmath>
#include <complex>
#include <limits>

namespace gr {
namespace semcom {
namespace phy {

using cfloat = std::complex<float>;
using cdouble = std::complex<double>;

constexpr double two_pi = 2.0 * M_PI;
constexpr double infinity = std::numeric_limits<double>::infinity();

//! Most transmitters or receive antennas the module handles.
constexpr int max_streams = 8;

//! Any M x K matrix of the module, held in place so that no frame allocates memory.
using matrix = Eigen::Matrix<cdouble,
                             Eigen::Dynamic,
                             Eigen::Dynamic,
                             Eigen::RowMajor,
                             max_streams,
                             max_streams>;

//! One real number for each transmitter, held in place.
using real_vector = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, max_streams, 1>;

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
