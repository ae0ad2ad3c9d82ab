/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_SYNC_H
#define INCLUDED_SEMCOM_PHY_SYNC_H

#include "burst.h"
#include "csi.h"
#include "framing.h"
#include "pulse.h"
#include <limits>
#include <vector>

/*!
 * \file
 * From samples of M antennas to the symbols of one user:
 *
 *   detect -> synchronise (time, frequency, gains) -> align -> [combine, read_header]
 *   -> [separate: linear_detector on joint_channel()] -> estimate_clock -> align again
 *   -> track_phase -> correct_phase
 *
 * What antenna m hears, at \p sps samples per nominal symbol (T = 1),
 *
 *   r_m(t) = sum_k h_mk exp(j 2 pi f_k (t - d_k)) sum_i a_k[i] p(t - d_k - i (1 + e_k))
 *            + n_m(t),
 *
 * with delay d_k, carrier frequency offset f_k and clock offset e_k of each user: h_k is
 * the gain at the user's first known symbol. Times are in samples of the input,
 * frequencies in cycles per symbol, noise variances those of the matched filter's output
 * (which are those of the samples).
 *
 * The channel is flat, so that W = pinv([h_1 .. h_K]) parts the users at any moment, and
 * a wrong phase of h_k turns stream k only: each user is aligned with its own time and
 * frequency on all antennas, its row of W applied, and what phase is left followed with
 * its own pilots. Pilots of different users need neither be aligned nor orthogonal.
 */

namespace gr {
namespace semcom {
namespace phy {

//! A number and the variance of its error; infinite: nothing is known.
struct scalar_estimate {
    double value = 0.0;
    double variance = std::numeric_limits<double>::infinity();
};

//! One complex number for each antenna, held in place.
using complex_vector = Eigen::Matrix<cdouble, Eigen::Dynamic, 1, 0, max_streams, 1>;

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

//! A preamble that was heard.
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

//! Where a user's burst is, how it is turned, and how it is heard.
struct synchronisation {
    bool found = false;
    scalar_estimate start;     //!< [samples] centre of the first known symbol
    scalar_estimate cfo;       //!< [cycles per symbol]
    scalar_estimate amplitude; //!< root mean square of the gains
    complex_vector h;          //!< [M] gains at \p start
    double middle = 0.0;       //!< [symbols] from the first known symbol to their middle
    double err_var = std::numeric_limits<double>::infinity();   //!< of each gain
    double noise_var = std::numeric_limits<double>::infinity(); //!< at each antenna
    double snr = 0.0; //!< linear, mean over the antennas
};

//! What the matched filter and the known symbols tell of one user.
class synchroniser
{
public:
    //! \throws std::invalid_argument with the field at fault.
    explicit synchroniser(const pulse_shape& pulse);

    /*!
     * Time, frequency and gains by maximum likelihood from N known symbols a.
     *
     * With w_m[i](t) = conj(a[i]) y_m(t + i sps), y the matched filter's output after
     * derotation: time by a parabola through sum_m |sum_i w_m[i](t)|^2 at three times
     * a fraction of a symbol apart (the matched filter is evaluated there, nothing is
     * interpolated), frequency by a search over +-1 / N and Newton's method on
     * sum_m |sum_i w_m[i] exp(-j 2 pi f i)|^2, both repeated with smaller steps.
     * Start within half a symbol and 1 / N of the truth, as preamble_detector gives; use
     * it again with the header's symbols added once the header is known.
     *
     *   h_m = sum_i w_m[i] / N,  noise_var = sum |w_m[i] - h_m|^2 / (M (N - 1)),
     *   err_var = noise_var / N,  g = sum_m (|h_m|^2 - err_var) / noise_var,
     *   var(cfo) = 6 / ((2 pi)^2 g N (N^2 - 1)),
     *   var(start) = sps^2 / (2 g N (2 pi)^2 B),  B of mean_square_bandwidth(),
     *   var(amplitude) = noise_var / (2 M N):
     *
     * the Cramer-Rao bounds, which the estimates reach. A clock offset e moves start by
     * e (N - 1) / 2 symbols: it is the middle's time that is measured. Sources: Rife,
     * Boorstyn, IEEE Trans. Inf. Theory 20(5), 1974; Mengali, D'Andrea, "Synchronization
     * techniques for digital receivers", 1997, 2.4 and 3.3.
     *
     * Degenerate input: samples that are not finite count as 0. If a known symbol lies
     * outside of the input, or no signal stands out (g <= 0), or start or cfo are not
     * finite, nothing is found: h is 0, variances infinite, SNR 0.
     *
     * \param in     \p num_rx streams of \p count samples.
     * \param num_rx M, 1 to 8.
     * \param known  At least 8 symbols of unit modulus.
     * \param start  [samples] of the first known symbol.
     * \param cfo    [cycles per symbol]
     * \throws std::invalid_argument for fewer known symbols.
     */
    synchronisation synchronise(const cfloat* const* in,
                                int num_rx,
                                size_t count,
                                const std::vector<cfloat>& known,
                                double start,
                                double cfo) const;

