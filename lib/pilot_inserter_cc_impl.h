/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PILOT_INSERTER_CC_IMPL_H
#define INCLUDED_SEMCOM_PILOT_INSERTER_CC_IMPL_H

#include "phy/framing.h"
#include "whole_frame_block.h"
#include <gnuradio/semcom/pilot_inserter_cc.h>

namespace gr {
namespace semcom {

class pilot_inserter_cc_impl : public pilot_inserter_cc, public whole_frame_block
{
public:
    pilot_inserter_cc_impl(const std::vector<gr_complex>& pilots,
                           uint64_t spacing,
                           uint64_t frame_length);

protected:
    uint64_t finish_frame() override { return d_layout.total(frame().length); }
    void write(uint64_t first, uint64_t count, void* const* out) override;

private:
    const std::vector<gr_complex> d_pilots;
    const phy::frame_layout d_layout;
};

} // namespace semcom
} // namespace gr

#endif
