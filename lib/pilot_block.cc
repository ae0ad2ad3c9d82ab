/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "pilot_block.h"
#include <gnuradio/block_detail.h>
#include <algorithm>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace {

uint64_t checked_spacing(int spacing)
{
    if (spacing < 0)
        throw std::invalid_argument("spacing: " + std::to_string(spacing) +
                                    " found, 0 (pilots in front only) or more expected");
    return spacing;
}

} // namespace

int pilot_block::antennas(int num_rx)
{
    if (num_rx < 1 || num_rx > phy::max_streams)
        throw std::invalid_argument("num_rx: " + std::to_string(num_rx) +
                                    " found, 1 to 8 expected");
    return num_rx;
}

pilot_block::pilot_block(int num_rx,
                         const std::vector<std::vector<gr_complex>>& pilots,
                         const std::string& method,
                         int spacing,
                         const std::string& interpolation)
    : d_num_rx(num_rx),
      d_csi_key(pmt::mp("csi")),
      d_truth_key(pmt::mp("csi_true")),
      d_estimator(pilots),
      d_layout{ static_cast<uint64_t>(d_estimator.num_pilots()), checked_spacing(spacing) },
      d_interpolation(phy::parse_interpolation(interpolation)),
      d_method(phy::parse_estimator(method)),
      d_frame_method(d_method),
      d_store(num_rx)
{
    message_port_register_out(d_csi_key);
}

void pilot_block::start_frame(int item)
{
    d_frame = frame_at(item);
    d_frame_method = d_method;
    begin_frame();
    d_payload = d_layout.payload(d_frame.length);
    if (d_payload == 0)
        throw std::runtime_error("frame " + std::to_string(d_frame.seq) + ": " +
                                 std::to_string(d_frame.length) +
                                 " items are no whole number of payload symbols with " +
                                 std::to_string(d_layout.num_pilots) +
                                 " pilots at spacing " +
                                 std::to_string(d_layout.spacing) +
                                 "; use the pilots and spacing of pilot_inserter_cc");
    d_written = 0;
    d_pilot_blocks = 0;
    d_state.reset();
    if (d_frame_method == phy::estimator_method::perfect)
        d_state = truth(item);
}

void pilot_block::read(int item, uint64_t count, input_streams in)
{
    while (count > 0) {
        const uint64_t block = d_layout.pilot_block_at(d_read, d_payload);
        const uint64_t pilot = d_read - d_layout.pilot_position(block, d_payload);
        uint64_t piece;
        if (pilot < d_layout.num_pilots) {
            piece = std::min(count, d_layout.num_pilots - pilot);
            read_pilots(block, pilot, in, item, piece);
        } else {
            piece =
                std::min(count, d_layout.pilot_position(block + 1, d_payload) - d_read);
            store(d_read - (block + 1) * d_layout.num_pilots, in, item, piece);
        }
        d_read += piece;
        item += piece;
        count -= piece;
    }
}

//! Keeps payload symbols, of which \p first come before.
void pilot_block::store(uint64_t first, input_streams in, int item, uint64_t count)
{
    for (int m = 0; m < d_num_rx; m++) {
        if (d_store[m].size() < first + count)
            d_store[m].resize(first + count);
        std::copy_n(in[m] + item, count, &d_store[m][first]);
    }
}

void pilot_block::read_pilots(
    uint64_t block, uint64_t pilot, input_streams in, int item, int count)
{
    d_pilot_blocks = block + 1;
    if (block == d_pilots.size())
        d_pilots.emplace_back(d_num_rx, d_layout.num_pilots);
    for (int m = 0; m < d_num_rx; m++)
        std::copy_n(in[m] + item, count, &d_pilots[block](m, pilot));
}

//! What the simulated channel says of the frame that starts at \p item, for its payload.
phy::packed_csi pilot_block::truth(int item)
{
    const uint64_t first = nitems_read(0) + item;
    for (auto tag = tags_from(item); tag != tags_end() && (*tag)->offset == first; tag++)
        if ((*tag)->key == d_truth_key)
            return phy::at_payload(
                to_csi(**tag, num_rx(), num_tx()), d_layout, d_payload);
    throw std::runtime_error("frame " + std::to_string(d_frame.seq) +
                             " has no csi_true tag; the method perfect needs the "
                             "simulated channel right before the estimator");
}

void pilot_block::estimate()
{
    if (d_frame_method == phy::estimator_method::none ||
        d_frame_method == phy::estimator_method::perfect)
        return;
    d_estimator.estimate(d_pilots.data(), d_pilot_blocks, d_frame_method, d_estimates);
    d_state = phy::interpolate(d_estimates, d_layout, d_payload, d_interpolation);
}

void pilot_block::open_frame(int item)
{
    put_frame(item, d_frame, d_payload);
    open_payload(d_state ? &*d_state : nullptr);
    if (!d_state)
        return;
    const auto csi = to_pmt(d_state->elements());
    put_tag(item, d_csi_key, csi);
    publish(d_csi_key, d_frame.seq, csi);
}

void pilot_block::write(
    int item, uint64_t count, input_streams in, int in_item, output_streams out)
{
    if (d_written == 0)
        open_frame(item);
    const gr_complex* from[phy::max_streams];
    gr_complex* to[phy::max_streams];
    for (int m = 0; m < d_num_rx; m++)
        from[m] = stored() ? d_store[m].data() + d_written : in[m] + in_item;
    for (int port = 0; port < detail()->noutputs(); port++)
        to[port] = out[port] + item;
    pass(d_written, count, from, to);
    d_written += count;
}

framed_block::progress
pilot_block::run(int num_out, int num_in, input_streams in, output_streams out)
{
    progress done;
    while (done.consumed < num_in) {
        if (d_read == 0)
            start_frame(done.consumed);
        if (d_read < read_end()) {
            const uint64_t count =
                std::min<uint64_t>(num_in - done.consumed, read_end() - d_read);
            check_no_frame(done.consumed + (d_read == 0), done.consumed + count, d_frame);
            read(done.consumed, count, in);
            // The frame's last item is consumed with the last output.
            done.consumed += count - (d_read == d_frame.length);
            if (d_read == read_end())
                estimate();
            continue;
        }
        uint64_t count =
            std::min<uint64_t>(num_out - done.produced, d_payload - d_written);
        if (!stored())
            count = std::min<uint64_t>(count, num_in - done.consumed);
        if (count == 0)
            break;
        if (!stored()) {
            check_no_frame(done.consumed, done.consumed + count, d_frame);
            d_read += count;
        }
        write(done.produced, count, in, done.consumed, out);
        done.produced += count;
        done.consumed += stored() ? d_written == d_payload : count;
        if (d_written == d_payload)
            d_read = 0;
    }
    return done;
}

} // namespace semcom
} // namespace gr
