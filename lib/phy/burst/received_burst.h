/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_RECEIVED_BURST_H
#define INCLUDED_SEMCOM_PHY_RECEIVED_BURST_H

#include "burst.h"
#include "phy/flat/detection.h"
#include "preamble_detector.h"
#include "tracking.h"
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

//! Settings of a receiver of bursts.
struct burst_receiver_settings {
    burst_layout layout;
    pulse_shape pulse;
    detector_settings search;
    int num_rx = 2;                        //!< M, 1 to 8, at least the users
    std::vector<std::vector<cfloat>> rows; //!< pilots of each user
    //! [symbols] Payloads of each user come in multiples of its unit: a second's symbols,
    //! a word's, a codeword's. All users of a burst send equally many units. Empty: 1
    //! for all, so that a user that could not be read is taken to send as much as one
    //! that was.
    std::vector<uint32_t> units;
    //! [symbols] of the longest payload that is received; so much is held.
    uint32_t max_payload = 1 << 20;
    detector_method method = detector_method::zf;
    double clock_ppm = 40.0; //!< [ppm] between a user's clock and the receiver's, at most
    //! [rad^2 per symbol] by which a phase wanders; two oscillators of -80 dBc/Hz at
    //! 10 kHz come to 8e-5 at 1 Msym/s.
    double phase_noise = 8e-5;

    //! \throws std::invalid_argument with the field at fault.
    void check() const;

    uint32_t unit(size_t user) const { return units.empty() ? 1 : units[user]; }
};

//! One user's part of a received burst.
struct heard_user {
    bool detected = false; //!< its preamble was detected
    bool read = false;     //!< its header was decoded
    frame_header header;   //!< if read, else that of the burst with as many units
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
    std::vector<std::vector<cfloat>> payload; //!< of each user, users[k].header.length
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
