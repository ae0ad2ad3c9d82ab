/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CODING_LDPC_CODE_H
#define INCLUDED_SEMCOM_PHY_CODING_LDPC_CODE_H

#include <cstdint>
#include <string>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * A quasi-cyclic low-density parity-check code of IEEE Std 802.11-2016, 19.3.11.7 and
 * annex F.
 *
 * H is made of square blocks of Z = n / 24 rows: row r of a block of shift s has its one
 * in column (r + s) mod Z. A word is its k information bits, then n - k parity bits. The
 * parity part of H is a column of three blocks (shifts 1, 0, 1) and a double diagonal, so
 * that the encoder adds up all rows for the first Z parity bits and gets the others by
 * substitution, in linear time.
 */
class ldpc_code
{
public:
    //! Columns of blocks in every prototype.
    static constexpr int columns = 24;

    //! A block of H: its column of blocks and its shift.
    struct block {
        int column, shift;
    };

    /*!
     * \param rate   1/2, 2/3, 3/4 or 5/6.
     * \param length n: 648, 1296 or 1944.
     * \throws std::invalid_argument if there is no such code.
     */
    ldpc_code(const std::string& rate, int length);

    int length() const { return d_size * columns; }
    int parity_bits() const { return d_size * static_cast<int>(d_rows.size()); }
    int information_bits() const { return length() - parity_bits(); }

    //! Z.
    int block_size() const { return d_size; }

    //! The blocks of each row of blocks, from left to right.
    const std::vector<std::vector<block>>& rows() const { return d_rows; }

    /*!
     * Encodes a word in place.
     *
     * \param[in,out] word [n] bits, one a byte: k of information; the rest is written.
     */
    void encode(uint8_t* word) const;

private:
    int d_size;
    std::vector<std::vector<block>> d_rows;
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
