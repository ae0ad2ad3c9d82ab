/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "frame_power_impl.h"
#include <gnuradio/io_signature.h>
#include <gnuradio/semcom/errors.h>
#include <algorithm>
#include <cmath>

namespace gr {
namespace own {

namespace {
const pmt::pmt_t FRAME = pmt::mp("semcom_frame");
const pmt::pmt_t POWER = pmt::mp("power");
} // namespace

frame_power::sptr frame_power::make()
{
    return gnuradio::make_block_sptr<frame_power_impl>();
}

frame_power_impl::frame_power_impl()
    : gr::sync_block("frame_power",
                     gr::io_signature::make(1, 1, sizeof(gr_complex)),
                     gr::io_signature::make(1, 1, sizeof(gr_complex)))
{
    message_port_register_out(POWER);
}

bool frame_power_impl::start()
{
    d_left = 0;
    return gr::sync_block::start();
}

int frame_power_impl::work(int noutput_items,
                           gr_vector_const_void_star& input_items,
                           gr_vector_void_star& output_items)
{
    const auto* in = static_cast<const gr_complex*>(input_items[0]);
    auto* out = static_cast<gr_complex*>(output_items[0]);
    const uint64_t begin = nitems_read(0);
    std::vector<tag_t> tags;
    for (int i = 0; i < noutput_items; ++i) {
        if (d_left == 0) { // a frame has to begin here
            get_tags_in_range(tags, 0, begin + i, begin + i + 1, FRAME);
            if (tags.empty()) {
                gr::semcom::report_error(alias(),
                                         "an item outside a frame found, tags semcom_frame "
                                         "expected; put a Pilot Inserter before this block");
                return WORK_DONE;
            }
            d_number = pmt::to_uint64(pmt::car(tags[0].value));
            d_left = d_length = pmt::to_uint64(pmt::cdr(tags[0].value));
            d_energy = 0.0;
        }
        d_energy += std::norm(in[i]);
        if (--d_left == 0)
            tell();
    }
    std::copy_n(in, noutput_items, out);
    return noutput_items;
}

void frame_power_impl::tell()
{
    auto told = pmt::make_dict();
    told = pmt::dict_add(told, pmt::mp("frame"), pmt::from_uint64(d_number));
    told = pmt::dict_add(
        told, pmt::mp("power_db"), pmt::from_double(10 * std::log10(d_energy / d_length)));
    message_port_pub(POWER, told);
}

} // namespace own
} // namespace gr
