/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_VECTOR_OPS_H
#define INCLUDED_SEMCOM_PHY_VECTOR_OPS_H

#include "types.h"
#include <cstddef>
#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * Weighted sums of streams, out[k][n] = sum_i weights[k][i] in[i][n], the inner loop of
 * the channel and of the detector; two sums of two streams go over them once.
 *
 * \param[in]  in      \p num_in streams, 1 to 9, of \p count items, apart from \p out.
 * \param[in]  weights \p num_out rows of \p num_in weights.
 * \param[out] out     \p num_out streams, 1 to 8, of \p count items.
 * \return True if all items of \p out are finite.
 */
bool weighted_sums(const cfloat* const* in,
                   const cfloat* weights,
                   int num_in,
                   cfloat* const* out,
                   int num_out,
                   size_t count);

/*!
 * The same for part of a frame whose weights change.
 *
 * \param[in] weights A matrix for each piece of the frame, from the one that holds for
 *                    item \p first on.
 * \param[in] ends    Item of the frame at which each of these pieces ends.
 * \param[in] first   Item of the frame that is the first of \p in and \p out.
 */
bool changing_sums(const cfloat* const* in,
                   const cfloat* weights,
                   int num_in,
                   cfloat* const* out,
                   int num_out,
                   const uint64_t* ends,
                   uint64_t first,
                   size_t count);

//! One weighted sum.
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
