/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_MIMO_DETECTOR_CC_IMPL_H
#define INCLUDED_SEMCOM_MIMO_DETECTOR_CC_IMPL_H

#include "framed_sync_block.h"
#include "phy/flat/detection.h"
#include <gnuradio/semcom/mimo_detector_cc.h>

namespace gr {
namespace semcom {

class mimo_detector_cc_impl : public mimo_detector_cc, public framed_sync_block
{
public:
    mimo_detector_cc_impl(int num_rx, int num_tx, phy::detector_method method);

    void set_method(const std::string& method) override;

protected:
    void start_frame(int item) override;
    void apply(int item,
               uint64_t position,
               uint64_t count,
               input_streams in,
               output_streams out) override;

private:
    const int d_num_rx, d_num_tx;
    const pmt::pmt_t d_csi_key;
    phy::detector_method d_method; // wanted
    phy::detector_method d_active; // in use: none lasts until a csi tag comes
    phy::frame_detector d_detector;

    tag_iterator next_csi(tag_iterator from) const;
    void use_csi(const gr::tag_t& tag);
};

} // namespace semcom
} // namespace gr

#endif
