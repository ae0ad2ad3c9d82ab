/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "ldpc_decoder.h"
#include <algorithm>
#include <cmath>
#include <numeric>

// The bits of a column stand three times one behind the other. So the bits of a block of
// any shift are contiguous, and what its checks say to them is written back by three
// contiguous stores, of which each sets right what the one before wrote too far.

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Eight checks at a time, a vector that every machine has. Wider ones are up to 1.5 times
//! as fast where a machine has them, and half as fast where it has not.
typedef int16_t group __attribute__((vector_size(16), aligned(2), may_alias));
constexpr int lanes = 8;

//! Vectors that hold a number of each check of a row.
constexpr int groups_of(int size) { return (size + lanes - 1) / lanes; }

//! Edges of the longest row.
constexpr int max_degree = 22;

constexpr float steps = 16.0f;     // of a ratio of 1
constexpr float largest = 2047.0f; // ratio of the channel or message, in steps

inline group& at(int16_t* from) { return *reinterpret_cast<group*>(from); }

using edge = ldpc_decoder::edge;

/*!
 * One row of blocks: takes what its checks said before off the bits, and adds what they
 * say now.
 */
template <int size>
void update_row(const edge* edges, int degree)
{
    constexpr int groups = groups_of(size);
    group others[max_degree][groups]; // what each check hears from each bit
    group least[groups], to_all[groups], to_least[groups], sign[groups];
    for (int v = 0; v < groups; v++) {
        group first = group{} + static_cast<int16_t>(largest), next = first, odd = {};
        for (int e = 0; e < degree; e++) {
            const group heard =
                at(edges[e].bits + lanes * v) - at(edges[e].messages + lanes * v);
            const group magnitude = heard < 0 ? -heard : heard;
            const group further = first > magnitude ? first : magnitude;
            others[e][v] = heard;
            odd ^= heard;
            next = next < further ? next : further;
            first = first < magnitude ? first : magnitude;
        }
        // 13/16, to the nearest; the least itself is still needed to tell who said it.
        least[v] = first;
        to_all[v] = (first * 13 + 8) >> 4;
        to_least[v] = (next * 13 + 8) >> 4;
        sign[v] = odd >> 15;
    }
    for (int e = 0; e < degree; e++) {
        group sums[groups];
        for (int v = 0; v < groups; v++) {
            const group heard = others[e][v];
            const group magnitude = heard < 0 ? -heard : heard;
            const group said = magnitude == least[v] ? to_least[v] : to_all[v];
            const group negative = sign[v] ^ (heard >> 15);
            const group message = (said ^ negative) - negative;
            at(edges[e].messages + lanes * v) = message;
            sums[v] = heard + message;
        }
        for (int copy = -1; copy <= 1; copy++)
            for (int v = 0; v < groups; v++)
                at(edges[e].bits + copy * size + lanes * v) = sums[v];
    }
}

//! True if every check of a row holds for the signs of its bits.
template <int size>
bool row_holds(const edge* edges, int degree)
{
    constexpr int groups = groups_of(size);
    int16_t odd[lanes * groups] = {};
    for (int e = 0; e < degree; e++)
        for (int v = 0; v < groups; v++)
            at(odd + lanes * v) ^= at(edges[e].bits + lanes * v);
    int16_t any = 0;
    for (int r = 0; r < size; r++)
        any |= odd[r];
    return any >= 0;
}

template <int size>
bool all_hold(const edge* edges, const int* degrees, int rows)
{
    for (int row = 0; row < rows; edges += degrees[row++])
        if (!row_holds<size>(edges, degrees[row]))
            return false;
    return true;
}

//! One iteration; true if every check holds after it.
template <int size>
bool update(const edge* edges, const int* degrees, int rows)
{
    const edge* next = edges;
    for (int row = 0; row < rows; next += degrees[row++])
        update_row<size>(next, degrees[row]);
    return all_hold<size>(edges, degrees, rows);
}

} // namespace

ldpc_decoder::ldpc_decoder(const ldpc_code& code, int iterations)
    : d_size(code.block_size()),
      d_iterations(iterations),
      d_width(groups_of(d_size) * lanes),
      d_stride(3 * d_size + d_width),
      d_columns(ldpc_code::columns * d_stride)
{
    for (const auto& row : code.rows())
        d_degrees.push_back(static_cast<int>(row.size()));
    d_messages.resize(d_width *
                      std::accumulate(d_degrees.begin(), d_degrees.end(), size_t(0)));
    int16_t* messages = d_messages.data();
    for (const auto& row : code.rows())
        for (const auto& block : row) {
            d_edges.push_back({ column(block.column) + block.shift, messages });
            messages += d_width;
        }
}

void ldpc_decoder::load(const float* llrs)
{
    for (int c = 0; c < ldpc_code::columns; c++)
        for (int r = 0; r < d_size; r++) {
            const float llr = steps * llrs[c * d_size + r];
            const float bounded =
                std::isnan(llr) ? 0 : std::clamp(llr, -largest, largest);
            column(c)[r] = column(c)[r + d_size] =
                static_cast<int16_t>(std::lrintf(bounded));
        }
    std::fill(d_messages.begin(), d_messages.end(), 0);
}

//! Writes the decisions; true if there is one for each bit.
bool ldpc_decoder::decide(int8_t* decisions)
{
    bool all = true;
    for (int c = 0; c < ldpc_code::columns; c++)
        for (int r = 0; r < d_size; r++) {
            const int16_t bit = column(c)[r];
            decisions[c * d_size + r] = (bit > 0) - (bit < 0);
            all &= bit != 0;
        }
    return all;
}

ldpc_decoder::outcome ldpc_decoder::decode(const float* llrs, int8_t* decisions)
{
    const auto step = d_size == 27 ? update<27> : d_size == 54 ? update<54> : update<81>;
    const int rows = static_cast<int>(d_degrees.size());
    load(llrs);
    for (int done = 1; done <= d_iterations; done++)
        if (step(d_edges.data(), d_degrees.data(), rows) && decide(decisions))
            return { true, done };
    decide(decisions);
    return { false, d_iterations };
}

} // namespace phy
} // namespace semcom
} // namespace gr
