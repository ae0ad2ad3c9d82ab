/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_FRAME_SYNC_CC_H
#define INCLUDED_SEMCOM_FRAME_SYNC_CC_H

#include <gnuradio/block.h>
#include <gnuradio/semcom/api.h>
#include <cstdint>
#include <string>
#include <vector>

namespace gr {
namespace semcom {

//! Measurements of one user from its preamble, header and pilots.
struct user_report {
    bool detected = false; //!< its preamble was detected; otherwise all fields are 0
    bool read = false;     //!< its header was decoded
    double delay = 0.0;    //!< [s] of its burst after the time of the report
    double cfo = 0.0;      //!< [Hz] carrier frequency offset
    double clock = 0.0;    //!< [ppm] by which its symbols are longer than nominal
    double snr_db = 0.0;   //!< [dB] mean over the antennas, from known symbols
    int symbols = 0;       //!< of its payload; from the others' headers if not read
};

//! A burst that was received.
struct burst_report {
    uint32_t frame = 0;    //!< sequence number
    int fragment = 0;      //!< number of the frame's part, from 0
    int fragments = 1;     //!< number of parts of the frame
    int attempt = 0;       //!< number of the transmission, 0 for the first
    int length = 0;        //!< [symbols] of the payload in the first decoded header
    int terminal = 0;      //!< number of the sender of that header
    int system = 0;        //!< number of the semantic system
    bool passed = false;   //!< passed on; false for repeats and foreign bursts
    uint64_t seconds = 0;  //!< device time of the burst's first symbol, whole seconds
    double fraction = 0.0; //!< [s] and their fraction
    std::vector<user_report> users;
};

//! Counts since the flowgraph started.
struct sync_counts {
    uint64_t frames = 0;        //!< frames of which a part was passed on
    uint64_t lost = 0;          //!< numbers skipped and not received by a later attempt
    uint64_t missing = 0;       //!< fragments of \p frames that have not come (yet)
    uint64_t retried = 0;       //!< bursts of attempts after the first, passed on
    uint64_t duplicated = 0;    //!< not passed on: the same attempt again
    uint64_t restarts = 0;      //!< numbers that decreased: a sender was restarted
    uint64_t foreign = 0;       //!< not passed on: of another system, or not whole units
    uint64_t too_long = 0;      //!< headers of payloads above max_payload
    uint64_t other_version = 0; //!< headers of a version that this receiver cannot read
    uint64_t version = 0;       //!< version of the last of them; 0: none yet
    uint64_t preambles = 0;     //!< detected preambles
    uint64_t false_alarms = 0;  //!< preambles that belong to no burst
    uint64_t overflows = 0;     //!< samples missing, by the receiver's time stamps
    uint64_t passed = 0;        //!< bursts that were passed on
};

/*!
 * \brief Finds the bursts of K users in the samples of M antennas, and separates them.
 * \ingroup semcom
 *
 * \details
 * Each user sends [preamble | header | gap | pilots | payload | pilots ... | guard], the
 * heads of different users one after the other and the bodies at once, each payload as
 * long as its own header says. For each user:
 * detection of its preamble (generalised likelihood ratio over all antennas), time to a
 * fraction of a symbol, carrier frequency and gains by maximum likelihood, the header's
 * CRC; then, with the channel of all users, zero forcing or LMMSE on samples aligned with
 * this user's own time and frequency, and clock and phase followed on its own pilots.
 * Clocks and carriers of all devices may differ. The mathematics and their sources stand
 * in lib/phy/burst, from burst_receiver.h on.
 *
 * Input: M streams of complex samples, \p sample_rate each, endless, at any gain. Tags
 * \p rx_time (full seconds, fraction), as from UHD's source, are the device time; without
 * them it begins with 0. A jump of that time counts as an overflow.
 *
 * Output: K streams of complex symbols of unit mean power, one frame a burst, on each
 * port as long as that user's payload. Tags on the first item: \p semcom_frame (number .
 * length of this port) and \p semcom_fragment, a tuple of uint64 (fragment, fragments,
 * attempt), on all ports; \p csi on port 0, its no_eff filled in (csi of the gains at
 * each user's first symbol). A port is never more than a frame ahead of another.
 *
 * - A user that was not detected has zeros and an infinite no_eff. A user whose header
 *   could not be decoded is assumed to send with the others: see body_receiver.h.
 * - The same frame, fragment and attempt again is not passed on. Another attempt is, with
 *   its number in the tag; the block that joins fragments combines or drops it.
 * - A burst of another system than \p system is foreign, and so is one whose payloads are
 *   not whole units: a sender of the same system whose weights give words or seconds of
 *   another size. The header does not show that, and a decoder must not get such bursts.
 *   A fragment therefore carries whole units.
 * - A burst with a header of another version (older, or unknown to this receiver) is
 *   counted in other_version, and its version is reported; see header.h.
 *
 * Message port \p bursts: a dictionary for each burst: the fields of burst_report, those
 * of user_report as vectors over the users, and \p counts, a dictionary of sync_counts so
 * far.
 *
 * Samples that are not finite count as 0. No input makes the block fail.
 *
 * Example:
 * \code
 * auto sync = gr::semcom::frame_sync_cc::make(2, rows, 4e6);
 * tb->connect(usrp, 0, sync, 0);
 * tb->connect(usrp, 1, sync, 1);
 * \endcode
 */
class SEMCOM_API frame_sync_cc : virtual public gr::block
{
public:
    typedef std::shared_ptr<frame_sync_cc> sptr;

    /*!
     * \param num_rx      M antennas, at least the users, at most 8.
     * \param pilots      A row of pilots for each of the K users.
     * \param sample_rate [Hz]
     * \param sps         Samples per symbol.
     * \param spacing     Payload symbols between pilot blocks; 0: pilots in front only.
     * \param method      zf or lmmse.
     * \param first_code  Preamble of user 0; user k has this + k. 0: uplink (up to 6
     *                    users), 6: sidelink (3), 9: return link (1).
     * \param system      Number of the semantic system to receive; -1: any.
     * \param units       [symbols] For each user what its payload is a multiple of; all
     *                    users of a burst send equally many. Empty: 1 for all.
     * \param max_payload [symbols] longest payload that is received.
     * \throws std::invalid_argument if an argument is out of range.
     */
    static sptr make(int num_rx,
                     const std::vector<std::vector<gr_complex>>& pilots,
                     double sample_rate = 4e6,
                     int sps = 4,
                     int spacing = 64,
                     const std::string& method = "zf",
                     int first_code = 0,
                     int system = -1,
                     const std::vector<unsigned int>& units = {},
                     unsigned int max_payload = 1 << 20);

    /*!
     * Sets another method, for the bursts that are complete from now on.
     * \throws std::invalid_argument if unknown.
     */
    virtual void set_method(const std::string& method) = 0;

    //! The bursts since the last call, at most the last 10000.
    virtual std::vector<burst_report> take_reports() = 0;

    virtual sync_counts counts() const = 0;

    //! [s] of device time: all bursts that began before have been reported. Infinite once
    //! the stream has ended.
    virtual double received_until() const = 0;
};

} // namespace semcom
} // namespace gr

#endif
