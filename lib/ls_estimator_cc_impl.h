/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_LS_ESTIMATOR_CC_IMPL_H
#define INCLUDED_SEMCOM_LS_ESTIMATOR_CC_IMPL_H

#include "framed_block.h"
#include "phy/flat/estimation.h"
#include <gnuradio/semcom/ls_estimator_cc.h>
#include <vector>

namespace gr {
namespace semcom {

class ls_estimator_cc_impl : public ls_estimator_cc, public framed_block
{
public:
    ls_estimator_cc_impl(int num_rx,
                         const std::vector<std::vector<gr_complex>>& pilots,
                         phy::estimator_method method,
                         uint64_t spacing,
                         phy::interpolation_method interpolation);

    void set_method(const std::string& method) override;

protected:
    progress run(int num_out, int num_in, input_streams in, output_streams out) override;
    void reset() override { d_read = 0; }

private:
    const int d_num_rx;
    const pmt::pmt_t d_csi_key, d_truth_key;
    const phy::pilot_estimator d_estimator;
    const phy::frame_layout d_layout;
    const phy::interpolation_method d_interpolation;
    phy::estimator_method d_method;

    frame_header d_frame;
    phy::estimator_method d_frame_method; // set_method() acts on whole frames
    uint64_t d_payload = 0;               // payload symbols of the frame
    uint64_t d_read = 0;                  // items of the frame read
    uint64_t d_written = 0;               // payload symbols written
    std::vector<phy::pilot_estimator::block> d_pilots; // received; memory is used again
    uint64_t d_pilot_blocks = 0;                       // of this frame
    std::vector<phy::csi> d_estimates;                 // of these blocks
    std::vector<std::vector<gr_complex>> d_store; // payload of each antenna (spacing > 0)
    pmt::pmt_t d_csi;                             // of the frame; null without

    //! With spaced pilots the last ones come after the payload, which waits for them.
    bool stored() const { return d_layout.spacing > 0; }
    uint64_t read_end() const { return stored() ? d_frame.length : d_layout.num_pilots; }

    void start_frame(int item);
    void read(int item, uint64_t count, input_streams in);
    void
    read_pilots(uint64_t block, uint64_t pilot, input_streams in, int item, int count);
    pmt::pmt_t truth(int item);
    void estimate();
    void open_frame(int item);
    void
    write(int item, uint64_t count, input_streams in, int in_item, output_streams out);
};

} // namespace semcom
} // namespace gr

#endif
