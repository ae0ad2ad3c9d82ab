/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_MIMO_CHANNEL_CC_IMPL_H
#define INCLUDED_SEMCOM_MIMO_CHANNEL_CC_IMPL_H

#include "framed_sync_block.h"
#include "phy/flat/channel.h"
#include <gnuradio/semcom/mimo_channel_cc.h>

namespace gr {
namespace semcom {

class mimo_channel_cc_impl : public mimo_channel_cc, public framed_sync_block
{
public:
    mimo_channel_cc_impl(int num_tx, int num_rx, const phy::channel_settings& settings);

    void set_model(const std::string& model) override;
    void set_snr_db(double snr_db) override;
    void set_rician_k(double rician_k) override;
    void set_doppler(double doppler) override;
    void set_gain_db(double gain_db) override;

protected:
    void start_frame(int item) override;
    void apply(int item,
               uint64_t position,
               uint64_t count,
               input_streams in,
               output_streams out) override;

private:
    const pmt::pmt_t d_truth_key, d_port;
    phy::mimo_channel d_channel;
    phy::channel_settings d_next; // of the frames to come

    template <typename Value>
    void change(Value phy::channel_settings::*field, Value value);
};

} // namespace semcom
} // namespace gr

#endif
