/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "fast_math.h"
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

//! One pass: lane i holds the block with counter first + i.
struct lanes {
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

SEMCOM_SIMD void philox_chunk(const random_stream& s, uint32_t first, lanes& x)
{
    const uint32_t frame_lo = static_cast<uint32_t>(s.frame);
    const uint32_t frame_hi = static_cast<uint32_t>(s.frame >> 32);
    const uint32_t use = s.link * 65536u + s.purpose;
    const uint32_t key_lo = static_cast<uint32_t>(s.seed);
    const uint32_t key_hi = static_cast<uint32_t>(s.seed >> 32);
    for (size_t i = 0; i < chunk; i++) {
        uint32_t x0 = first + static_cast<uint32_t>(i), x1 = frame_lo, x2 = frame_hi;
        uint32_t x3 = use, k0 = key_lo, k1 = key_hi;
#pragma GCC unroll 10
        for (int r = 0; r < rounds; r++) {
            philox_round(x0, x1, x2, x3, k0, k1);
            k0 += weyl_0;
            k1 += weyl_1;
        }
        x.x0[i] = x0;
        x.x1[i] = x1;
        x.x2[i] = x2;
        x.x3[i] = x3;
    }
}

inline float to_uniform(uint32_t word)
{
    return (static_cast<float>(static_cast<int32_t>(word >> 8)) + 0.5f) * 0x1p-24f;
}

//! Two complex normals for each lane, interleaved: out holds 4 * chunk floats.
SEMCOM_SIMD void box_muller_chunk(const lanes& x, float* out)
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
    lanes words;
    float normals[4 * chunk];
    while (count > 0) {
        const size_t skip = first % 2;
        const size_t taken = std::min(count, 2 * chunk - skip);
        philox_chunk(stream, static_cast<uint32_t>(first / 2), words);
        box_muller_chunk(words, normals);
        std::memcpy(
            reinterpret_cast<float*>(out), normals + 2 * skip, taken * sizeof(cfloat));
        first += taken;
        out += taken;
        count -= taken;
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
