/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "crc.h"
#include "phy/check_field.h"

namespace gr {
namespace semcom {
namespace phy {

crc::crc(int width) : d_width(width)
{
    check_field(
        width == 16 || width == 24 || width == 32, "crc", width, "16, 24 or 32 bits");
    d_polynomial = width == 16 ? 0x1021 : width == 24 ? 0x864cfb : 0x04c11db7;
    d_first = width == 16 ? 0xffff : width == 24 ? 0 : 0xffffffff;
    d_last = width == 32 ? 0xffffffff : 0;
}

uint32_t crc::compute(const uint8_t* bits, size_t count) const
{
    // The register stands at the top of the word, whatever its width.
    const int above = 32 - d_width;
    const uint32_t polynomial = d_polynomial << above;
    uint32_t state = d_first << above;
    for (size_t i = 0; i < count; i++) {
        const uint32_t out = (state >> 31) ^ bits[i];
        state = (state << 1) ^ (polynomial & (0u - out));
    }
    return (state >> above) ^ d_last;
}

void crc::append(uint8_t* bits, size_t count) const
{
    const uint32_t check = compute(bits, count);
    for (int i = 0; i < d_width; i++)
        bits[count + i] = (check >> (d_width - 1 - i)) & 1;
}

bool crc::holds(const uint8_t* bits, size_t count) const
{
    const uint32_t check = compute(bits, count);
    uint32_t found = 0;
    for (int i = 0; i < d_width; i++)
        found = (found << 1) | bits[count + i];
    return found == check;
}

} // namespace phy
} // namespace semcom
} // namespace gr
