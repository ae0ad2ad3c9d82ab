/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/fast_math.h"
#include "phy/philox.h"
#include "phy/types.h"
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <vector>

using namespace gr::semcom::phy;
using words = std::array<uint32_t, 4>;

BOOST_AUTO_TEST_CASE(known_answers)
{
    // From the Random123 distribution's kat_vectors.
    const uint32_t ones = 0xffffffff;
    BOOST_TEST((philox4x32({ 0, 0, 0, 0 }, { 0, 0 }) ==
                words{ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 }));
    BOOST_TEST((philox4x32({ ones, ones, ones, ones }, { ones, ones }) ==
                words{ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd }));
    BOOST_TEST((philox4x32({ 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
                           { 0xa4093822, 0x299f31d0 }) ==
                words{ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 }));
}

BOOST_AUTO_TEST_CASE(normals_follow_their_definition)
{
    const random_stream stream{ 0x123456789abcdefULL, 1ULL << 33, 7, purpose_fading };
    constexpr size_t count = 20000;
    std::vector<cfloat> drawn(count);
    complex_normal(stream, 0, drawn.data(), count);
    double worst = 0.0;
    for (size_t n = 0; n < count; n++) {
        const double r = std::sqrt(-std::log(double(uniform(stream, 2 * n))));
        const auto expected = std::polar(r, 2 * M_PI * uniform(stream, 2 * n + 1));
        worst = std::max(worst, std::abs(cdouble(drawn[n]) - expected));
    }
    BOOST_TEST(worst < 2e-6);
}

BOOST_AUTO_TEST_CASE(normals_do_not_depend_on_how_they_are_cut)
{
    const random_stream stream{ 5, 6, 7, 0 };
    std::vector<cfloat> whole(1000), part(300);
    complex_normal(stream, 0, whole.data(), whole.size());
    for (size_t first : { 1, 2, 127, 128, 333 }) {
        complex_normal(stream, first, part.data(), part.size());
        BOOST_TEST(std::equal(part.begin(), part.end(), whole.begin() + first));
    }
}

BOOST_AUTO_TEST_CASE(turns_follow_cosine_and_sine_in_double_precision)
{
    double worst = 0.0;
    for (int i = 0; i <= 40000; i++) {
        const double u = 1e-4 * i;
        double cosine, sine;
        cos_sin_turns(u, cosine, sine);
        const long double angle = 2.0L * std::acos(-1.0L) * u;
        worst = std::max({ worst,
                           std::fabs(double(cosine - std::cos(angle))),
                           std::fabs(double(sine - std::sin(angle))) });
    }
    BOOST_TEST(worst < 3e-16);
}
