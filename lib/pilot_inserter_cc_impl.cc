/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "pilot_inserter_cc_impl.h"
#include <gnuradio/io_signature.h>
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr {
namespace semcom {

pilot_inserter_cc::sptr pilot_inserter_cc::make(const std::vector<gr_complex>& pilots,
                                                int spacing,
                                                int frame_length)
{
    if (pilots.empty())
        throw std::invalid_argument("pilots: none found; give at least one symbol");
    for (const auto& symbol : pilots) {
        if (!std::isfinite(symbol.real()) || !std::isfinite(symbol.imag()))
            throw std::invalid_argument(
                "pilots: NaN or infinite symbol; give finite pilots");
    }
    if (spacing < 0)
        throw std::invalid_argument("spacing: " + std::to_string(spacing) +
                                    " found, 0 (pilots in front only) or more expected");
    if (frame_length < 0)
        throw std::invalid_argument("frame_length: " + std::to_string(frame_length) +
                                    " found, 0 (frames are tagged) or more expected");
    return gnuradio::make_block_sptr<pilot_inserter_cc_impl>(
        pilots, spacing, frame_length);
}

pilot_inserter_cc_impl::pilot_inserter_cc_impl(const std::vector<gr_complex>& pilots,
                                               uint64_t spacing,
                                               uint64_t frame_length)
    : gr::block("pilot_inserter_cc",
                gr::io_signature::make(1, 1, sizeof(gr_complex)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      d_pilots(pilots),
      d_layout{ pilots.size(), spacing },
      d_frame_length(frame_length)
{
}

void pilot_inserter_cc_impl::reset()
{
    d_next_seq = 0;
    d_written = d_total = 0;
}

void pilot_inserter_cc_impl::start_frame(int item)
{
    if (d_frame_length > 0) {
        d_frame.seq = d_next_seq++;
        d_frame.length = d_frame_length;
    } else {
        d_frame = frame_at(item);
    }
    d_total = d_layout.total(d_frame.length);
    d_written = 0;
    d_payload.clear();
}

//! Takes payload from item \p item of the window; returns how many symbols it took.
int pilot_inserter_cc_impl::read(const gr_complex* in, int num_in, int item)
{
    const int count =
        std::min<uint64_t>(num_in - item, d_frame.length - d_payload.size());
    if (d_frame_length == 0)
        check_no_frame(item + d_payload.empty(), item + count, d_frame);
    d_payload.insert(d_payload.end(), in + item, in + item + count);
    return count;
}

//! Writes on, as far as there is space; returns how many items it wrote.
int pilot_inserter_cc_impl::write(gr_complex* out, int space)
{
    int produced = 0;
    while (produced < space && d_written < d_total) {
        const uint64_t block = d_layout.pilot_block_at(d_written, d_frame.length);
        const uint64_t start = d_layout.pilot_position(block, d_frame.length);
        const uint64_t payload = start + d_layout.num_pilots;
        const bool pilot = d_written < payload;
        const uint64_t end =
            pilot ? payload : d_layout.pilot_position(block + 1, d_frame.length);
        const auto from = pilot ? d_pilots.begin() + (d_written - start)
                                : d_payload.begin() +
                                      d_layout.payload_before(d_written, d_frame.length);
        const uint64_t count = std::min<uint64_t>(space - produced, end - d_written);
        std::copy_n(from, count, out + produced);
        d_written += count;
        produced += count;
    }
    return produced;
}

framed_block::progress
pilot_inserter_cc_impl::run(int num_out, int num_in, input_streams in, output_streams out)
{
    progress done;
    while (done.consumed < num_in) {
        if (d_written == d_total)
            start_frame(done.consumed);
        if (!whole()) {
            // The frame's last item is consumed with the last output.
            done.consumed += read(in[0], num_in, done.consumed) - whole();
            continue;
        }
        if (d_written == 0 && done.produced < num_out)
            put_frame(done.produced, d_frame.seq, d_total);
        done.produced += write(out[0] + done.produced, num_out - done.produced);
        if (d_written < d_total)
            break;
        done.consumed++;
    }
    return done;
}

} // namespace semcom
} // namespace gr
