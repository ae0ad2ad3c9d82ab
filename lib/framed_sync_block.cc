/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "framed_sync_block.h"
#include <gnuradio/block_detail.h>
#include <algorithm>

namespace gr {
namespace semcom {

framed_block::progress
framed_sync_block::run(int num_out, int num_in, input_streams in, output_streams out)
{
    const int available = std::min(num_out, num_in);
    const int inputs = detail()->ninputs();
    const int outputs = detail()->noutputs();
    const phy::cfloat* from[phy::max_streams];
    phy::cfloat* to[phy::max_streams];
    int item = 0;
    while (item < available) {
        if (d_position == 0) {
            d_frame = frame_at(item);
            put_frame(item, d_frame.tag);
            start_frame(item);
        }
        const uint64_t count =
            std::min<uint64_t>(available - item, d_frame.length - d_position);
        check_no_frame(d_position == 0 ? item + 1 : item, item + count, d_frame);
        for (int k = 0; k < inputs; k++)
            from[k] = in[k] + item;
        for (int m = 0; m < outputs; m++)
            to[m] = out[m] + item;
        apply(item, d_position, count, from, to);
        d_position = (d_position + count) % d_frame.length;
        item += count;
    }
    return { item, item };
}

} // namespace semcom
} // namespace gr
