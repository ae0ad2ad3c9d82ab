/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CSI_H
#define INCLUDED_SEMCOM_PHY_CSI_H

#include "phy/types.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * Channel state information of M receive antennas and K transmitters.
 *
 * The channel is y = H x + n with x of unit average power for each stream. Variances are
 * those of complex numbers (both parts together).
 */
struct csi {
    matrix h;            //!< [M, K] effective channel, with the receiver's gain and phase
    real_vector err_var; //!< [K] variance of the error of each entry of column k
    real_vector no_eff;  //!< [K] noise variance after the detector; 0 before it
    double noise_var = 0.0; //!< noise variance at each antenna
    double snr = 0.0;       //!< linear, mean over the M K paths

    //! M receive antennas and K transmitters, everything 0.
    csi(int num_rx, int num_tx);

    int num_rx() const { return static_cast<int>(h.rows()); }
    int num_tx() const { return static_cast<int>(h.cols()); }

    //! snr = max(0, mean |h|^2 - mean err_var) / noise_var; infinite without noise, and 0
    //! without a channel or when anything is NaN.
    void update_snr();

    //! The state of an unknown channel: H = 0, variances infinite, SNR 0.
    void invalidate();
};

//! The vector of one state that holds over a whole frame, as packed_csi describes it.
std::vector<cfloat> pack(const csi& value);

/*!
 * The vector that travels in a \p csi tag, complex64, one for each frame. It says what
 * holds over the whole frame, piece by piece:
 *
 *     [ (M, K), (noise_var, snr), state of piece 0,
 *       (first_1), state of piece 1, (first_2), state of piece 2, ... ]
 *
 * where a state is [ (err_var_k, no_eff_k) for each k, H row by row ], K + M K elements,
 * so that R pieces take 1 + R (1 + K + M K). Piece 0 holds from symbol 0 on, piece r from
 * symbol first_r on, each up to the next one or to the frame's end; first_r travels as
 * (first_r mod 2^20, first_r / 2^20), which float holds exactly. A channel that stands
 * still has one piece. noise_var is that of the frame; snr is that of piece 0.
 *
 * The noise of each symbol, [K, n], is no_eff_k of its piece: expand_no_eff().
 */
class packed_csi
{
public:
    //! One piece.
    explicit packed_csi(const csi& value) : d_elements(pack(value)), d_pieces(1) {}

    /*!
     * Reads a vector.
     * \throws std::invalid_argument if its size does not fit its first element, or the
     * pieces do not begin one after the other.
     */
    packed_csi(const cfloat* elements, size_t size);

    int num_rx() const { return static_cast<int>(d_elements[0].real()); }
    int num_tx() const { return static_cast<int>(d_elements[0].imag()); }
    size_t pieces() const { return d_pieces; }
    double noise_var() const { return d_elements[1].real(); }

    //! First symbol of piece \p piece.
    uint64_t first(size_t piece) const
    {
        if (piece == 0)
            return 0;
        const cfloat value = d_elements[position(piece) - 1];
        // Anything else, NaN too, is out of order.
        if (!(value.real() >= 0.0f && value.real() < first_base &&
              value.imag() >= 0.0f && value.imag() < first_base))
            return 0;
        return static_cast<uint64_t>(value.real()) +
               first_base * static_cast<uint64_t>(value.imag());
    }

    //! State of piece \p piece, its snr computed again for all but piece 0.
    csi state(size_t piece) const;

    //! H of piece \p piece, [M, K] row by row.
    const cfloat* h(size_t piece) const
    {
        return &d_elements[position(piece) + num_tx()];
    }

    //! err_var of transmitter \p k in piece \p piece.
    double err_var(size_t piece, int k) const
    {
        return d_elements[position(piece) + k].real();
    }

    //! Memory for so many pieces.
    void reserve(size_t pieces) { d_elements.reserve(position(pieces)); }

    /*!
     * Another piece, after those there are; if the last one begins at \p first too,
     * instead of it. noise_var of \p value is not stored unless it replaces piece 0.
     */
    void append(uint64_t first, const csi& value);

    //! The same for a state that the caller writes, K + M K elements.
    cfloat* add(uint64_t first);

    //! Computes snr from piece 0 again.
    void update_snr();

    //! Writes the detector's noise variances of piece \p piece, [K].
    void set_no_eff(size_t piece, const double* no_eff)
    {
        for (int k = 0; k < num_tx(); k++)
            d_elements[position(piece) + k].imag(no_eff[k]);
    }

    /*!
     * The noise of each of a frame's symbols.
     *
     * \param[in]  count n, the frame's symbols.
     * \param[out] out   K rows of \p count variances.
     */
    void expand_no_eff(size_t count, float* const* out) const;

    const std::vector<cfloat>& elements() const { return d_elements; }

private:
    //! First symbols are written in two parts, each within what float holds exactly.
    static constexpr uint64_t first_base = 1 << 20;

    std::vector<cfloat> d_elements;
    size_t d_pieces;

    size_t state_size() const { return num_tx() * (1 + num_rx()); }
    size_t position(size_t piece) const { return 2 + piece * (1 + state_size()); }
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
