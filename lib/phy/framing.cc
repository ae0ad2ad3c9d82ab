/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "framing.h"
#include <algorithm>

namespace gr {
namespace semcom {
namespace phy {

uint64_t frame_layout::payload_blocks(uint64_t payload) const
{
    return spacing == 0 ? 1 : (payload + spacing - 1) / spacing;
}

uint64_t frame_layout::pilot_blocks(uint64_t payload) const
{
    return spacing == 0 ? 1 : payload_blocks(payload) + 1;
}

uint64_t frame_layout::total(uint64_t payload) const
{
    return payload + pilot_blocks(payload) * num_pilots;
}

uint64_t frame_layout::payload(uint64_t total_items) const
{
    if (total_items <= num_pilots)
        return 0;
    const uint64_t rest = total_items - num_pilots;
    if (spacing == 0)
        return rest;
    const uint64_t period = spacing + num_pilots;
    const uint64_t pilots = (rest + period - 1) / period * num_pilots;
    // A last block of pilots only cannot be: such a length belongs to no frame.
    return rest > pilots && total(rest - pilots) == total_items ? rest - pilots : 0;
}

uint64_t frame_layout::pilot_position(uint64_t block, uint64_t payload) const
{
    const uint64_t payload_block = spacing == 0 ? payload : spacing;
    return block * num_pilots + std::min(block * payload_block, payload);
}

uint64_t frame_layout::pilot_block_at(uint64_t position, uint64_t payload) const
{
    if (spacing == 0)
        return 0;
    const uint64_t last = payload_blocks(payload);
    return position >= pilot_position(last, payload) ? last
                                                     : position / (spacing + num_pilots);
}

uint64_t frame_layout::payload_position(uint64_t index) const
{
    const uint64_t block = spacing == 0 ? 0 : index / spacing;
    return index + (block + 1) * num_pilots;
}

uint64_t frame_layout::payload_before(uint64_t position, uint64_t payload) const
{
    if (spacing == 0)
        return position < num_pilots ? 0 : std::min(position - num_pilots, payload);
    const uint64_t period = spacing + num_pilots;
    const uint64_t inside = position % period;
    const uint64_t here = inside < num_pilots ? 0 : inside - num_pilots;
    return std::min(position / period * spacing + here, payload);
}

} // namespace phy
} // namespace semcom
} // namespace gr
