/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "ldpc_code.h"
#include "phy/check_field.h"
#include <algorithm>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr int columns = ldpc_code::columns;

//! Rows of the prototypes of all rates, one below the other.
constexpr int prototype_rows = 12 + 8 + 6 + 4;

constexpr int8_t n648[prototype_rows][columns] = {
#include "ieee80211n/n648.inc"
};
constexpr int8_t n1296[prototype_rows][columns] = {
#include "ieee80211n/n1296.inc"
};
constexpr int8_t n1944[prototype_rows][columns] = {
#include "ieee80211n/n1944.inc"
};

struct code_rate {
    const char* name;
    int first, rows; // of the prototypes
};
constexpr code_rate rates[] = {
    { "1/2", 0, 12 }, { "2/3", 12, 8 }, { "3/4", 20, 6 }, { "5/6", 26, 4 }
};

const code_rate& parse_rate(const std::string& name)
{
    for (const auto& rate : rates)
        if (name == rate.name)
            return rate;
    throw std::invalid_argument("code rate: '" + name +
                                "' found, 1/2, 2/3, 3/4 or 5/6 expected");
}

//! to[r] += from[(r + shift) mod size], over the bits of a block.
void add_shifted(uint8_t* to, const uint8_t* from, int shift, int size)
{
    for (int r = 0; r < size - shift; r++)
        to[r] ^= from[r + shift];
    for (int r = size - shift; r < size; r++)
        to[r] ^= from[r + shift - size];
}

} // namespace

ldpc_code::ldpc_code(const std::string& rate, int length) : d_size(length / columns)
{
    check_field(length == 648 || length == 1296 || length == 1944,
                "code length",
                length,
                "648, 1296 or 1944 bits");
    const auto& prototype = length == 648 ? n648 : length == 1296 ? n1296 : n1944;
    const auto& chosen = parse_rate(rate);
    d_rows.resize(chosen.rows);
    for (int row = 0; row < chosen.rows; row++)
        for (int column = 0; column < columns; column++) {
            const int shift = prototype[chosen.first + row][column];
            if (shift >= 0)
                d_rows[row].push_back({ column, shift });
        }
}

void ldpc_code::encode(uint8_t* word) const
{
    const int rows = static_cast<int>(d_rows.size()), first = columns - rows;
    uint8_t* parity = word + information_bits();
    std::fill_n(parity, parity_bits(), 0);
    // What the information adds to each row, kept where the row's parity will be ...
    for (int row = 0; row < rows; row++)
        for (const auto& b : d_rows[row])
            if (b.column < first)
                add_shifted(
                    parity + row * d_size, word + b.column * d_size, b.shift, d_size);
    // ... whose sum is the first parity block: in it the double diagonal and two of the
    // three blocks above each other vanish.
    std::vector<uint8_t> p0(d_size, 0);
    for (int row = 0; row < rows; row++)
        add_shifted(p0.data(), parity + row * d_size, 0, d_size);
    // Row by row, p_(i+1) = row i + p_i + shifted p_0; the row's place holds p_i after.
    std::vector<uint8_t> sum(d_size, 0), previous = p0;
    for (int row = 0; row + 1 < rows; row++) {
        uint8_t* place = parity + row * d_size;
        std::copy_n(place, d_size, sum.begin());
        std::copy_n(previous.begin(), d_size, place);
        if (row > 0)
            add_shifted(sum.data(), previous.data(), 0, d_size);
        for (const auto& b : d_rows[row])
            if (b.column == first)
                add_shifted(sum.data(), p0.data(), b.shift, d_size);
        previous = sum;
    }
    std::copy_n(previous.begin(), d_size, parity + (rows - 1) * d_size);
}

} // namespace phy
} // namespace semcom
} // namespace gr
