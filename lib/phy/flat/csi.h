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

    //! What a receiver says when it knows nothing: H = 0, variances infinite, SNR 0.
    void invalidate();
};

/*!
 * The vector that travels in a \p csi tag, complex64:
 * [(M, K), (noise_var, snr), (err_var_k, no_eff_k) for each k, H row by row].
 */
std::vector<cfloat> pack(const csi& value);

/*!
 * Reads a packed vector.
 * \throws std::invalid_argument if its size does not fit its first element.
 */
csi unpack(const cfloat* packed, size_t size);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
