/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_BURST_RECEIVER_H
#define INCLUDED_SEMCOM_PHY_BURST_RECEIVER_H

#include "body_receiver.h"
#include <deque>
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

/*!
 * Bursts of K users out of the samples of M antennas that never end.
 *
 * For each preamble that is heard: synchronise, read the header, and with the header's
 * symbols known synchronise again. Users whose bursts start within a gap of each other
 * and carry the same system, frame, fragment and attempt are one burst; their payloads
 * may differ in length. One that was detected but could not be read takes its header from
 * the others, with as many units of payload (see burst_receiver_settings), and its
 * payload is zeros if its pilots do not end there. Once all of a burst has come, its
 * users are parted, clock and phase followed and the payload taken out: body_receiver.h.
 *
 * A user that was not heard has a payload of zeros, as many units as the others', no_eff
 * infinite and a column of zeros
 * in H; the others are separated without it. no_eff is never less than the error that a
 * user's own pilots show after all corrections, in which everything is that the model
 * leaves out (Doppler, multi-path, phase noise, IQ imbalance).
 *
 * How the samples are cut changes nothing. Samples that are not finite count as 0.
 */
class burst_receiver
{
public:
    //! \throws std::invalid_argument with the field at fault.
    explicit burst_receiver(const burst_receiver_settings& settings);

    //! For the bursts that come whole from now on.
    void set_method(detector_method method) { d_bodies.set_method(method); }

    //! Takes \p count samples of each antenna.
    void push(const cfloat* const* in, size_t count);

    //! Nothing comes any more: looks at what there is.
    void finish();

    //! The bursts received so far, in the order of their starts.
    std::deque<received_burst>& bursts() { return d_bursts; }

    //! [samples] All bursts that start before have been put into bursts().
    double received_until() const;

    //! [samples] of each antenna that are held.
    size_t num_held() const { return d_samples[0].size(); }

    //! Preambles that were heard, and those of them that belong to no burst.
    uint64_t num_detected() const { return d_num_detected; }
    uint64_t num_unread() const { return d_num_unread; }

    //! Headers of another version, and which version the last of them had; 0: none yet.
    uint64_t num_other_version() const { return d_num_other_version; }
    int other_version() const { return d_other_version; }

    //! Headers of payloads longer than max_payload, which are not received.
    uint64_t num_too_long() const { return d_num_too_long; }

private:
    // Starts count since the stream's beginning.
    struct head {
        int user;
        detection heard;
    };
    struct unread {
        int user;
        synchronisation sync;
    };

    burst_receiver_settings d_settings;
    std::vector<preamble_detector> d_detectors;
    std::vector<std::vector<cfloat>> d_preambles;
    synchroniser d_sync;
    body_receiver d_bodies;
    size_t d_block, d_lead, d_tail; // [samples] of a search, and around it

    std::vector<std::vector<cfloat>> d_samples; // of each antenna
    double d_first = 0.0;                       // index of the first sample held
    double d_searched = 0.0;                    // preambles before are in d_heads
    std::vector<head> d_heads;
    std::vector<received_burst> d_open;
    std::vector<unread> d_unread;
    std::deque<received_burst> d_bursts;
    uint64_t d_num_detected = 0, d_num_unread = 0;
    uint64_t d_num_other_version = 0, d_num_too_long = 0;
    int d_other_version = 0;

    //! [samples] All preambles that start before were read.
    double read_until() const;
    double end() const { return d_first + static_cast<double>(d_samples[0].size()); }
    double margin() const;
    double tolerance() const;
    double length_of(const received_burst& burst) const;
    void advance(bool last);
    void search(double until);
    void read_heads(bool last);
    void read(const head& preamble);
    void place(int user, const heard_user& heard);
    frame_header expected_header(const received_burst& burst, size_t user) const;
    void close_bursts(bool last);
    void adopt(received_burst& burst);
    void expire();
    void trim();
    held_samples held() const;
    decoded_header header_after(const synchronisation& preamble) const;
    synchronisation refined(int user,
                            const synchronisation& preamble,
                            const decoded_header& header) const;
    synchronisation
    synchronise(const std::vector<cfloat>& known, double start, double cfo) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
