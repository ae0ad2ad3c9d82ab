/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "guarded_block.h"
#include <gnuradio/semcom/errors.h>

namespace gr {
namespace semcom {

int guarded_block::general_work(int noutput_items,
                                gr_vector_int& ninput_items,
                                gr_vector_const_void_star& input_items,
                                gr_vector_void_star& output_items)
{
    gr::thread::scoped_lock lock(d_setlock);
    try {
        return guarded_work(noutput_items, ninput_items, input_items, output_items);
    } catch (const std::exception& error) {
        d_logger->error("{:s}", error.what());
        report_error(alias(), error.what());
    }
    return WORK_DONE;
}

} // namespace semcom
} // namespace gr
