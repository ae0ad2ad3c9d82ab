/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "csi.h"
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {
namespace {

size_t packed_size(int num_rx, int num_tx) { return 2 + num_tx + num_rx * num_tx; }

bool is_stream_count(float value)
{
    return value >= 1 && value <= max_streams && value == std::floor(value);
}

} // namespace

csi::csi(int num_rx, int num_tx)
    : h(matrix::Zero(num_rx, num_tx)),
      err_var(real_vector::Zero(num_tx)),
      no_eff(real_vector::Zero(num_tx))
{
}

void csi::update_snr()
{
    const double power = h.squaredNorm() / h.size() - err_var.mean();
    snr = power > 0.0 ? power / noise_var : 0.0;
}

void csi::invalidate()
{
    const double infinity = std::numeric_limits<double>::infinity();
    h.setZero();
    err_var.setConstant(infinity);
    noise_var = infinity;
    snr = 0.0;
}

std::vector<cfloat> pack(const csi& value)
{
    const int m = value.num_rx(), k = value.num_tx();
    std::vector<cfloat> packed(packed_size(m, k));
    packed[0] = cfloat(m, k);
    packed[1] = cfloat(value.noise_var, value.snr);
    for (int i = 0; i < k; i++)
        packed[2 + i] = cfloat(value.err_var[i], value.no_eff[i]);
    for (int i = 0; i < m * k; i++)
        packed[2 + k + i] = cfloat(value.h.data()[i]);
    return packed;
}

csi unpack(const cfloat* packed, size_t size)
{
    if (size < 1 || !is_stream_count(packed[0].real()) ||
        !is_stream_count(packed[0].imag()))
        throw std::invalid_argument(
            "csi: the first element must be M + jK, each 1 to 8; use pack()");
    const int m = static_cast<int>(packed[0].real());
    const int k = static_cast<int>(packed[0].imag());
    if (size != packed_size(m, k))
        throw std::invalid_argument("csi: " + std::to_string(size) + " elements, but " +
                                    std::to_string(packed_size(m, k)) +
                                    " expected for M=" + std::to_string(m) +
                                    ", K=" + std::to_string(k) + "; use pack()");
    csi value(m, k);
    value.noise_var = packed[1].real();
    value.snr = packed[1].imag();
    for (int i = 0; i < k; i++) {
        value.err_var[i] = packed[2 + i].real();
        value.no_eff[i] = packed[2 + i].imag();
    }
    for (int i = 0; i < m * k; i++)
        value.h.data()[i] = packed[2 + k + i];
    return value;
}

} // namespace phy
} // namespace semcom
} // namespace gr
