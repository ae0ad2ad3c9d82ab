/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_OWN_FRAME_POWER_IMPL_H
#define INCLUDED_OWN_FRAME_POWER_IMPL_H

#include <own/frame_power.h>
#include <cstdint>

namespace gr {
namespace own {

class frame_power_impl : public frame_power
{
public:
    frame_power_impl();
    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    void tell();

    uint64_t d_number = 0, d_length = 0; // of the frame
    uint64_t d_left = 0;                 // [items] of it that have not come
    double d_energy = 0.0;               // of those that have
};

} // namespace own
} // namespace gr

#endif
