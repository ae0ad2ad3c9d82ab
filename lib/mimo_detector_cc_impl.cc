/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "mimo_detector_cc_impl.h"
#include <gnuradio/io_signature.h>
#include <algorithm>
#include <stdexcept>

namespace gr {
namespace semcom {

mimo_detector_cc::sptr
mimo_detector_cc::make(int num_rx, int num_tx, const std::string& method)
{
    if (num_tx < 1 || num_rx < num_tx || num_rx > phy::max_streams)
        throw std::invalid_argument("num_rx, num_tx: " + std::to_string(num_rx) +
                                    " and " + std::to_string(num_tx) +
                                    " found, 1 <= num_tx <= num_rx <= 8 expected");
    return gnuradio::make_block_sptr<mimo_detector_cc_impl>(
        num_rx, num_tx, phy::parse_detector(method));
}

mimo_detector_cc_impl::mimo_detector_cc_impl(int num_rx,
                                             int num_tx,
                                             phy::detector_method method)
    : gr::block("mimo_detector_cc",
                gr::io_signature::make(num_rx, num_rx, sizeof(gr_complex)),
                gr::io_signature::make(num_tx, num_tx, sizeof(gr_complex))),
      d_num_rx(num_rx),
      d_num_tx(num_tx),
      d_csi_key(pmt::mp("csi")),
      d_method(method),
      d_active(method)
{
}

void mimo_detector_cc_impl::set_method(const std::string& method)
{
    const auto parsed = phy::parse_detector(method);
    gr::thread::scoped_lock lock(d_setlock);
    d_method = parsed;
}

void mimo_detector_cc_impl::start_frame(int item)
{
    if (d_method == phy::detector_method::none)
        d_active = d_method;
    // A frame without CSI is not detected with that of the frame before.
    bool ready = d_active == phy::detector_method::none;
    if (ready) {
        phy::packed_csi nothing{ phy::csi(d_num_rx, d_num_tx) };
        d_detector.set(nothing, d_active);
    }
    const uint64_t first = nitems_read(0) + item;
    for (auto tag = next_csi(tags_from(item)); tag != tags_end() && (*tag)->offset == first;
         tag = next_csi(tag + 1)) {
        use_csi(**tag);
        ready = true;
    }
    if (!ready)
        throw std::runtime_error(
            "frame " + std::to_string(frame().seq) +
            " has no csi tag on its first item; put ls_estimator_cc before the "
            "detector with a method other than none, or choose the detector none");
}

void mimo_detector_cc_impl::use_csi(const gr::tag_t& tag)
{
    auto value = to_csi(tag, d_num_rx, d_num_tx);
    d_active = d_method;
    d_detector.set(value, d_active);
    put_tag(tag.offset - nitems_read(0), d_csi_key, to_pmt(value.elements()));
}

mimo_detector_cc_impl::tag_iterator
mimo_detector_cc_impl::next_csi(tag_iterator from) const
{
    return std::find_if(
        from, tags_end(), [this](const auto* tag) { return tag->key == d_csi_key; });
}

void mimo_detector_cc_impl::apply(
    int item, uint64_t position, uint64_t count, input_streams in, output_streams out)
{
    const auto late = next_csi(tags_from(position == 0 ? item + 1 : item));
    if (late != tags_end() && (*late)->offset < nitems_read(0) + item + count)
        throw std::runtime_error("csi: the tag at item " + std::to_string((*late)->offset) +
                                 " lies inside frame " + std::to_string(frame().seq) +
                                 "; send one for each frame, on its first item");
    d_detector.apply(in, out, position, count);
}

} // namespace semcom
} // namespace gr
