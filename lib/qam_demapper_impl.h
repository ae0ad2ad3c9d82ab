/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_QAM_DEMAPPER_IMPL_H
#define INCLUDED_SEMCOM_QAM_DEMAPPER_IMPL_H

#include "phy/coding/constellation.h"
#include "whole_frame_block.h"
#include <gnuradio/semcom/qam_demapper.h>

namespace gr {
namespace semcom {

class qam_demapper_impl : public qam_demapper, public whole_frame_block
{
public:
    qam_demapper_impl(int num_tx,
                      const phy::constellation& symbols,
                      phy::demap_method method);

    void set_modulation(const std::string& modulation) override;
    void set_method(const std::string& method) override;

protected:
    void begin_frame(int item) override;
    uint64_t finish_frame() override;
    void write(uint64_t first, uint64_t count, void* const* out) override;

private:
    const int d_num_tx;
    const pmt::pmt_t d_csi_key;
    phy::constellation d_wanted, d_active; // from the next frame on, and of this one
    phy::demap_method d_wanted_method, d_active_method;
    std::vector<std::vector<float>> d_noise; // [K, S]
    std::vector<std::vector<float>> d_llrs;  // [K, S b]
};

} // namespace semcom
} // namespace gr

#endif
