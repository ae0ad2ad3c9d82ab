/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_LINEAR_WEIGHTS_H
#define INCLUDED_SEMCOM_PHY_LINEAR_WEIGHTS_H

#include "phy/types.h"
#include <cstddef>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * The zf or lmmse detectors of many channels, as linear_detector describes them: the
 * channels are side by side in vectors, and each has the result that it has alone.
 *
 * \param[in]  lmmse    lmmse, not zf.
 * \param[in]  num_rx   M, 1 to 8.
 * \param[in]  num_tx   K, 1 to 8.
 * \param[in]  count    How many channels, R.
 * \param[in]  h        [R, M, K]
 * \param[in]  variance [R] S, noise and estimation error together at each antenna.
 * \param[out] weights  [R, K, M] W; 0 for a stream that is lost.
 * \param[out] no_eff   [R, K] noise variance of each stream; infinite for a lost one.
 */
void linear_weights(bool lmmse,
                    int num_rx,
                    int num_tx,
                    size_t count,
                    const cdouble* h,
                    const double* variance,
                    cfloat* weights,
                    double* no_eff);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
