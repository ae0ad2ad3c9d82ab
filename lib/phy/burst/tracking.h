/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_TRACKING_H
#define INCLUDED_SEMCOM_PHY_TRACKING_H

#include "phy/framing.h"
#include "pulse.h"
#include "synchroniser.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! The body of one user's burst after the detector.
struct user_stream {
    const cfloat* body;      //!< layout.total(payload) symbols, pilots and payload
    frame_layout layout;     //!< of pilots and payload
    uint64_t payload;        //!< [symbols]
    std::vector<cfloat> row; //!< the user's pilots, layout.num_pilots of them
    double noise_var;        //!< after the detector

    //! \throws std::invalid_argument if the row is not as long as the layout says, or 0.
    void check() const;
};

//! The phase of one user's stream over time, from the pilots of its body.
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

//! A user's remaining timing error, from its pilots.
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
