/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_BODY_RECEIVER_H
#define INCLUDED_SEMCOM_PHY_BODY_RECEIVER_H

#include "received_burst.h"

namespace gr {
namespace semcom {
namespace phy {

//! Samples of M antennas; sample 0 is sample \p first of the stream.
struct held_samples {
    std::vector<const cfloat*> streams;
    size_t count;
    double first;
};

/*!
 * The payloads of a burst whose heads were read: users are parted, each aligned with its
 * own time and frequency, and clock and phase followed on each user's own pilots.
 *
 * Payloads may have different lengths; a user's stream is received for its own length,
 * and the others' signals, or their silence, do not disturb it.
 *
 * A user that was detected but whose header was not decoded has the length in its header
 * here, which is a guess. If the last pilot block of that length has less than half of
 * the pilots' amplitude, the guess was wrong: its payload is zeros, its no_eff infinite.
 * (Without pilots after the payload this cannot be detected.)
 */
class body_receiver
{
public:
    //! \param settings Must pass its check().
    explicit body_receiver(const burst_receiver_settings& settings);

    void set_method(detector_method method) { d_settings.method = method; }

    //! Symbols [first, ...) of a user after its first known one, on each antenna.
    void align(const held_samples& heard,
               const synchronisation& found,
               double clock_offset,
               size_t first,
               std::vector<std::vector<cfloat>>& out) const;

    //! Fills in channel, payload and each user's clock and cfo; headers and
    //! synchronisations are there.
    void receive(const held_samples& heard, received_burst& burst) const;

private:
    //! One user of a burst, and its row of the detector's.
    struct user_row {
        int user;
        const linear_detector& detector;
        int row, rows;
    };

    burst_receiver_settings d_settings;
    synchroniser d_sync;

    void set_channel(received_burst& burst, const std::vector<int>& present) const;
    double body_start(int user) const;
    std::vector<cfloat> separate(const held_samples& heard,
                                 const heard_user& user,
                                 const user_row& place,
                                 uint64_t payload) const;
    void
    follow(const held_samples& heard, received_burst& burst, const user_row& place) const;
    void follow_clock(const held_samples& heard,
                      heard_user& user,
                      const user_row& place) const;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
