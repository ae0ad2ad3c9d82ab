/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "constellation.h"
#include "phy/fast_math.h"
#include "phy/simd.h"
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace phy {
namespace {

//! Most bits of a rail: 256-QAM.
constexpr int max_rail_bits = 4;

//! Rail values that are demapped together.
constexpr int chunk = 64;

//! Real or imaginary parts of symbols, and 1 / noise of each; both 0 where nothing is
//! known.
struct rail {
    float value[chunk], scale[chunk];
};

int parse_bits(const std::string& name)
{
    const char* names[] = { "bpsk", "qpsk", "16qam", "64qam", "256qam" };
    const int bits[] = { 1, 2, 4, 6, 8 };
    for (int i = 0; i < 5; i++)
        if (name == names[i])
            return bits[i];
    throw std::invalid_argument("modulation: '" + name +
                                "' found, bpsk, qpsk, 16qam, 64qam or 256qam expected");
}

//! Squared distances of the values from a level, less what is common to all levels.
inline __attribute__((always_inline)) void
distances(const rail& in, float level, float* out)
{
    for (int n = 0; n < chunk; n++)
        out[n] = level * (level - 2 * in.value[n]);
}

//! Ratios [bits][chunk] of a rail's \p bits with its levels [2^bits].
SEMCOM_SIMD void demap_rail(
    const rail& in, const float* levels, int bits, bool exact, float (*llrs)[chunk])
{
    // By the value of each bit: the least distance, and the terms' sum over the largest.
    float least[2][max_rail_bits][chunk], sums[2][max_rail_bits][chunk] = {};
    float distance[chunk];
    std::fill_n(&least[0][0][0], 2 * max_rail_bits * chunk, INFINITY);
    for (int i = 0; i < 1 << bits; i++) {
        distances(in, levels[i], distance);
        for (int bit = 0; bit < bits; bit++) {
            float* nearest = least[(i >> (bits - 1 - bit)) & 1][bit];
            for (int n = 0; n < chunk; n++)
                nearest[n] = distance[n] < nearest[n] ? distance[n] : nearest[n];
        }
    }
    for (int bit = 0; bit < bits; bit++)
        for (int n = 0; n < chunk; n++)
            llrs[bit][n] = (least[1][bit][n] - least[0][bit][n]) * in.scale[n];
    if (!exact)
        return;
    for (int i = 0; i < 1 << bits; i++) {
        distances(in, levels[i], distance);
        for (int bit = 0; bit < bits; bit++) {
            const int value = (i >> (bits - 1 - bit)) & 1;
            for (int n = 0; n < chunk; n++)
                sums[value][bit][n] +=
                    exp_negative((least[value][bit][n] - distance[n]) * in.scale[n]);
        }
    }
    // A sum lies between 1 and 8, log_unit() takes up to 1.
    for (int bit = 0; bit < bits; bit++)
        for (int n = 0; n < chunk; n++)
            llrs[bit][n] += log_unit(sums[0][bit][n] / 8) - log_unit(sums[1][bit][n] / 8);
}

//! Noise as the factor of a squared distance; 0 if it is none.
float to_scale(float noise)
{
    constexpr float most = 1e30f; // without noise, what is further is out of the question
    // 1 / -0 would be minus infinity
    return noise >= 0 && noise < INFINITY ? std::min(1 / std::fabs(noise), most) : 0;
}

} // namespace

demap_method parse_demap(const std::string& name)
{
    if (name == "exact")
        return demap_method::exact;
    if (name == "max_log")
        return demap_method::max_log;
    throw std::invalid_argument("demapper: '" + name +
                                "' found, exact or max_log expected");
}

constellation::constellation(const std::string& name)
    : d_bits(parse_bits(name)),
      d_rail_bits(d_bits == 1 ? 1 : d_bits / 2),
      d_rails(d_bits == 1 ? 1 : 2),
      d_levels(1 << d_rail_bits)
{
    const int levels = 1 << d_rail_bits;
    const double power = d_rails * (levels * levels - 1) / 3.0;
    for (int i = 0; i < levels; i++) // level i is numbered by its Gray code
        d_levels[i ^ (i >> 1)] =
            static_cast<float>((2 * i - levels + 1) / std::sqrt(power));
}

void constellation::map(const uint8_t* bits,
                        size_t count,
                        std::complex<float>* symbols) const
{
    for (size_t n = 0; n < count; n++) {
        float parts[2] = {};
        for (int rail = 0; rail < d_rails; rail++) {
            int index = 0;
            for (int i = 0; i < d_rail_bits; i++)
                index = (index << 1) | *bits++;
            parts[rail] = d_levels[index];
        }
        symbols[n] = { parts[0], parts[1] };
    }
}

void constellation::demap(const std::complex<float>* symbols,
                          const float* noise,
                          size_t count,
                          demap_method method,
                          float* llrs) const
{
    constexpr float far = 1e6f; // so that no product overflows
    const bool exact = method == demap_method::exact && d_rail_bits > 1;
    rail in;
    float out[max_rail_bits][chunk];
    for (size_t first = 0; first < count; first += chunk) {
        const size_t some = std::min<size_t>(chunk, count - first);
        for (int part = 0; part < d_rails; part++) {
            in = {};
            for (size_t n = 0; n < some; n++) {
                const auto symbol = symbols[first + n];
                if (!std::isfinite(symbol.real()) || !std::isfinite(symbol.imag()))
                    continue;
                in.value[n] = std::clamp(part ? symbol.imag() : symbol.real(), -far, far);
                in.scale[n] = to_scale(noise[first + n]);
            }
            demap_rail(in, d_levels.data(), d_rail_bits, exact, out);
            for (size_t n = 0; n < some; n++)
                for (int bit = 0; bit < d_rail_bits; bit++)
                    llrs[(first + n) * d_bits + part * d_rail_bits + bit] =
                        std::clamp(out[bit][n], -certain_llr, certain_llr);
        }
    }
}

} // namespace phy
} // namespace semcom
} // namespace gr
