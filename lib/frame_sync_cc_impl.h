/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_FRAME_SYNC_CC_IMPL_H
#define INCLUDED_SEMCOM_FRAME_SYNC_CC_IMPL_H

#include "guarded_block.h"
#include "phy/burst/burst_receiver.h"
#include "phy/burst/frame_counter.h"
#include <gnuradio/semcom/frame_sync_cc.h>
#include <deque>
#include <memory>

namespace gr {
namespace semcom {

class frame_sync_cc_impl : public frame_sync_cc, public guarded_block
{
public:
    frame_sync_cc_impl(const phy::burst_receiver_settings& settings,
                       double sample_rate,
                       int system);

    void set_method(const std::string& method) override;
    std::vector<burst_report> take_reports() override;
    sync_counts counts() const override;
    double received_until() const override;

    bool start() override;
    void forecast(int noutput_items, gr_vector_int& ninput_items_required) override;

protected:
    int guarded_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

private:
    //! Device time of a sample, as whole seconds and the rest.
    struct stamp {
        uint64_t sample = 0, seconds = 0;
        double fraction = 0.0;
    };

    phy::burst_receiver_settings d_settings;
    const double d_sample_rate;
    const int d_system;
    const pmt::pmt_t d_frame_key, d_fragment_key, d_csi_key, d_time_key, d_port;

    mutable gr::thread::mutex d_mutex; // of all below
    std::unique_ptr<phy::burst_receiver> d_receiver;
    phy::frame_counter d_counter;
    std::deque<stamp> d_stamps;
    std::deque<burst_report> d_reports;
    uint64_t d_foreign = 0, d_overflows = 0, d_passed = 0;
    double d_received_until = 0.0; // [s]

    std::deque<phy::received_burst> d_outbox;
    std::vector<size_t> d_written; // items of the first of them, on each port
    int d_kept = 0;                // items that were read and are not consumed
    bool d_finished = false;       // nothing comes any more
    int d_told_version = 0;        // other than ours, of which the log knows

    bool input_done();
    bool is_last(const gr_vector_int& ninput_items, int available);
    void read(int available, gr_vector_const_void_star& in);
    void read_stamps(int first, int available);
    stamp time_of(double sample) const;
    void take_bursts();
    burst_report report(const phy::received_burst& burst) const;
    bool is_ours(const phy::received_burst& burst) const;
    bool write(int noutput_items, gr_vector_void_star& out);
    void open_frame(const phy::received_burst& burst, int port, int item);
    sync_counts counted() const;
    void publish(const burst_report& report);
    void tell_version();
};

} // namespace semcom
} // namespace gr

#endif
