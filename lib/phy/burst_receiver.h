/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_BURST_RECEIVER_H
#define INCLUDED_SEMCOM_PHY_BURST_RECEIVER_H

#include "burst.h"
#include "detection.h"
#include "sync.h"
#include <deque>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! What a receiver of bursts knows beforehand.
struct burst_receiver_settings {
    burst_layout layout;
    pulse_shape pulse;
    detector_settings search;
    int num_rx = 2;                        //!< M, 1 to 8, at least the users
    std::vector<std::vector<cfloat>> rows; //!< pilots of each user
    detector_method method = detector_method::zf;
    double clock_ppm = 40.0; //!< [ppm] between a user's clock and the receiver's, at most
    //! [rad^2 per symbol] by which a phase wanders; two oscillators of -80 dBc/Hz at
    //! 10 kHz come to 8e-5 at 1 Msym/s.
    double phase_noise = 8e-5;

    //! \throws std::invalid_argument with the field at fault.
    void check() const;
};

//! One user's part of a burst as it was heard.
struct heard_user {
    bool detected = false; //!< its preamble was
    bool read = false;     //!< its header was
    frame_header header;   //!< if read, else that of the burst
    synchronisation sync;  //!< start in samples since the stream's beginning
    clock_estimate clock;
    double cfo = 0.0; //!< [cycles per symbol] with what its pilots added
};

//! A burst of all users.
struct received_burst {
    frame_header header; //!< the first that was read
    double start = 0.0;  //!< [samples] since the stream's beginning, of its first symbol
    std::vector<heard_user> users;
    csi channel{ 1, 1 };                      //!< with no_eff
    std::vector<std::vector<cfloat>> payload; //!< of each user
};

//! Counts frames by the numbers they carry.
class frame_counter
{
public:
    /*!
     * True if the frame is new: its number is not that of the one before.
     *
     * A larger number than the next one counts those between as lost; a smaller one says
     * that the sender was started again.
     */
    bool accept(uint32_t number);

    uint64_t num_frames() const { return d_frames; }
    uint64_t num_lost() const { return d_lost; }
    uint64_t num_duplicated() const { return d_duplicated; }
    uint64_t num_restarts() const { return d_restarts; }

private:
    uint32_t d_last = 0;
    uint64_t d_frames = 0, d_lost = 0, d_duplicated = 0, d_restarts = 0;
};

/*!
 * Bursts of K users out of the samples of M antennas that never end.
 *
 * For each preamble that is heard: synchronise, read the header, and with the header's
 * symbols known synchronise again. Users whose bursts start within a gap of each other
 * and carry the same frame number are one burst. One that was detected but could not be
 * read takes its header from the others. Once all of a burst has come, its users are
 * parted (each aligned with its own time and frequency), clock and phase followed on
 * each user's own pilots, and the payload taken out: the steps of sync.h.
 *
 * A user that was not heard has a payload of zeros, no_eff infinite and a column of zeros
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
    void set_method(detector_method method) { d_settings.method = method; }

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
    size_t d_block, d_lead, d_tail; // [samples] of a search, and around it

    std::vector<std::vector<cfloat>> d_samples; // of each antenna
    double d_first = 0.0;                       // index of the first sample held
    double d_searched = 0.0;                    // preambles before are in d_heads
    std::vector<head> d_heads;
    std::vector<received_burst> d_open;
    std::vector<unread> d_unread;
    std::deque<received_burst> d_bursts;
    uint64_t d_num_detected = 0, d_num_unread = 0;

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
    void close_bursts(bool last);
    void adopt(received_burst& burst);
    void expire();
    void trim();
    std::vector<const cfloat*> held() const;
    void align(const synchronisation& found,
               double clock_offset,
               size_t first,
               std::vector<std::vector<cfloat>>& out) const;
    synchronisation
    synchronise(const std::vector<cfloat>& known, double start, double cfo) const;
    void receive(received_burst& burst) const;
    void follow(received_burst& burst,
                int user,
                const linear_detector& detector,
                int row,
                int rows) const;
    void set_channel(received_burst& burst, const std::vector<int>& present) const;
    std::vector<cfloat> separate(const received_burst& burst,
                                 int user,
                                 const linear_detector& detector,
                                 int row,
                                 int rows) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
