/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_PREAMBLE_DETECTOR_H
#define INCLUDED_SEMCOM_PHY_PREAMBLE_DETECTOR_H

#include "preamble.h"
#include "pulse.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Times per symbol at which a preamble is looked for.
constexpr int tests_per_symbol = 2;

//! Settings of a search for preambles.
struct detector_settings {
    double false_alarm = 1e-4; //!< probability of any in \p search symbols of noise
    double search = 10000.0;   //!< [symbols]
    double max_cfo = 0.02;     //!< [cycles per symbol] 0 to 0.04

    //! \throws std::invalid_argument with the field at fault.
    void check() const;
};

/*!
 * Threshold that a single test of one antenna passes with probability \p false_alarm in
 * white noise, 1 - false_alarm^(1 / (N - 1)) for N symbols.
 */
double detection_threshold(double false_alarm, int length);

/*!
 * The same of M antennas with independent noise: T is beta distributed with parameters M
 * and M (N - 1), so that
 *
 *   P(T > x) = sum_(j < M) binomial(M N - 1, j) x^j (1 - x)^(M N - 1 - j).
 */
double false_alarm_probability(double threshold, int num_rx, int length);

/*!
 * The matched filter's output of M antennas at the times tested (tests_per_symbol for
 * each symbol): all that detectors need, and the same for all preambles of one pulse.
 */
struct tested_samples {
    std::vector<std::vector<cfloat>> y; //!< of each antenna
    std::vector<double> energy; //!< of all antennas, at this and whole symbols before
    double total = 0.0;         //!< the largest of these sums
};

//! A detected preamble.
struct detection {
    double start;  //!< [samples] centre of its first symbol, to sps / 4 or so
    double cfo;    //!< [cycles per symbol] to 1 / (4 N) or so
    double metric; //!< 0 to 1; gamma / (1 + gamma) at an SNR of gamma
};

/*!
 * Looks for one preamble a of N = R L symbols in the samples of M antennas.
 *
 * With y the matched filter's output at symbol spacing, for each time (two a symbol) and
 * each f of a grid over +-max_cfo of spacing 1 / (2 N),
 *
 *   T = sum_m |sum_r exp(-j 2 pi f L r) z_m[r]|^2 / (N sum_m sum_n |y_m[n]|^2),
 *   z_m[r] = sum_i conj(a[r L + i]) y_m[r L + i]:
 *
 * the generalised likelihood ratio of a burst of unknown gains, frequency (constant over
 * a repetition) and noise level against noise, indifferent to the receiver's gain.
 * Source: Kay, "Fundamentals of statistical signal processing: detection theory", 1998,
 * ch. 9. What the grid is spared: times at which the sum over m and r of
 * z_m[r + 1] conj(z_m[r]), which needs no f, is not above what noise passes with
 * probability 0.003.
 *
 * The threshold is detection_threshold(false_alarm / (2 search F), N), F the number of
 * frequencies: a union bound over all tests, for *one* antenna. Two antennas that hear
 * the same stranger's payload are no more independent than one, and the bound holds for
 * such signals too; for noise it is then far below \p false_alarm.
 *
 * Of detections closer than a preamble, the one with the largest T remains.
 *
 * Degenerate input: samples that are not finite count as 0; silence, and fewer samples
 * than a preamble, give no detection.
 */
class preamble_detector
{
public:
    //! \throws std::invalid_argument with the argument at fault.
    preamble_detector(int code,
                      int repeats,
                      const pulse_shape& pulse,
                      const detector_settings& settings);

    double threshold() const { return d_threshold; }

    //! Frequencies of the grid.
    size_t num_frequencies() const { return d_frequencies.size(); }

    //! [samples] from a preamble's first symbol to its last.
    size_t window() const { return (d_signs.size() * d_period.size() - 1) * d_sps; }

    /*!
     * All preambles in the input, in the order of time.
     *
     * In a stream, let buffers overlap by three windows and a pulse's length L, and keep
     * the detections that start at least a window and L / 2 after the buffer's begin, and
     * at least two windows and L / 2 before its end: all around them has been looked at.
     *
     * \param in     \p num_rx streams of \p count samples.
     * \param num_rx M, 1 to 8.
     */
    std::vector<detection>
    detect(const cfloat* const* in, int num_rx, size_t count) const;

    /*!
     * The same in two steps. With several preambles of one pulse, let one detector
     * filter for all: nothing else costs as much.
     *
     * \param count 1 or more.
     */
    tested_samples filter(const cfloat* const* in, int num_rx, size_t count) const;
    std::vector<detection> detect(const tested_samples& samples) const;

private:
    struct correlations; // at all times of a buffer

    size_t d_sps;
    double d_threshold;
    std::vector<cfloat> d_period; // conjugate
    std::vector<float> d_signs;
    std::vector<double> d_frequencies;
    std::vector<cfloat> d_turns; // [R, F], exp(-j 2 pi f L r) and the sign
    polyphase_filter d_filter;

    size_t reach() const // of a preamble, in times tested
    {
        return tests_per_symbol * (d_signs.size() * d_period.size() - 1);
    }
    correlations correlate(const tested_samples& samples) const;
    detection test(const correlations& values, size_t at) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
