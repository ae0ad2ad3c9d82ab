/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_LDPC_DECODER_IMPL_H
#define INCLUDED_SEMCOM_LDPC_DECODER_IMPL_H

#include "phy/coding/block_code.h"
#include "whole_frame_block.h"
#include <gnuradio/semcom/ldpc_decoder.h>
#include <memory>

namespace gr {
namespace semcom {

class ldpc_decoder_impl : public ldpc_decoder, public whole_frame_block
{
public:
    explicit ldpc_decoder_impl(const phy::block_code_options& options);

    void set_code(const std::string& modulation,
                  const std::string& rate,
                  int length,
                  int crc,
                  int repetition) override;
    decoder_counts counts() const override;
    bool start() override;

protected:
    void begin_frame(int) override { d_active = d_code; }
    uint64_t finish_frame() override;
    void open_frame(int item) override;
    void write(uint64_t first, uint64_t count, void* const* out) override;

private:
    const int d_iterations;
    const pmt::pmt_t d_tag_key, d_port;
    using shared_code = std::shared_ptr<const phy::block_code>;
    shared_code d_code;   // wanted
    shared_code d_active; // of the frame under way
    std::vector<uint8_t> d_bits, d_good;
    decoder_counts d_counts;
    mutable gr::thread::mutex
        d_counts_mutex; // work() holds the other one while it decodes
};

} // namespace semcom
} // namespace gr

#endif
