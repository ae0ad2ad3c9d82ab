/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_FRONT_END_H
#define INCLUDED_SEMCOM_PHY_FRONT_END_H

#include "phy/types.h"
#include <cstddef>

// What the parts of a radio do to samples, in place. Arrays have room for a number of
// samples that is a multiple of 8; those after the last hold anything.

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A mixer whose branches differ, y = alpha x + beta conj(x) + dc: with e [dB] the gain of
 * I over Q, g_I / g_Q = 10^(e / 20), g_I^2 + g_Q^2 = 2, and the phase error phi shared,
 *
 *     Re y = g_I (cos(phi / 2) Re x - sin(phi / 2) Im x) + Re dc
 *     Im y = g_Q (cos(phi / 2) Im x - sin(phi / 2) Re x) + Im dc
 *
 * Image rejection |alpha|^2 / |beta|^2 = (1 + 2 g cos phi + g^2) / (1 - 2 g cos phi +
 * g^2), g = g_I / g_Q.
 */
class mixer
{
public:
    /*!
     * \param gain_db   e [dB].
     * \param phase_deg phi [degrees].
     * \param dc        Added at the end.
     * \param gain      Linear, of everything, dc too.
     */
    mixer(double gain_db, double phase_deg, cdouble dc, double gain = 1.0);

    void apply(cfloat* samples, size_t count) const;

private:
    cfloat d_straight, d_crossed, d_dc; // parts: what goes into I, and into Q
};

//! Parts that are not finite, or beyond 1e6, become 0.
void clean(cfloat* samples, size_t count);

/*!
 * Rapp's amplifier with smoothness 2 (C. Rapp, "Effects of HPA-nonlinearity on a
 * 4-DPSK/OFDM signal", 1991): |y| = |x| / (1 + (|x| / A)^4)^(1/4), without phase error.
 *
 * \param saturation A.
 */
void amplify(cfloat* samples, double saturation, size_t count);

//! Multiplies by the oscillator's samples, or by their conjugates.
void turn(cfloat* samples, const cfloat* oscillator, bool conjugated, size_t count);

//! Adds noise of unit variance with a factor.
void add_noise(cfloat* samples, const cfloat* noise, double rms, size_t count);

/*!
 * An analogue-to-digital converter for I and Q: the nearest of 2^bits levels with step
 * full_scale 2^(1 - bits), from -full_scale on, 0 among them; beyond, the outermost.
 *
 * \param bits 1 to 16.
 */
void quantise(cfloat* samples, int bits, double full_scale, size_t count);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
