/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_VECTOR_OPS_H
#define INCLUDED_SEMCOM_PHY_VECTOR_OPS_H

#include "types.h"
#include <cstddef>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A weighted sum of streams, out[n] = sum_i weights[i] in[i][n], the inner loop of the
 * channel and of the detector.
 *
 * \param[in]  in      \p num_in streams, 1 to 9, of \p count items, apart from \p out.
 * \param[in]  weights \p num_in weights.
 * \param[out] out     \p count items.
 * \return True if all items of \p out are finite.
 */
bool weighted_sum(const cfloat* const* in,
                  const cfloat* weights,
                  int num_in,
                  cfloat* out,
                  size_t count);

//! Sets every sample with a NaN or infinite part to 0.
void zero_non_finite(cfloat* samples, size_t count);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
