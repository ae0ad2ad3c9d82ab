/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "fast_math.h"
#include "lanes.h"
#include "philox.h"
#include "simd.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace gr {
namespace semcom {
namespace phy {
namespace {

constexpr uint32_t multiplier_0 = 0xD2511F53;
constexpr uint32_t multiplier_1 = 0xCD9E8D57;
constexpr uint32_t weyl_0 = 0x9E3779B9;
constexpr uint32_t weyl_1 = 0xBB67AE85;
constexpr int rounds = 10;

//! Blocks of four words that one pass of the vectorised loops makes.
constexpr size_t chunk = 32;

//! One pass: place i holds the block with counter first + i.
struct blocks {
    uint32_t x0[chunk], x1[chunk], x2[chunk], x3[chunk];
};

inline void philox_round(
    uint32_t& x0, uint32_t& x1, uint32_t& x2, uint32_t& x3, uint32_t k0, uint32_t k1)
{
    const uint64_t p0 = static_cast<uint64_t>(multiplier_0) * x0;
    const uint64_t p1 = static_cast<uint64_t>(multiplier_1) * x2;
    x0 = static_cast<uint32_t>(p1 >> 32) ^ x1 ^ k0;
    x2 = static_cast<uint32_t>(p0 >> 32) ^ x3 ^ k1;
    x1 = static_cast<uint32_t>(p1);
    x3 = static_cast<uint32_t>(p0);
}

/*!
 * Blocks of which each has a word of 64 bits of every vector to itself: a product needs all
 * of it, and what is above the low 32 bits does not matter.
 */
template <typename Lanes>
struct wide_blocks {
    using vector = typename Lanes::words;
    vector x0, x1, x2, x3;

    SEMCOM_INLINE void round(uint64_t k0, uint64_t k1)
    {
        vector p0, p1;
        Lanes::multiply(x0, vector{} + multiplier_0, p0);
        Lanes::multiply(x2, vector{} + multiplier_1, p1);
        x0 = (p1 >> 32) ^ x1 ^ k0;
        x2 = (p0 >> 32) ^ x3 ^ k1;
        x1 = p1;
        x3 = p0;
    }
};

//! Of each pair of words the low halves, one after the other.
template <typename Lanes>
SEMCOM_INLINE void
put_pairs(typename Lanes::words even, typename Lanes::words odd, uint32_t* out)
{
    const auto both = (even & 0xffffffff) | (odd << 32);
    *reinterpret_cast<typename Lanes::words*>(out) = both;
}

template <typename Lanes>
SEMCOM_INLINE void philox_chunk_of(const random_stream& s, uint32_t first, blocks& out)
{
    using vector = typename Lanes::words;
    const vector zero{};
    const uint32_t use = s.link * 65536u + s.purpose;
    for (size_t i = 0; i < chunk; i += 2 * Lanes::samples) {
        wide_blocks<Lanes> even{ 2 * Lanes::word + (first + i),
                                 zero + static_cast<uint32_t>(s.frame),
                                 zero + (s.frame >> 32),
                                 zero + use };
        auto odd = even;
        odd.x0 += 1;
        uint32_t k0 = static_cast<uint32_t>(s.seed), k1 = s.seed >> 32;
#pragma GCC unroll 10
        for (int r = 0; r < rounds; r++) {
            even.round(k0, k1);
            odd.round(k0, k1);
            k0 += weyl_0;
            k1 += weyl_1;
        }
        put_pairs<Lanes>(even.x0, odd.x0, out.x0 + i);
        put_pairs<Lanes>(even.x1, odd.x1, out.x1 + i);
        put_pairs<Lanes>(even.x2, odd.x2, out.x2 + i);
        put_pairs<Lanes>(even.x3, odd.x3, out.x3 + i);
    }
}

SEMCOM_LANES(void,
             philox_chunk,
             (const random_stream& s, uint32_t first, blocks& out),
             (s, first, out))

inline float to_uniform(uint32_t word)
{
    return (static_cast<float>(static_cast<int32_t>(word >> 8)) + 0.5f) * 0x1p-24f;
}

//! Two complex normals for each block, interleaved: out holds 4 * chunk floats.
SEMCOM_SIMD void box_muller_chunk(const blocks& x, float* out)
{
    for (size_t i = 0; i < chunk; i++) {
        const float r0 = std::sqrt(-log_unit(to_uniform(x.x0[i])));
        const float r1 = std::sqrt(-log_unit(to_uniform(x.x2[i])));
        float c0, s0, c1, s1;
        cos_sin_turns(to_uniform(x.x1[i]), c0, s0);
        cos_sin_turns(to_uniform(x.x3[i]), c1, s1);
        out[4 * i] = r0 * c0;
        out[4 * i + 1] = r0 * s0;
        out[4 * i + 2] = r1 * c1;
        out[4 * i + 3] = r1 * s1;
    }
}

} // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> x, std::array<uint32_t, 2> k)
{
    for (int r = 0; r < rounds; r++) {
        philox_round(x[0], x[1], x[2], x[3], k[0], k[1]);
        k[0] += weyl_0;
        k[1] += weyl_1;
    }
    return x;
}

float uniform(const random_stream& s, uint64_t index)
{
    const auto words = philox4x32(
        { static_cast<uint32_t>(index / 4),
          static_cast<uint32_t>(s.frame),
          static_cast<uint32_t>(s.frame >> 32),
          s.link * 65536u + s.purpose },
        { static_cast<uint32_t>(s.seed), static_cast<uint32_t>(s.seed >> 32) });
    return to_uniform(words[index % 4]);
}

void complex_normal(const random_stream& stream,
                    uint64_t first,
                    cfloat* out,
                    size_t count)
{
    blocks words;
    float normals[4 * chunk];
    while (count > 0) {
        const size_t skip = first % 2;
        const size_t taken = std::min(count, 2 * chunk - skip);
        auto* to = reinterpret_cast<float*>(out);
        const bool whole = taken == 2 * chunk;
        philox_chunk(stream, static_cast<uint32_t>(first / 2), words);
        box_muller_chunk(words, whole ? to : normals);
        if (!whole)
            std::memcpy(to, normals + 2 * skip, taken * sizeof(cfloat));
        first += taken;
        out += taken;
        count -= taken;
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
