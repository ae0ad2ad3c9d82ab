/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "burst.h"
#include "phy/check_field.h"
#include <algorithm>
#include <limits>

namespace gr {
namespace semcom {
namespace phy {

void burst_layout::check() const
{
    check_range("first_code", first_code, 0, num_preambles - 1);
    check_range("users", users, 1, last_of_family(first_code) + 1 - first_code);
    check_range("preamble_repeats", preamble_repeats, 5, max_preamble_repeats);
    check_range("header_repeats", header_repeats, 1, 8);
    check_range("gap", static_cast<double>(gap), 0, 1e6);
    check_range("num_pilots", static_cast<double>(body.num_pilots), 1, 65535);
    check_range("spacing", static_cast<double>(body.spacing), 0, 65535);
    check_range("guard", static_cast<double>(guard), 0, 1e6);
}

std::vector<cfloat> burst_layout::head(int user, const frame_header& header) const
{
    check_range("user", user, 0, users - 1);
    auto symbols = make_preamble(first_code + user, preamble_repeats);
    const auto coded = encode_header(header, header_repeats);
    symbols.insert(symbols.end(), coded.begin(), coded.end());
    return symbols;
}

std::vector<cfloat> assemble_burst(const burst_layout& layout,
                                   int user,
                                   const frame_header& header,
                                   const std::vector<cfloat>& row,
                                   const std::vector<cfloat>& payload)
{
    layout.check();
    const auto pilots = static_cast<double>(layout.body.num_pilots);
    const auto length = static_cast<double>(payload.size());
    check_range("row", static_cast<double>(row.size()), pilots, pilots);
    check_range("payload", length, 1, std::numeric_limits<uint32_t>::max());
    check_range("header.length", header.length, length, length);
    std::vector<cfloat> burst(layout.total(payload.size()));
    const auto head = layout.head(user, header);
    std::copy(head.begin(), head.end(), burst.begin() + layout.preamble_position(user));
    const auto body = burst.begin() + layout.body_position();
    for (uint64_t b = 0; b < layout.body.pilot_blocks(payload.size()); b++)
        std::copy(
            row.begin(), row.end(), body + layout.body.pilot_position(b, payload.size()));
    for (uint64_t i = 0; i < payload.size(); i++)
        body[layout.body.payload_position(i)] = payload[i];
    return burst;
}

} // namespace phy
} // namespace semcom
} // namespace gr
