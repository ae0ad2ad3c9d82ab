/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_MULTIPATH_H
#define INCLUDED_SEMCOM_PHY_MULTIPATH_H

#include "mock_settings.h"
#include "phy/jakes.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * An exponential power delay profile at whole samples: powers p_l proportional to r^l
 * that sum to 1, r chosen so that the RMS delay spread is exact. It ends where less than
 * 1e-4 of the power is left; every unit of spread takes more taps, 2 for 0.1 samples, 10
 * for 1.
 *
 * \param spread RMS delay spread [samples], 0 to 25.
 * \throws std::invalid_argument if \p spread is out of range.
 */
std::vector<double> exponential_profile(double spread);

/*!
 * The paths from K transmitters to the M antennas of one receiver:
 * y_m[n] = sum_k sum_l g_mkl(n) x_k[n - l].
 *
 * Each tap of each path scatters independently with the power of the profile:
 * g_mkl = sqrt(p_l / (R + 1)) h_mkl(t), h a Jakes process, and the first tap has the line
 * of sight sqrt(R / (R + 1)) exp(j phi_mk) besides, R = rician_k. Without fading, g_mml =
 * sqrt(p_l) exp(j phi_ml), phi_m0 = 0, and nothing else.
 *
 * Gains are held over blocks (fading::block), or linear between samples so close that
 * they follow the process to -80 dB (fading::jakes, Doppler to 1/4096 of the sample
 * rate).
 */
class multipath
{
public:
    /*!
     * \param settings    Of these paths.
     * \param sample_rate [Hz] of the receiver.
     * \param num_tx      K, 1 to 8.
     * \param num_rx      M, 1 to 8.
     * \param seed, link  Of the random numbers.
     * \throws std::invalid_argument if the delay spread has too many samples.
     */
    multipath(const path_settings& settings,
              double sample_rate,
              int num_tx,
              int num_rx,
              uint64_t seed,
              uint32_t link);

    //! Taps of each path; apply() reads num_taps() - 1 samples before its input.
    int num_taps() const { return static_cast<int>(d_amplitude.size()); }

    /*!
     * Passes the next samples through.
     *
     * \param[in]  in    K streams, with num_taps() - 1 samples before them and 8 after
     *                   their end that may be read.
     * \param[out] out   M streams, with 8 samples after their end that may be written.
     * \param[in]  count How many.
     */
    void apply(const cfloat* const* in, cfloat* const* out, size_t count);

private:
    int d_num_tx, d_num_rx;
    double d_sample_rate;
    fading d_kind;
    uint64_t d_hold;                 // samples from one draw of the gains to the next
    std::vector<double> d_amplitude; // of the scatter, tap by tap
    std::vector<jakes_process> d_scatter;          // [M, K, L]
    std::vector<cdouble> d_fixed;                  // [M, K, L], the part that stays
    std::vector<cfloat> d_gains, d_next, d_slopes; // [M, K, L]
    uint64_t d_position = 0;                       // samples passed so far

    void draw_fixed(const path_settings& settings, const random_stream& phases);
    void draw_gains(double position, std::vector<cfloat>& gains) const;
    void move(uint64_t position);
    void
    filter(const float* const* in, float* const* out, float held, size_t count) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
