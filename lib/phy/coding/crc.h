/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CODING_CRC_H
#define INCLUDED_SEMCOM_PHY_CODING_CRC_H

#include <cstddef>
#include <cstdint>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A cyclic redundancy check over bits, one a byte, in the order of transmission; the
 * check's first bit is the coefficient of the highest power.
 *
 * - 16 bits: CCITT-FALSE, x^16 + x^12 + x^5 + 1, register first all ones.
 * - 24 bits: CRC24A of 3GPP TS 38.212, 5.1, 0x864CFB, register first 0.
 * - 32 bits: IEEE Std 802.3, 3.2.9, 0x04C11DB7, register first all ones, complemented at
 *   the end. That standard sends a byte's lowest bit first.
 */
class crc
{
public:
    //! \throws std::invalid_argument unless \p width is 16, 24 or 32.
    explicit crc(int width);

    int width() const { return d_width; }

    //! The check of \p count bits; bit width() - 1 goes first.
    uint32_t compute(const uint8_t* bits, size_t count) const;

    //! Writes the check of \p count bits behind them.
    void append(uint8_t* bits, size_t count) const;

    //! True if the \p width() bits behind \p count bits are their check.
    bool holds(const uint8_t* bits, size_t count) const;

private:
    int d_width;
    uint32_t d_polynomial, d_first, d_last; // register first, and added at the end
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
