/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_OSCILLATOR_H
#define INCLUDED_SEMCOM_PHY_OSCILLATOR_H

#include "phy/philox.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * Standard deviation of a random walk's step for phase noise of level L at offset f.
 *
 * A walk with steps of variance s^2 [rad^2] has, well below the sample rate fs, the
 * two-sided spectrum s^2 fs / (2 pi f)^2 [rad^2/Hz], which for small angles is the noise
 * in one sideband relative to the carrier. So s^2 = (2 pi f)^2 10^(L / 10) / fs; the line
 * is a Lorentzian of full width 2 pi f^2 10^(L / 10) [Hz].
 *
 * \param level_dbc_hz L [dBc/Hz].
 * \param offset       f [Hz].
 * \param sample_rate  fs [Hz].
 * \return s [rad].
 */
double phase_noise_step(double level_dbc_hz, double offset, double sample_rate);

/*!
 * The phase of a local oscillator: an exact frequency, a random start and a random walk.
 *
 * Phases are counted in units of 2^-32 turns, the frequency in 2^-64 turns, so that a
 * late sample is as exact as an early one.
 */
class oscillator
{
public:
    //! [rad] so that six standard deviations are less than half a turn.
    static constexpr double largest_step = 0.3;

    /*!
     * \param frequency Cycles per sample, -0.5 to 0.5.
     * \param step      [rad] standard deviation of the walk's steps, 0 to largest_step.
     * \param stream    Of random numbers; its frame field counts runs of them.
     */
    oscillator(double frequency, double step, const random_stream& stream);

    //! The next \p count samples' exp(j phase).
    void turn(cfloat* out, size_t count);

private:
    static constexpr size_t chunk = 512;

    random_stream d_stream;
    uint64_t d_step, d_angle; // units of 2^-64 turns
    float d_walk_scale;       // units of 2^-32 turns for a variance of 1/2
    uint32_t d_walk = 0;
    uint64_t d_block = 0; // of random steps, two samples to a complex number
    size_t d_used = chunk;
    std::vector<cfloat> d_normals;
    std::vector<uint32_t> d_phases;

    void draw();
    void accumulate(uint32_t* steps, size_t count);
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
