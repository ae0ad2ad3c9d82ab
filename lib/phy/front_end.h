/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_FRONT_END_H
#define INCLUDED_SEMCOM_PHY_FRONT_END_H

#include "types.h"
#include <cstddef>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A mixer whose branches differ, y = alpha x + beta conj(x) + dc: with e [dB] the gain of I
 * over Q, g_I / g_Q = 10^(e / 20), g_I^2 + g_Q^2 = 2, and the phase error phi shared,
 *
 *     Re y = g_I (cos(phi / 2) Re x - sin(phi / 2) Im x) + Re dc
 *     Im y = g_Q (cos(phi / 2) Im x - sin(phi / 2) Re x) + Im dc
 *
 * Image rejection |alpha|^2 / |beta|^2 = (1 + 2 g cos phi + g^2) / (1 - 2 g cos phi + g^2),
 * g = g_I / g_Q.
 */
struct mixer {
    float ii = 1.0f, iq = 0.0f, qi = 0.0f, qq = 1.0f;
    cfloat dc = 0.0f;

    mixer() = default;
    mixer(double gain_db, double phase_deg, cdouble dc_offset);

    //! The same, and then a gain (linear) on all of it.
    mixer amplified(double gain) const;
};

/*!
 * A transmitter: mixer, power amplifier, oscillator.
 *
 * The amplifier is Rapp's with smoothness 2 (C. Rapp, 1991): |y| = |x| /
 * (1 + (|x| / A)^4)^(1/4), saturation A, no phase error.
 *
 * \param[in]  in         Samples; a part that is not finite, or beyond 1e6, counts as 0.
 * \param[in]  oscillator exp(j phase) of each sample.
 * \param[in]  m          The mixer.
 * \param[in]  saturation 1 / A^2; 0: linear.
 * \param[out] out        What is radiated; may be \p in.
 */
void transmit(const cfloat* in,
              const cfloat* oscillator,
              const mixer& m,
              float saturation,
              cfloat* out,
              size_t count);

/*!
 * A receiver: noise, oscillator (conjugated), mixer.
 *
 * \param[in]  in         What arrives.
 * \param[in]  noise      CN(0, 1).
 * \param[in]  noise_rms  Its factor.
 * \param[in]  oscillator exp(j phase) of each sample.
 * \param[in]  m          The mixer.
 * \param[out] out        Samples; may be \p in.
 */
void receive(const cfloat* in,
             const cfloat* noise,
             float noise_rms,
             const cfloat* oscillator,
             const mixer& m,
             cfloat* out,
             size_t count);

/*!
 * An analogue-to-digital converter for I and Q: the nearest of 2^bits levels with step
 * full_scale 2^(1 - bits), from -full_scale on, 0 among them; beyond, the outermost.
 *
 * \param[in,out] samples    Converted in place.
 * \param[in]     bits       1 to 16.
 * \param[in]     full_scale Linear.
 */
void quantise(cfloat* samples, int bits, float full_scale, size_t count);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
