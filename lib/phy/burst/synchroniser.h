/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_SYNCHRONISER_H
#define INCLUDED_SEMCOM_PHY_SYNCHRONISER_H

#include "phy/flat/csi.h"
#include "pulse.h"
#include <limits>
#include <vector>

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

//! Time, frequency and gains of a user's burst.
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

//! Synchronises to one user by the matched filter and its known symbols.
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

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