    /*!
     * Symbols [first, first + length) of a user on each antenna, counted from its first
     * known one: derotated by exp(-j 2 pi cfo (t - start)), matched filtered at the
     * times start + i sps (1 + clock_offset).
     *
     * Symbols outside of the input, and all if nothing was found, are 0; samples that
     * are not finite count as 0.
     *
     * \param clock_offset Symbols last this much longer than nominal, 20e-6 for 20 ppm.
     * \param[out] out     \p num_rx streams of \p length symbols.
     */
    void align(const cfloat* const* in,
               int num_rx,
               size_t count,
               const synchronisation& found,
               double clock_offset,
               size_t first,
               size_t length,
               cfloat* const* out) const;

private:
    pulse_shape d_pulse;
    polyphase_filter d_filter;
};

/*!
 * The channel of all users, for linear_detector: column k is h of user k, err_var_k its
 * err_var, noise_var the mean. If one was not found, everything is unknown (invalid).
 *
 * \throws std::invalid_argument if there is no user, or numbers of antennas differ.
 */
csi joint_channel(const std::vector<synchronisation>& users);

/*!
 * Maximum ratio combining, out = sum_m conj(h_m) in_m / sum_m |h_m|^2, for what is heard
 * alone: noise_var / sum_m |h_m|^2 remains. Gains of 0 or not finite give zeros, and
 * samples that are not finite too.
 *
 * \return The noise variance of the output for noise_var = 1; infinite without gains.
 */
double
combine(const cfloat* const* in, const complex_vector& h, size_t count, cfloat* out);

/*!
 * Decodes a header whose frequency is that of the preamble alone: decode_header() at
 * found.cfo, then at 1 and 2 standard deviations to either side, until a CRC fits.
 *
 * The error of found.cfo turns the end of a header by some 30 degrees at -5 dB, so that
 * over AWGN, at an Es / N0 of -2.5 dB after combining and 4 repetitions, 578 of 600
 * headers are read without and 599 with the other frequencies; an exact frequency gives
 * no more. Noise alone is taken for a header with probability 5 * 2^-16.
 *
 * Degenerate input: as decode_header(), and not ok if nothing was found.
 *
 * \param symbols 86 repeats symbols as combine() gives them.
 * \param repeats 1 to 8.
 * \param first   [symbols] from the first known symbol to the header's first.
 * \throws std::invalid_argument with the argument at fault.
 */
decoded_header read_header(const cfloat* symbols,
                           int repeats,
                           const synchronisation& found,
                           size_t first);

//! The body of one user's burst after the detector, and what is known of it.
struct user_stream {
    const cfloat* body;      //!< layout.total(payload) symbols, pilots and payload
    frame_layout layout;     //!< of pilots and payload
    uint64_t payload;        //!< [symbols]
    std::vector<cfloat> row; //!< the user's pilots, layout.num_pilots of them
    double noise_var;        //!< after the detector

    //! \throws std::invalid_argument if the row is not as long as the layout says, or 0.
    void check() const;
};

//! What a body's pilots say of one user's stream: its phase over time.
struct phase_track {
    std::vector<double> time;      //!< [symbols of the body] centre of each pilot block
    std::vector<double> phase;     //!< [rad] there, continuous
    std::vector<double> phase_var; //!< [rad^2]
    scalar_estimate cfo;           //!< [cycles per symbol] left, at the last block
};

/*!
 * Follows the phase of a stream over the pilot blocks of its body.
 *
 * A block's phase is measured as that of c = sum_p conj(row[p]) x[p] / sum |row|^2, with
 * variance noise_var / (2 c0^2 sum |row|^2), c0 the mean |c|. Phase and frequency then
 * are the state of a Kalman filter over the blocks, and of a Rauch-Tung-Striebel smoother
 * back: phase moves by its frequency and by phase noise. Without phase noise this is
 * the straight line of least squares. Source: Rauch, Tung, Striebel, AIAA Journal 3(8),
 * 1965.
 *
 * Degenerate input: blocks that are not finite or 0 are passed over; if there are no
 * others, or a variance given is not finite, phases are 0 and their variances infinite.
 *
 * \param stream      Throws as its check() does.
 * \param cfo_var     [cycles^2 per symbol^2] of the frequency already corrected.
 * \param phase_noise [rad^2 per symbol] by which the phase wanders.
 */
phase_track
track_phase(const user_stream& stream, double cfo_var, double phase_noise = 1e-6);

/*!
 * Turns a body back by its phase: straight lines between the blocks, and before the
 * first and after the last the frequency of the track.
 */
void correct_phase(cfloat* body, size_t count, const phase_track& track);

//! What is left of a user's timing, as its pilots see it.
struct clock_estimate {
    scalar_estimate offset; //!< symbols last this much longer than they were taken for
    scalar_estimate delay;  //!< [symbols] by which the first known symbol came later
};

/*!
 * Clock offset from the pilots of a stream.
 *
 * Taken late by D symbols, x[i] = c (a[i] + D sum_l a[l] g'(i - l)), with g the raised
 * cosine. Both terms are fitted over the inner pilots of a block (the sum is over the
 * whole block), which needs no derivative of the waveform and so has no self-noise at
 * D = 0. Over the blocks, D = -(delay + offset t), t the time since the first known
 * symbol, by least squares with Gaussian priors: offset_var, and var(start) for the
 * delay at the middle of the known symbols. Pilots that tell no time (all the same, or
 * fewer than 3) leave the priors as they are.
 *
 * Valid for |D| below 0.2 symbols; correct and repeat beyond.
 *
 * \param stream     Throws as its check() does.
 * \param pulse      The pulse of all symbols.
 * \param found      What the stream was aligned with.
 * \param body_start [symbols] from the first known symbol to the body's first.
 * \param offset_var Prior variance of the offset, (20e-6)^2 / 3 for +-20 ppm.
 * \throws std::invalid_argument if offset_var is not above 0.
 */
clock_estimate estimate_clock(const user_stream& stream,
                              const pulse_shape& pulse,
                              const synchronisation& found,
                              double body_start,
                              double offset_var);

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
