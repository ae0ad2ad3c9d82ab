/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "csi.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {
namespace {

bool is_stream_count(float value)
{
    return value >= 1 && value <= max_streams && value == std::floor(value);
}

void write_state(const csi& value, cfloat* to)
{
    for (int k = 0; k < value.num_tx(); k++)
        *to++ = cfloat(value.err_var[k], value.no_eff[k]);
    std::copy_n(value.h.data(), value.h.size(), to);
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
    std::vector<cfloat> packed(2 + value.num_tx() * (1 + value.num_rx()));
    packed[0] = cfloat(value.num_rx(), value.num_tx());
    packed[1] = cfloat(value.noise_var, value.snr);
    write_state(value, &packed[2]);
    return packed;
}

packed_csi::packed_csi(const cfloat* elements, size_t size)
{
    if (size < 1 || !is_stream_count(elements[0].real()) ||
        !is_stream_count(elements[0].imag()))
        throw std::invalid_argument("csi: the first element must be M + jK, each 1 to 8; "
                                    "send what packed_csi wrote");
    d_elements.assign(elements, elements + size);
    const size_t step = 1 + state_size();
    if (size < 1 + step || (size - 1) % step != 0)
        throw std::invalid_argument(
            "csi: " + std::to_string(size) + " elements, but 1 + R " +
            std::to_string(step) +
            " expected for R pieces of M=" + std::to_string(num_rx()) +
            ", K=" + std::to_string(num_tx()) + "; send what packed_csi wrote");
    d_pieces = (size - 1) / step;
    for (size_t r = 1; r < d_pieces; r++)
        if (first(r) <= first(r - 1))
            throw std::invalid_argument(
                "csi: piece " + std::to_string(r) + " begins at symbol " +
                std::to_string(first(r)) + ", the one before at " +
                std::to_string(first(r - 1)) + "; give the pieces in order");
}

csi packed_csi::state(size_t piece) const
{
    csi value(num_rx(), num_tx());
    const cfloat* from = &d_elements[position(piece)];
    for (int k = 0; k < num_tx(); k++, from++) {
        value.err_var[k] = from->real();
        value.no_eff[k] = from->imag();
    }
    std::copy_n(from, value.h.size(), value.h.data());
    value.noise_var = d_elements[1].real();
    value.snr = d_elements[1].imag();
    if (piece > 0)
        value.update_snr();
    return value;
}

cfloat* packed_csi::add(uint64_t first_symbol)
{
    const size_t last = d_pieces - 1;
    if (first_symbol != first(last)) {
        d_elements.resize(position(last + 2) - 1);
        d_elements[position(d_pieces++) - 1] =
            cfloat(first_symbol % first_base, first_symbol / first_base);
    }
    return &d_elements[position(d_pieces - 1)];
}

void packed_csi::append(uint64_t first_symbol, const csi& value)
{
    write_state(value, add(first_symbol));
    if (d_pieces == 1)
        d_elements[1] = cfloat(value.noise_var, value.snr);
}

void packed_csi::update_snr()
{
    csi value = state(0);
    value.update_snr();
    d_elements[1].imag(value.snr);
}

void packed_csi::expand_no_eff(size_t count, float* const* out) const
{
    for (size_t r = 0; r < pieces() && first(r) < count; r++) {
        const size_t end =
            r + 1 < pieces() ? std::min<size_t>(first(r + 1), count) : count;
        for (int k = 0; k < num_tx(); k++)
            std::fill(
                out[k] + first(r), out[k] + end, d_elements[position(r) + k].imag());
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
