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

//! First symbols are written in two parts, each within what float holds exactly.
constexpr uint64_t first_base = 1 << 20;

bool is_stream_count(float value)
{
    return value >= 1 && value <= max_streams && value == std::floor(value);
}

void append_state(std::vector<cfloat>& packed, const csi& value)
{
    for (int k = 0; k < value.num_tx(); k++)
        packed.emplace_back(value.err_var[k], value.no_eff[k]);
    const cdouble* h = value.h.data();
    packed.insert(packed.end(), h, h + value.h.size());
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
    std::vector<cfloat> packed;
    packed.reserve(2 + value.num_tx() * (1 + value.num_rx()));
    packed.emplace_back(value.num_rx(), value.num_tx());
    packed.emplace_back(value.noise_var, value.snr);
    append_state(packed, value);
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

uint64_t packed_csi::first(size_t piece) const
{
    if (piece == 0)
        return 0;
    const cfloat value = d_elements[position(piece) - 1];
    // Anything else, NaN too, is out of order.
    if (!(value.real() >= 0.0f && value.real() < first_base && value.imag() >= 0.0f &&
          value.imag() < first_base))
        return 0;
    return static_cast<uint64_t>(value.real()) +
           first_base * static_cast<uint64_t>(value.imag());
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

void packed_csi::append(uint64_t first_symbol, const csi& value)
{
    const size_t last = d_pieces - 1;
    if (first_symbol == first(last)) {
        d_elements.resize(position(last));
        if (last == 0)
            d_elements[1] = cfloat(value.noise_var, value.snr);
    } else {
        d_elements.emplace_back(first_symbol % first_base, first_symbol / first_base);
        d_pieces++;
    }
    append_state(d_elements, value);
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
