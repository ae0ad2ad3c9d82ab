/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_INTERPOLATOR_H
#define INCLUDED_SEMCOM_PHY_INTERPOLATOR_H

#include "phy/types.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A stream between its samples: x(t) = sum_j x[j] w(t - j) sinc(t - j), w a Kaiser window
 * of 32 samples and 90 dB. Flat within 0.001 dB, and exact to -80 dB, up to 0.8 of half
 * the sample rate.
 */
class interpolator
{
public:
    static constexpr int num_taps = 32;
    //! Samples that one call makes.
    static constexpr size_t step = 64;
    //! Samples of the input before and after a position that count.
    static constexpr int before = num_taps / 2 - 1, after = num_taps / 2;

    interpolator();

    /*!
     * Makes x(t) at \p step times, evenly spaced, by blending the filters of the first
     * time and of that which follows the last.
     *
     * \param[in]  in    x from \p before samples ahead of floor(first) on, step +
     * num_taps samples of it. \param[in]  first Fraction of the first time, [0, 1).
     * \param[in]  drift By how much the times advance over all steps beyond \p step,
     *                   within -0.1 to 0.1; below 0.02 its error is under -67 dB.
     * \param[out] out   \p step samples.
     */
    void apply(const cfloat* in, double first, double drift, cfloat* out) const;

private:
    static constexpr int num_phases = 512, spare_phases = 64;

    std::vector<float> d_table; // filters of fractions -1/8 to 9/8

    void filter(double fraction, float* taps) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
