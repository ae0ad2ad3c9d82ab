/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_MIMO_RECEIVER_CC_IMPL_H
#define INCLUDED_SEMCOM_MIMO_RECEIVER_CC_IMPL_H

#include "phy/flat/detection.h"
#include "pilot_block.h"
#include <gnuradio/semcom/mimo_receiver_cc.h>

namespace gr {
namespace semcom {

class mimo_receiver_cc_impl : public mimo_receiver_cc, public pilot_block
{
public:
    mimo_receiver_cc_impl(int num_rx,
                          const std::vector<std::vector<gr_complex>>& pilots,
                          const std::string& csi,
                          const std::string& detector,
                          int spacing,
                          const std::string& interpolation);

    void set_methods(const std::string& csi, const std::string& detector) override;

protected:
    void begin_frame() override { d_active = d_method; }
    void open_payload(phy::packed_csi* state) override;
    void
    pass(uint64_t first, uint64_t count, input_streams in, output_streams out) override;

private:
    phy::detector_method d_method; // wanted
    phy::detector_method d_active; // in use: methods act on whole frames
    phy::frame_detector d_detector;
};

} // namespace semcom
} // namespace gr

#endif
