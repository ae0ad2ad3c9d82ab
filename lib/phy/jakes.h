/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_JAKES_H
#define INCLUDED_SEMCOM_PHY_JAKES_H

#include "philox.h"
#include <array>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A fading process of unit mean power with Jakes' spectrum: 16 plane waves that arrive
 * from evenly spaced directions, turned by one random angle, each with a random phase.
 * Over its random numbers the mean of conj(h(t)) h(t + tau) is J0(2 pi doppler tau).
 */
class jakes_process
{
public:
    static constexpr int num_paths = 16;

    /*!
     * \param stream  Uniform numbers; a process takes 17 of them.
     * \param index   Which process of this stream, from 0.
     * \param doppler Largest Doppler shift, cycles per unit of time.
     */
    jakes_process(const random_stream& stream, uint64_t index, double doppler);

    //! The process at a time, in the unit of \p doppler.
    cdouble at(double time) const;

private:
    std::array<double, num_paths> d_rate;  // cycles per unit of time
    std::array<double, num_paths> d_phase; // turns
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
