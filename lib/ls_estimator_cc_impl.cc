/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "ls_estimator_cc_impl.h"
#include <gnuradio/io_signature.h>
#include <algorithm>

namespace gr {
namespace semcom {

ls_estimator_cc::sptr
ls_estimator_cc::make(int num_rx,
                      const std::vector<std::vector<gr_complex>>& pilots,
                      const std::string& method,
                      int spacing,
                      const std::string& interpolation)
{
    return gnuradio::make_block_sptr<ls_estimator_cc_impl>(
        num_rx, pilots, method, spacing, interpolation);
}

ls_estimator_cc_impl::ls_estimator_cc_impl(
    int num_rx,
    const std::vector<std::vector<gr_complex>>& pilots,
    const std::string& method,
    int spacing,
    const std::string& interpolation)
    : gr::block("ls_estimator_cc",
                gr::io_signature::make(antennas(num_rx), num_rx, sizeof(gr_complex)),
                gr::io_signature::make(antennas(num_rx), num_rx, sizeof(gr_complex))),
      pilot_block(num_rx, pilots, method, spacing, interpolation)
{
}

void ls_estimator_cc_impl::set_method(const std::string& method)
{
    const auto parsed = phy::parse_estimator(method);
    gr::thread::scoped_lock lock(d_setlock);
    use_method(parsed);
}

void ls_estimator_cc_impl::pass(uint64_t,
                                uint64_t count,
                                input_streams in,
                                output_streams out)
{
    for (int m = 0; m < num_rx(); m++)
        std::copy_n(in[m], count, out[m]);
}

} // namespace semcom
} // namespace gr
