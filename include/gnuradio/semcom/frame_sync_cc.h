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

//! What one user's preamble, header and pilots told.
struct user_report {
    bool detected = false; //!< its preamble was heard; all below is 0 if not
    bool read = false;     //!< its header was read
    double delay = 0.0;    //!< [s] of its burst after the time of the report
    double cfo = 0.0;      //!< [Hz] carrier frequency offset
    double clock = 0.0;    //!< [ppm] by which its symbols last longer than ours
    double snr_db = 0.0;   //!< [dB] mean over the antennas, from known symbols
};

//! A burst that was received.
struct burst_report {
    uint32_t frame = 0;    //!< sequence number
    int length = 0;        //!< [symbols] of the payload
    int terminal = 0;      //!< who sent the first header that was read
    int system = 0;        //!< which semantic system
    bool passed = false;   //!< it went on; false for duplicates and other systems
    uint64_t seconds = 0;  //!< device time of the burst's first symbol, whole seconds
    double fraction = 0.0; //!< [s] and the rest
    std::vector<user_report> users;
};

//! What was counted since the flowgraph started.
struct sync_counts {
    uint64_t frames = 0;       //!< passed on
    uint64_t lost = 0;         //!< numbers skipped
    uint64_t duplicated = 0;   //!< not passed on: the number before again
    uint64_t restarts = 0;     //!< numbers that fell: a sender was started again
    uint64_t foreign = 0;      //!< not passed on: of another semantic system or segment
    uint64_t preambles = 0;    //!< heard
    uint64_t false_alarms = 0; //!< preambles that belong to no burst
    uint64_t overflows = 0;    //!< samples missing, by the receiver's time stamps
};

/*!
 * \brief Finds the bursts of K users in the samples of M antennas, and separates them.
 * \ingroup semcom
 *
 * \details
 * Each user sends [preamble | header | gap | pilots | payload | pilots ... | guard], the
 * heads of different users one after the other and the bodies at once. For each user:
 * detection of its preamble (generalised likelihood ratio over all antennas), time to a
 * fraction of a symbol, carrier frequency and gains by maximum likelihood, the header's
 * CRC; then, with the channel of all users, zero forcing or LMMSE on samples aligned with
 * this user's own time and frequency, and clock and phase followed on its own pilots.
 * Clocks and carriers of all devices may differ. The mathematics and their sources stand
 * in lib/phy/{burst,sync,burst_receiver}.h.
 *
 * Input: M streams of complex samples, \p sample_rate each, endless, at any gain. Tags
 * \p rx_time (full seconds, fraction) as UHD's source gives them tell the device time;
 * without any it begins with 0. A jump of that time counts as an overflow.
 *
 * Output: K streams of complex symbols of unit mean power, one frame a burst, with tags
 * \p semcom_frame (number . length) on all ports and \p csi on port 0, its no_eff filled
 * in (csi of the gains at each user's first symbol). A user that was not heard has zeros
 * and an infinite no_eff. A frame with the number of the one before is not passed on.
 *
 * Message port \p bursts: a dictionary for each burst: the fields of burst_report, those
 * of user_report as vectors over the users, and \p counts, a dictionary of sync_counts so
 * far.
 *
 * Samples that are not finite count as 0. The block never fails on what it hears.
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
     * \param first_code  Preamble of user 0; user k has this + k. There are 3.
     * \param system      Number of the semantic system to listen to; -1: any.
     * \param segment     [symbols] that a payload is a multiple of; others are foreign.
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
                     int segment = 1);

    /*!
     * Another method, for the bursts that come whole from now on.
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
