/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bits_to_frames_impl.h"
#include <gnuradio/io_signature.h>
#include <algorithm>
#include <stdexcept>

namespace gr {
namespace semcom {

bits_to_frames::sptr bits_to_frames::make(const std::string& modulation,
                                          const std::string& rate,
                                          int length,
                                          int crc,
                                          int repetition,
                                          int frame_bits)
{
    if (frame_bits < 0)
        throw std::invalid_argument("frame_bits: " + std::to_string(frame_bits) +
                                    " found, 0 (frames are tagged) or more expected");
    const phy::block_code_options options{ modulation, rate, length, crc, repetition };
    return gnuradio::make_block_sptr<bits_to_frames_impl>(options, frame_bits);
}

bits_to_frames_impl::bits_to_frames_impl(const phy::block_code_options& options,
                                         uint64_t frame_bits)
    : gr::block("bits_to_frames",
                gr::io_signature::make(1, 1, sizeof(uint8_t)),
                gr::io_signature::make(1, 1, sizeof(gr_complex))),
      whole_frame_block(frame_bits),
      d_code(std::make_shared<const phy::block_code>(options)),
      d_active(d_code)
{
}

void bits_to_frames_impl::set_code(const std::string& modulation,
                                   const std::string& rate,
                                   int length,
                                   int crc,
                                   int repetition)
{
    const phy::block_code_options options{ modulation, rate, length, crc, repetition };
    const auto code = std::make_shared<const phy::block_code>(options);
    gr::thread::scoped_lock lock(d_setlock);
    d_code = code;
}

uint64_t bits_to_frames_impl::finish_frame()
{
    const uint8_t* bytes = items<uint8_t>(0);
    d_bits.resize(frame().length);
    std::transform(bytes, bytes + d_bits.size(), d_bits.begin(), [](uint8_t byte) {
        return byte & 1;
    });
    d_symbols = d_active->encode(d_bits.data(), d_bits.size());
    return d_symbols.size();
}

void bits_to_frames_impl::write(uint64_t first, uint64_t count, void* const* out)
{
    std::copy_n(d_symbols.begin() + first, count, static_cast<gr_complex*>(out[0]));
}

} // namespace semcom
} // namespace gr
