/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "whole_frame_block.h"
#include <gnuradio/block_detail.h>
#include <algorithm>

namespace gr {
namespace semcom {

whole_frame_block::whole_frame_block(uint64_t frame_length) : d_frame_length(frame_length)
{
}

void whole_frame_block::reset()
{
    d_next_seq = 0;
    d_read = d_written = d_total = 0;
    d_store.resize(detail()->ninputs());
}

void whole_frame_block::start_frame(int item)
{
    if (d_frame_length > 0) {
        d_frame.seq = d_next_seq++;
        d_frame.length = d_frame_length;
    } else {
        d_frame = frame_at(item);
    }
    for (auto& stream : d_store)
        stream.clear();
    begin_frame(item);
}

//! Takes items from item \p item of the window; returns how many.
int whole_frame_block::read(input_streams in, int num_in, int item)
{
    const int count = std::min<uint64_t>(num_in - item, d_frame.length - d_read);
    if (d_frame_length == 0)
        check_no_frame(item + (d_read == 0), item + count, d_frame);
    for (size_t port = 0; port < d_store.size(); port++) {
        const size_t size = input_signature()->sizeof_stream_item(port);
        const char* from = reinterpret_cast<const char*>(in[port]) + size * item;
        d_store[port].insert(d_store[port].end(), from, from + size * count);
    }
    d_read += count;
    return count;
}

//! Writes on, as far as there is space; returns how many items it wrote.
int whole_frame_block::write_on(output_streams out, int produced, int num_out)
{
    const uint64_t count = std::min<uint64_t>(num_out - produced, d_total - d_written);
    if (count == 0)
        return 0;
    if (d_written == 0) {
        put_frame(produced, d_frame.seq, d_total);
        open_frame(produced);
    }
    std::vector<void*> to(detail()->noutputs());
    for (size_t port = 0; port < to.size(); port++)
        to[port] = reinterpret_cast<char*>(out[port]) +
                   output_signature()->sizeof_stream_item(port) * produced;
    write(d_written, count, to.data());
    d_written += count;
    return count;
}

framed_block::progress
whole_frame_block::run(int num_out, int num_in, input_streams in, output_streams out)
{
    progress done;
    while (done.consumed < num_in) {
        if (d_read == 0)
            start_frame(done.consumed);
        if (d_total == 0) {
            done.consumed += read(in, num_in, done.consumed);
            if (d_read < d_frame.length)
                continue;
            // The frame's last item is consumed with the last output.
            done.consumed--;
            d_total = finish_frame();
        }
        done.produced += write_on(out, done.produced, num_out);
        if (d_written < d_total)
            break;
        done.consumed++;
        d_read = d_written = d_total = 0;
    }
    return done;
}

} // namespace semcom
} // namespace gr
