/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "ldpc_decoder_impl.h"
#include <gnuradio/io_signature.h>
#include <algorithm>
#include <stdexcept>

namespace gr {
namespace semcom {

ldpc_decoder::sptr ldpc_decoder::make(const std::string& modulation,
                                      const std::string& rate,
                                      int length,
                                      int crc,
                                      int repetition,
                                      int iterations)
{
    phy::block_code_options options{ modulation, rate, length, crc, repetition };
    options.iterations = iterations;
    return gnuradio::make_block_sptr<ldpc_decoder_impl>(options);
}

ldpc_decoder_impl::ldpc_decoder_impl(const phy::block_code_options& options)
    : gr::block("ldpc_decoder",
                gr::io_signature::make(1, 1, sizeof(float)),
                gr::io_signature::make(1, 1, sizeof(uint8_t))),
      d_iterations(options.iterations),
      d_tag_key(pmt::mp("semcom_blocks")),
      d_port(pmt::mp("blocks")),
      d_code(std::make_shared<const phy::block_code>(options)),
      d_active(d_code)
{
    message_port_register_out(d_port);
}

void ldpc_decoder_impl::set_code(const std::string& modulation,
                                 const std::string& rate,
                                 int length,
                                 int crc,
                                 int repetition)
{
    phy::block_code_options options{ modulation, rate, length, crc, repetition };
    options.iterations = d_iterations;
    const auto code = std::make_shared<const phy::block_code>(options);
    gr::thread::scoped_lock lock(d_setlock);
    d_code = code;
}

decoder_counts ldpc_decoder_impl::counts() const
{
    gr::thread::scoped_lock lock(d_counts_mutex);
    return d_counts;
}

bool ldpc_decoder_impl::start()
{
    {
        gr::thread::scoped_lock lock(d_counts_mutex);
        d_counts = {};
    }
    return whole_frame_block::start();
}

uint64_t ldpc_decoder_impl::finish_frame()
{
    const uint64_t ratios = frame().length, b = d_active->symbol_bits();
    const auto layout = d_active->payload(ratios / b);
    if (ratios % b != 0 || layout.bits == 0)
        throw std::runtime_error("frame " + std::to_string(frame().seq) +
                                 ": no frame of this code has " + std::to_string(ratios) +
                                 " ratios; give the decoder the arguments of " +
                                 "bits_to_frames, and the demapper the same modulation");
    d_bits.resize(layout.blocks * layout.bits);
    d_good.resize(layout.blocks);
    d_active->decode(items<float>(0), ratios / b, d_bits.data(), d_good.data());
    const uint64_t failed = std::count(d_good.begin(), d_good.end(), 0);
    gr::thread::scoped_lock lock(d_counts_mutex);
    d_counts.frames++;
    d_counts.failed_frames += failed > 0;
    d_counts.blocks += layout.blocks;
    d_counts.failed_blocks += failed;
    return d_bits.size();
}

void ldpc_decoder_impl::open_frame(int item)
{
    const auto good = pmt::init_u8vector(d_good.size(), d_good);
    put_tag(item, d_tag_key, good);
    publish(d_port, frame().seq, good);
}

void ldpc_decoder_impl::write(uint64_t first, uint64_t count, void* const* out)
{
    std::copy_n(d_bits.begin() + first, count, static_cast<uint8_t*>(out[0]));
}

} // namespace semcom
} // namespace gr
