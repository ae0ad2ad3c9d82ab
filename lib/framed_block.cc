/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "framed_block.h"
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer.h>
#include <gnuradio/buffer_reader.h>
#include <algorithm>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace {

constexpr long buffer_items = 32768;

//! So that counting items with pilots never overflows, whatever a tag says.
constexpr uint64_t longest_frame = uint64_t{ 1 } << 40;

std::string text(const frame_header& frame)
{
    return "frame " + std::to_string(frame.seq) + " of " + std::to_string(frame.length) +
           " items";
}

frame_header parse(const gr::tag_t& tag, uint64_t window_start)
{
    const auto& value = tag.value;
    const auto seq = pmt::is_pair(value) ? pmt::car(value) : pmt::PMT_NIL;
    const auto length = pmt::is_pair(value) ? pmt::cdr(value) : pmt::PMT_NIL;
    if (!pmt::is_uint64(seq) || !pmt::is_uint64(length))
        throw std::runtime_error(
            "semcom_frame: the tag at item " + std::to_string(tag.offset) + " holds " +
            pmt::write_string(value) +
            ", a pair of uint64 (sequence number . length) expected");
    frame_header frame{ static_cast<int64_t>(tag.offset - window_start),
                        pmt::to_uint64(seq),
                        pmt::to_uint64(length),
                        value };
    if (frame.length == 0 || frame.length > longest_frame)
        throw std::runtime_error("semcom_frame: " + text(frame) +
                                 "; a frame needs at least one item and at most 2^40");
    return frame;
}

//! True if the tag opens the same frame; streams of one source share the tag's value.
bool same(const gr::tag_t& tag, const frame_header& frame, uint64_t window_start)
{
    if (tag.offset != window_start + frame.position)
        return false;
    return tag.value == frame.tag || pmt::equal(tag.value, frame.tag);
}

} // namespace

framed_block::framed_block() : d_frame_key(pmt::mp("semcom_frame"))
{
    set_tag_propagation_policy(TPP_DONT);
    // Room for more frames at a time saves thread switches; nothing waits to fill it. From
    // the rate the scheduler takes the size of the buffers before a block, and of a block
    // that propagates no tags nothing else.
    set_relative_rate(1, buffer_items / 2);
    for (int port = 0; port < output_signature()->max_streams(); port++)
        set_min_output_buffer(port, buffer_items);
}

bool framed_block::start()
{
    reset();
    return block::start();
}

void framed_block::forecast(int, gr_vector_int& ninput_items_required)
{
    std::fill(ninput_items_required.begin(), ninput_items_required.end(), 1);
}

int framed_block::guarded_work(int noutput_items,
                               gr_vector_int& ninput_items,
                               gr_vector_const_void_star& input_items,
                               gr_vector_void_star& output_items)
{
    const int num_in = *std::min_element(ninput_items.begin(), ninput_items.end());
    read_frames(num_in);
    const auto done = run(noutput_items,
                          num_in,
                          reinterpret_cast<input_streams>(input_items.data()),
                          reinterpret_cast<output_streams>(output_items.data()));
    consume_each(done.consumed);
    return done.produced;
}

template <typename Visit>
void framed_block::visit_tags(int stream, int num_in, Visit visit)
{
    // Read in place: get_tags_in_window() copies each tag twice, with its counted pointers.
    const auto buffer = detail()->input(stream)->buffer();
    gr::thread::scoped_lock lock(*buffer->mutex());
    const uint64_t first = nitems_read(stream);
    const auto end = buffer->get_tags_lower_bound(first + num_in);
    for (auto each = buffer->get_tags_lower_bound(first); each != end; ++each)
        visit(each->second);
}

void framed_block::read_frames(int num_in)
{
    d_frames.clear();
    d_tags.clear();
    visit_tags(0, num_in, [this](const gr::tag_t& tag) {
        if (tag.key == d_frame_key)
            add_frame(tag);
        else
            d_tags.push_back(&tag);
    });
    for (int stream = 1; stream < detail()->ninputs(); stream++)
        check_stream(stream, num_in);
}

void framed_block::add_frame(const gr::tag_t& tag)
{
    auto frame = parse(tag, nitems_read(0));
    if (!d_frames.empty() && d_frames.back().position == frame.position &&
        !pmt::equal(d_frames.back().tag, tag.value))
        throw std::runtime_error(text(d_frames.back()) + " and " + text(frame) +
                                 " start at the same item; tag each frame once");
    d_frames.push_back(std::move(frame));
}

