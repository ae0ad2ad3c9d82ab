/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "mimo_receiver_cc_impl.h"
#include <gnuradio/io_signature.h>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace {

phy::detector_method parse_methods(const std::string& csi, const std::string& detector)
{
    const auto method = phy::parse_detector(detector);
    if (phy::parse_estimator(csi) == phy::estimator_method::none &&
        method != phy::detector_method::none)
        throw std::invalid_argument("csi: 'none' gives the detector " + detector +
                                    " no channel; choose another, or the detector none");
    return method;
}

} // namespace

mimo_receiver_cc::sptr
mimo_receiver_cc::make(int num_rx,
                       const std::vector<std::vector<gr_complex>>& pilots,
                       const std::string& csi,
                       const std::string& detector,
                       int spacing,
                       const std::string& interpolation)
{
    return gnuradio::make_block_sptr<mimo_receiver_cc_impl>(
        num_rx, pilots, csi, detector, spacing, interpolation);
}

mimo_receiver_cc_impl::mimo_receiver_cc_impl(
    int num_rx,
    const std::vector<std::vector<gr_complex>>& pilots,
    const std::string& csi,
    const std::string& detector,
    int spacing,
    const std::string& interpolation)
    : gr::block("mimo_receiver_cc",
                gr::io_signature::make(antennas(num_rx), num_rx, sizeof(gr_complex)),
                gr::io_signature::make(pilots.size(), pilots.size(), sizeof(gr_complex))),
      pilot_block(num_rx, pilots, csi, spacing, interpolation),
      d_method(parse_methods(csi, detector)),
      d_active(d_method)
{
    if (num_tx() > num_rx)
        throw std::invalid_argument("pilots: " + std::to_string(num_tx()) +
                                    " rows found, at most num_rx = " +
                                    std::to_string(num_rx) + " expected");
}

void mimo_receiver_cc_impl::set_methods(const std::string& csi,
                                        const std::string& detector)
{
    const auto estimation = phy::parse_estimator(csi);
    const auto detection = parse_methods(csi, detector);
    gr::thread::scoped_lock lock(d_setlock);
    use_method(estimation);
    d_method = detection;
}

void mimo_receiver_cc_impl::open_payload(phy::packed_csi* state)
{
    if (state) {
        d_detector.set(*state, d_active);
    } else {
        phy::packed_csi nothing{ phy::csi(num_rx(), num_tx()) };
        d_detector.set(nothing, d_active);
    }
}

void mimo_receiver_cc_impl::pass(uint64_t first,
                                 uint64_t count,
                                 input_streams in,
                                 output_streams out)
{
    d_detector.apply(in, out, first, count);
}

} // namespace semcom
} // namespace gr
