/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PILOT_INSERTER_CC_IMPL_H
#define INCLUDED_SEMCOM_PILOT_INSERTER_CC_IMPL_H

#include "framed_block.h"
#include "phy/framing.h"
#include <gnuradio/semcom/pilot_inserter_cc.h>

namespace gr {
namespace semcom {

class pilot_inserter_cc_impl : public pilot_inserter_cc, public framed_block
{
public:
    pilot_inserter_cc_impl(const std::vector<gr_complex>& pilots,
                           uint64_t spacing,
                           uint64_t frame_length);

protected:
    progress run(int num_out, int num_in, input_streams in, output_streams out) override;
    void reset() override;

private:
    const std::vector<gr_complex> d_pilots;
    const phy::frame_layout d_layout;
    const uint64_t d_frame_length; // 0: frames come from tags
    uint64_t d_next_seq = 0;
    frame_header d_frame;
    std::vector<gr_complex> d_payload; // of the current frame, as far as it has come
    uint64_t d_total = 0;              // items of the current frame with its pilots
    uint64_t d_written = 0;            // of these

    bool whole() const { return d_payload.size() == d_frame.length; }
    void start_frame(int item);
    int read(const gr_complex* in, int num_in, int item);
    int write(gr_complex* out, int space);
};

} // namespace semcom
} // namespace gr

#endif
