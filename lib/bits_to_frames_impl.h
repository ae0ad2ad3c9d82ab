/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_BITS_TO_FRAMES_IMPL_H
#define INCLUDED_SEMCOM_BITS_TO_FRAMES_IMPL_H

#include "phy/coding/block_code.h"
#include "whole_frame_block.h"
#include <gnuradio/semcom/bits_to_frames.h>
#include <memory>

namespace gr {
namespace semcom {

class bits_to_frames_impl : public bits_to_frames, public whole_frame_block
{
public:
    bits_to_frames_impl(const phy::block_code_options& options, uint64_t frame_bits);

    void set_code(const std::string& modulation,
                  const std::string& rate,
                  int length,
                  int crc,
                  int repetition) override;

protected:
    void begin_frame(int) override { d_active = d_code; }
    uint64_t finish_frame() override;
    void write(uint64_t first, uint64_t count, void* const* out) override;

private:
    using shared_code = std::shared_ptr<const phy::block_code>;
    shared_code d_code;   // wanted
    shared_code d_active; // of the frame under way
    std::vector<uint8_t> d_bits;
    std::vector<gr_complex> d_symbols;
};

} // namespace semcom
} // namespace gr

#endif
