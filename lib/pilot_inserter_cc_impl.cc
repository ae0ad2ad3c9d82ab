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

void pilot_inserter_cc_impl::start_frame(int in_item, int out_item)
{
    if (d_frame_length > 0) {
        d_frame.seq = d_next_seq++;
        d_frame.length = d_frame_length;
    } else {
        d_frame = frame_at(in_item);
    }
    d_total = d_layout.total(d_frame.length);
    d_written = 0;
    d_consumed = 0;
    put_frame(out_item, d_frame.seq, d_total);
}

//! Payload symbols that may be consumed: the last one only with the whole frame written.
uint64_t pilot_inserter_cc_impl::finished_input() const
{
    const uint64_t used = d_layout.payload_before(d_written, d_frame.length);
    return d_written == d_total ? used : std::min(used, d_frame.length - 1);
}

//! Writes up to the end of a pilot or payload block; \p in is at payload symbol
//! d_consumed.
uint64_t pilot_inserter_cc_impl::write_some(const gr_complex* in,
                                            int num_in,
                                            gr_complex* out,
                                            int space)
{
    const uint64_t block = d_layout.pilot_block_at(d_written, d_frame.length);
    const uint64_t pilot = d_written - d_layout.pilot_position(block, d_frame.length);
    if (pilot < d_layout.num_pilots) {
        const uint64_t count = std::min<uint64_t>(space, d_layout.num_pilots - pilot);
        std::copy_n(d_pilots.begin() + pilot, count, out);
        return count;
    }
    const uint64_t end = d_layout.pilot_position(block + 1, d_frame.length);
    const uint64_t count = std::min<uint64_t>(std::min(space, num_in), end - d_written);
    std::copy_n(in, count, out);
    return count;
}

framed_block::progress
pilot_inserter_cc_impl::run(int num_out, int num_in, input_streams in, output_streams out)
{
    progress done;
    while (done.produced < num_out && done.consumed < num_in) {
        if (d_written == d_total)
            start_frame(done.consumed, done.produced);
        const uint64_t count = write_some(in[0] + done.consumed,
                                          num_in - done.consumed,
                                          out[0] + done.produced,
                                          num_out - done.produced);
        d_written += count;
        done.produced += count;
        const uint64_t consumed = finished_input() - d_consumed;
        if (d_frame_length == 0)
            check_no_frame(done.consumed + (d_consumed == 0 ? 1 : 0),
                           done.consumed + consumed,
                           d_frame);
        d_consumed += consumed;
        done.consumed += consumed;
    }
    return done;
}

} // namespace semcom
} // namespace gr
