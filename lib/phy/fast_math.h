/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_FAST_MATH_H
#define INCLUDED_SEMCOM_PHY_FAST_MATH_H

// Elementary functions that the compiler can turn into vector code.

#include <cstdint>
#include <cstring>

namespace gr {
namespace semcom {
namespace phy {

inline float bits_to_float(int32_t bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline int32_t float_to_bits(float value)
{
    int32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

/*!
 * ln(u) for a normal u in (0, 1], to 1e-7 relative: u = 2^e m with m in [sqrt(1/2),
 * sqrt(2)), and ln(1 + f), f = m - 1, by the minimax polynomial of the Cephes library.
 */
inline float log_unit(float u)
{
    const int32_t bits = float_to_bits(u) - 0x3f3504f3; // the bits of sqrt(1/2)
    const float e = static_cast<float>(bits >> 23);
    const float f = bits_to_float((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
    const float z = f * f;
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    // ln 2 in two parts, so that e ln 2 keeps its low bits.
    return f + (p * f * z - 0.5f * z + e * -2.12194440e-4f) + e * 0.693359375f;
}

/*!
 * e^x for x from -87 to 0, to 2e-7 relative; below it is e^-87, which is as good as 0.
 * x = k ln 2 + r with |r| <= ln 2 / 2, and e^r by the minimax polynomial of the Cephes
 * library.
 */
inline float exp_negative(float x)
{
    x = x > -87.0f ? x : -87.0f;
    const int32_t k = static_cast<int32_t>(x * 1.44269504088896341f - 0.5f);
    // ln 2 in two parts, so that r keeps its low bits.
    const float e = static_cast<float>(k);
    const float r = x - e * 0.693359375f - e * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return (p * r * r + r + 1.0f) * bits_to_float((k + 127) << 23);
}

//! From cos and sin of an angle those of the angle and so many quarter turns.
template <typename T>
inline void add_quarters(int32_t quarter, T c, T s, T& cosine, T& sine)
{
    const bool odd = quarter & 1;
    const T c_abs = odd ? s : c;
    const T s_abs = odd ? c : s;
    cosine = ((quarter + 1) & 2) ? -c_abs : c_abs;
    sine = (quarter & 2) ? -s_abs : s_abs;
}

//! cos and sin of 2 pi u, u in [0, 1], to 1e-7: u is cut exactly to an eighth of a turn.
inline void cos_sin_turns(float u, float& cosine, float& sine)
{
    const int32_t quarter = static_cast<int32_t>(u * 4.0f + 0.5f);
    const float a = (u - static_cast<float>(quarter) * 0.25f) * 6.283185307179586f;
    const float z = a * a;
    float s = -1.9515295891e-4f;
    s = s * z + 8.3321608736e-3f;
    s = s * z - 1.6666654611e-1f;
    s = s * z * a + a;
    float c = 2.443315711809948e-5f;
    c = c * z - 1.388731625493765e-3f;
    c = c * z + 4.166664568298827e-2f;
    c = c * z * z - 0.5f * z + 1.0f;
    add_quarters(quarter, c, s, cosine, sine);
}

/*!
 * cos and sin of 2 pi u, u in [0, 4], to 2e-16: u is cut exactly to an eighth of a turn,
 * and the rest are the polynomials of the Cephes library.
 */
inline void cos_sin_turns(double u, double& cosine, double& sine)
{
    const int32_t quarter = static_cast<int32_t>(u * 4.0 + 0.5);
    const double a = (u - quarter * 0.25) * 6.283185307179586;
    const double z = a * a;
    double s = 1.58962301576546568060e-10;
    s = s * z - 2.50507477628578072866e-8;
    s = s * z + 2.75573136213857245213e-6;
    s = s * z - 1.98412698295895385996e-4;
    s = s * z + 8.33333333332211858878e-3;
    s = s * z - 1.66666666666666307295e-1;
    s = s * z * a + a;
    double c = -1.13585365213876817300e-11;
    c = c * z + 2.08757008419747316778e-9;
    c = c * z - 2.75573141792967388112e-7;
    c = c * z + 2.48015872888517045348e-5;
    c = c * z - 1.38888888888730564116e-3;
    c = c * z + 4.16666666666665929218e-2;
    c = c * z * z - 0.5 * z + 1.0;
    add_quarters(quarter, c, s, cosine, sine);
}

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