void framed_block::check_stream(int stream, int num_in)
{
    size_t count = 0;
    visit_tags(stream, num_in, [&](const gr::tag_t& tag) {
        if (tag.key != d_frame_key)
            return;
        if (count == d_frames.size() || !same(tag, d_frames[count], nitems_read(0)))
            throw_out_of_step(stream, tag.offset);
        count++;
    });
    if (count < d_frames.size())
        throw_out_of_step(stream, nitems_read(0) + d_frames[count].position);
}

void framed_block::throw_out_of_step(int stream, uint64_t item) const
{
    throw std::runtime_error("streams out of step: near item " + std::to_string(item) +
                             " input " + std::to_string(stream) +
                             " and input 0 carry different frames; give all inputs the "
                             "same sequence numbers and lengths at the same items");
}

std::vector<frame_header>::const_iterator
framed_block::frames_from(int64_t position) const
{
    return std::lower_bound(
        d_frames.begin(), d_frames.end(), position, [](const auto& frame, int64_t item) {
            return frame.position < item;
        });
}

framed_block::tag_iterator framed_block::tags_from(int64_t position)
{
    return std::lower_bound(
        d_tags.begin(),
        d_tags.end(),
        nitems_read(0) + position,
        [](const auto* tag, uint64_t item) { return tag->offset < item; });
}

const frame_header& framed_block::frame_at(int64_t position)
{
    const auto frame = frames_from(position);
    if (frame != d_frames.end() && frame->position == position)
        return *frame;
    throw std::runtime_error("no frame: item " +
                             std::to_string(nitems_read(0) + position) +
                             " follows a frame or starts the stream, but has no "
                             "semcom_frame tag; tag the first item of each frame");
}

void framed_block::check_no_frame(int64_t first,
                                  int64_t last,
                                  const frame_header& current) const
{
    const auto next = frames_from(first);
    if (next != d_frames.end() && next->position < last)
        throw std::runtime_error(text(current) + " is cut short: " + text(*next) +
                                 " starts inside it; send whole frames");
}

void framed_block::put_frame(int64_t position, uint64_t seq, uint64_t length)
{
    put_frame(position, make_frame_tag(seq, length));
}

void framed_block::put_frame(int64_t position, const frame_header& frame, uint64_t length)
{
    if (length != d_length_number) {
        d_length_number = length;
        d_length = pmt::from_uint64(length);
    }
    put_frame(position, pmt::cons(pmt::car(frame.tag), d_length));
}

void framed_block::put_frame(int64_t position, const pmt::pmt_t& tag)
{
    d_tag.key = d_frame_key;
    d_tag.value = tag;
    for (int port = 0; port < detail()->noutputs(); port++) {
        d_tag.offset = nitems_written(port) + position;
        add_item_tag(port, d_tag);
    }
}

void framed_block::put_tag(int64_t position,
                           const pmt::pmt_t& key,
                           const pmt::pmt_t& value)
{
    d_tag.key = key;
    d_tag.value = value;
    d_tag.offset = nitems_written(0) + position;
    add_item_tag(0, d_tag);
}

void framed_block::publish(const pmt::pmt_t& port, uint64_t seq, const pmt::pmt_t& values)
{
    if (pmt::is_pair(message_subscribers(port)))
        message_port_pub(port, pmt::cons(pmt::from_uint64(seq), values));
}

pmt::pmt_t make_frame_tag(uint64_t seq, uint64_t length)
{
    return pmt::cons(pmt::from_uint64(seq), pmt::from_uint64(length));
}

phy::packed_csi to_csi(const gr::tag_t& tag)
{
    if (!pmt::is_c32vector(tag.value))
        throw std::runtime_error(
            pmt::symbol_to_string(tag.key) + ": the tag at item " +
            std::to_string(tag.offset) +
            " is no complex vector; send it as ls_estimator_cc does");
    size_t size = 0;
    const auto* elements = pmt::c32vector_elements(tag.value, size);
    return { elements, size };
}

phy::packed_csi to_csi(const gr::tag_t& tag, int num_rx, int num_tx)
{
    auto value = to_csi(tag);
    if (value.num_rx() != num_rx || value.num_tx() != num_tx)
        throw std::runtime_error(
            pmt::symbol_to_string(tag.key) + ": the tag at item " +
            std::to_string(tag.offset) + " is of M=" + std::to_string(value.num_rx()) +
            ", K=" + std::to_string(value.num_tx()) + ", but this block was made for M=" +
            std::to_string(num_rx) + ", K=" + std::to_string(num_tx) +
            "; give both blocks the same numbers");
    return value;
}

pmt::pmt_t to_pmt(const std::vector<phy::cfloat>& values)
{
    return pmt::init_c32vector(values.size(), values);
}

} // namespace semcom
} // namespace gr
