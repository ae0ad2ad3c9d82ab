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
      whole_frame_block(frame_length),
      d_pilots(pilots),
      d_layout{ pilots.size(), spacing }
{
}

void pilot_inserter_cc_impl::write(uint64_t first, uint64_t count, void* const* out)
{
    auto* to = static_cast<gr_complex*>(out[0]);
    const uint64_t length = frame().length, end = first + count;
    while (first < end) {
        const uint64_t block = d_layout.pilot_block_at(first, length);
        const uint64_t start = d_layout.pilot_position(block, length);
        const uint64_t payload = start + d_layout.num_pilots;
        const bool pilot = first < payload;
        const uint64_t until =
            pilot ? payload : d_layout.pilot_position(block + 1, length);
        const auto* from =
            pilot ? d_pilots.data() + (first - start)
                  : items<gr_complex>(0) + d_layout.payload_before(first, length);
        const uint64_t piece = std::min(end, until) - first;
        to = std::copy_n(from, piece, to);
        first += piece;
    }
}

} // namespace semcom
} // namespace gr
