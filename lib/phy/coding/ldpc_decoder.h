/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CODING_LDPC_DECODER_H
#define INCLUDED_SEMCOM_PHY_CODING_LDPC_DECODER_H

#include "ldpc_code.h"
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gr {
namespace semcom {
namespace phy {

/*!
 * Layered normalised min-sum decoding of quasi-cyclic codes (Hocevar 2004, Chen and
 * Fossorier 2002): the Z checks of a row of blocks are worked on at a time, each taking
 * the bits as the rows before it left them, and a check says to a bit 13/16 of the least
 * that it hears from the others. It stops as soon as every check holds.
 *
 * Ratios and messages are whole numbers of 1/16, those of the channel and of the checks
 * at most 128, so that the sum over the 12 checks of a bit fits 16 bits without overflow.
 *
 * One object serves one thread.
 */
class ldpc_decoder
{
public:
    //! The result of decoding a word.
    struct outcome {
        bool holds;     //!< every bit is decided and every check holds
        int iterations; //!< that were made
    };

    //! A block of a row as the loops need it.
    struct edge {
        int16_t* bits;     //!< of its column, from the first check's on
        int16_t* messages; //!< what each check last said to its bit
    };

    //! \param iterations Most iterations, at least 1.
    ldpc_decoder(const ldpc_code& code, int iterations);

    /*!
     * Decodes a word.
     *
     * \param[in]  llrs      [n] ln P(bit 0) / P(bit 1); NaN counts as 0.
     * \param[out] decisions [n] 1 for a bit 0, -1 for a bit 1, 0 for one undecided: of
     *                       n ratios of 0 nothing is decided, and \p holds is false.
     */
    outcome decode(const float* llrs, int8_t* decisions);

    // The edges point into this object.
    ldpc_decoder(const ldpc_decoder&) = delete;
    ldpc_decoder& operator=(const ldpc_decoder&) = delete;

private:
    int d_size, d_iterations; // Z
    size_t d_width, d_stride; // Z in whole vectors, and from column to column
    std::vector<int16_t> d_columns, d_messages;
    std::vector<edge> d_edges;  // row by row
    std::vector<int> d_degrees; // edges of each row

    int16_t* column(int index) { return d_columns.data() + index * d_stride + d_size; }
    void load(const float* llrs);
    bool decide(int8_t* decisions);
};

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
