/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_PULSE_H
#define INCLUDED_SEMCOM_PHY_PULSE_H

#include "phy/types.h"
#include <cstddef>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * The root-raised-cosine pulse of a burst. Time is in symbols, at \p sps samples each.
 *
 * Cut to \p span symbols on each side, two pulses in a row (shaping and matched filter)
 * leave intersymbol interference of -50 dB with the default values.
 */
struct pulse_shape {
    int sps = 4;            //!< [samples per symbol] 2 to 64
    int span = 6;           //!< [symbols] on each side of the pulse's centre, 1 to 64
    double roll_off = 0.35; //!< excess bandwidth, 0 to 1

    //! \throws std::invalid_argument with the field at fault.
    void check() const;

    //! Samples of a whole pulse, 2 span sps + 1; its centre is sample span sps.
    size_t length() const { return 2 * static_cast<size_t>(span) * sps + 1; }
};

/*!
 * The root-raised-cosine pulse of unit energy, with b the roll-off,
 *
 *   p(t) = (sin(pi t (1 - b)) + 4 b t cos(pi t (1 + b))) / (pi t (1 - (4 b t)^2)),
 *
 * and its limits at the singular points, p(0) = 1 - b + 4 b / pi and
 * p(+-1 / (4 b)) = b / sqrt(2) ((1 + 2 / pi) sin(pi / (4 b))
 * + (1 - 2 / pi) cos(pi / (4 b))).
 * Source: Proakis, Salehi, "Digital communications", 5th ed., 9.2-1 (its spectrum).
 *
 * \param t [symbols]
 */
double root_raised_cosine(double t, double roll_off);

//! The raised cosine g = p * p, g(0) = 1, singular points handled. \param t [symbols]
double raised_cosine(double t, double roll_off);

//! dg/dt [1/symbol]. \param t [symbols]
double raised_cosine_slope(double t, double roll_off);

/*!
 * Mean square bandwidth of the pulse, the integral of f^2 |P(f)|^2 for unit energy:
 * 1 / 12 + b^2 (1 / 4 - 2 / pi^2), in [1/symbol^2]. Timing bounds are made of it.
 */
double mean_square_bandwidth(double roll_off);

//! The pulse at sample spacing, [length()] taps of unit energy.
std::vector<float> root_raised_cosine_taps(const pulse_shape& pulse);

/*!
 * Shapes symbols: out[n] = sum_i symbols[i] taps[n - i sps].
 *
 * Symbol i has its centre at sample (span + i) sps. Symbols of unit power give samples
 * of mean power 1 / sps.
 *
 * \return (count - 1) sps + length() samples; none for no symbols.
 */
std::vector<cfloat> shape(const cfloat* symbols, size_t count, const pulse_shape& pulse);

/*!
 * A filter whose output can be had at any time, x(t) = sum_n in[n] p(n - t): fractional
 * delay, change of rate and, with the pulse itself as p, matched filter in one step.
 *
 * The impulse response is kept at 128 fractions of a sample, with straight lines between:
 * an error near -100 dB, where a cubic Farrow structure leaves -31 dB at the band's edge
 * for 4 samples per symbol. Cost: one dot product for each output sample.
 */
class polyphase_filter
{
public:
    //! The matched filter: noise of variance N0 in gives N0 out, a unit symbol gives 1.
    static polyphase_filter matched_filter(const pulse_shape& pulse);

    /*!
     * A low-pass filter: a sinc under a Kaiser window (beta 8). With cutoff 0.5 a plain
     * delay, of error below -54 dB for what lies within 0.35 cycles per sample if the
     * reach is 8.
     *
     * \param cutoff [cycles per sample] where the gain is 1/2, above 0 up to 0.5.
     * \param reach  [samples] on each side, 1 to 4096.
     * \throws std::invalid_argument with the argument at fault.
     */
    static polyphase_filter low_pass(double cutoff, size_t reach);

    //! Samples on each side of a time that its output is made of.
    size_t reach() const { return d_reach; }

    /*!
     * Output at the times first + i step, i = 0 to out_count - 1.
     *
     * Samples outside of the input count as 0, and so do times that are NaN or infinite.
     *
     * \param[in]  in        \p count samples; those not finite spread over the outputs
     *                       they are part of.
     * \param[in]  first     [samples] after the first sample of the input.
     * \param[in]  step      [samples]
     * \param[out] out       \p out_count samples.
     */
    void apply(const cfloat* in,
               size_t count,
               double first,
               double step,
               cfloat* out,
               size_t out_count) const;

private:
    size_t d_reach;
    size_t d_lanes;             // floats of one row: both parts of each tap, padded
    std::vector<float> d_table; // [num_fractions + 1][d_lanes]

    explicit polyphase_filter(size_t reach);
    float* row(size_t fraction) { return &d_table[fraction * d_lanes]; }
    void set(size_t fraction, size_t tap, double value);
    void weights(double fraction, std::vector<float>& taps) const;
};

/*!
 * Peak power over mean power, [dB]; minus infinity for silence and for what is not
 * finite.
 *
 * \param mean_power Power to compare with; 0 for the mean of these samples. Give
 *                   1 / sps for a burst that has silence in it.
 */
double peak_to_mean_db(const cfloat* samples, size_t count, double mean_power = 0.0);

/*!
 * Bounds the peak of a shaped burst by clipping and filtering, several times.
 *
 * What lies above the level is cut off, filtered to the pulse's band
 * (1 + roll_off) / (2 sps), and subtracted: the band stays clean, the peak grows again
 * a little, and each repetition takes part of that away. Source: Armstrong,
 * "Peak-to-average power reduction for OFDM by repeated clipping and frequency domain
 * filtering", Electronics Letters 38(5), 2002.
 *
 * Cost, measured with the default pulse, 4 iterations and 20000 symbols, as the error
 * vector magnitude after the matched filter (tests/cpp/test_pulse.cc):
 *
 *   symbols              level   peak before   peak after   EVM
 *   QPSK                 3 dB        3.9 dB       3.2 dB    -44 dB
 *   complex normal       8 dB       10.6 dB       8.3 dB    -36 dB
 *   complex normal       7 dB       10.6 dB       7.4 dB    -30 dB
 *   complex normal       6 dB       10.6 dB       6.5 dB    -25 dB
 *   complex normal       5 dB       10.6 dB       5.5 dB    -21 dB
 *
 * \param[in,out] samples    As shape() makes them, of symbols of unit mean power.
 * \param[in]     peak_db    [dB] of the level over the mean power 1 / sps, 0 to 100.
 * \param[in]     iterations 0 to 100; 4 do nearly all there is to do.
 * \return The peak left, [dB] over 1 / sps.
 * \throws std::invalid_argument with the argument at fault.
 */
double limit_peak(std::vector<cfloat>& samples,
                  const pulse_shape& pulse,
                  double peak_db,
                  int iterations = 4);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
