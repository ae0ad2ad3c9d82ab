/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "air.h"
#include "phy/burst/preamble.h"
#include <boost/test/unit_test.hpp>

using namespace gr::semcom::phy;

/*!
 * The largest normalised correlation of a burst of preamble a (cut out of silence, cfo
 * from -0.02 to 0.02) with preamble b at any delay of \p nearest or more, tried at
 * frequencies of the same range: only the difference matters.
 */
static double worst_correlation(const samples& a, const samples& b, int nearest)
{
    const int length = static_cast<int>(a.size());
    double worst = 0.0;
    for (int side = -20; side <= 20; side++) {
        samples turned = b;
        for (int n = 0; n < length; n++)
            turned[n] = std::conj(b[n]) *
                        cfloat(std::polar(1.0, 2 * M_PI * side * n / (2.0 * length)));
        for (int lag = 1 - length; lag < length; lag++) {
            const int first = std::max(0, lag), last = std::min(length, length + lag);
            cfloat sum = 0.0f;
            for (int n = first; n < last; n++)
                sum += a[n] * turned[n - lag];
            if (std::abs(lag) >= nearest)
                worst = std::max(worst, std::norm(sum) / (1.0 * length * (last - first)));
        }
    }
    return worst;
}

BOOST_AUTO_TEST_CASE(preambles_have_unit_modulus_and_are_alike_nowhere_else)
{
    for (int k = 0; k < num_preambles; k++) {
        const auto a = make_preamble(k);
        BOOST_REQUIRE(a.size() == 253);
        for (const auto& symbol : a)
            BOOST_TEST(std::abs(std::abs(symbol) - 1.0f) < 1e-6f);
        for (int other = 0; other < num_preambles; other++) {
            const double worst =
                worst_correlation(a, make_preamble(other), other == k ? 3 : 0);
            BOOST_TEST(worst < (other == k ? 0.18 : 0.054));
        }
    }
}

BOOST_AUTO_TEST_CASE(repetitions_differ_by_sign_and_short_preambles_are_beginnings)
{
    const auto whole = make_preamble(1);
    const auto brief = make_preamble(1, 9);
    BOOST_REQUIRE(brief.size() == 99);
    BOOST_TEST(std::equal(brief.begin(), brief.end(), whole.begin()));
    for (size_t i = preamble_period; i < whole.size(); i++) {
        const auto ratio = whole[i] / whole[i % preamble_period];
        BOOST_TEST(std::abs(std::abs(ratio.real()) - 1.0f) < 1e-5f);
    }
    BOOST_CHECK_THROW(make_preamble(-1), std::invalid_argument);
    BOOST_CHECK_THROW(make_preamble(num_preambles), std::invalid_argument);
    BOOST_CHECK_THROW(make_preamble(0, 4), std::invalid_argument);
    BOOST_CHECK_THROW(make_preamble(0, 24), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(each_link_has_a_family_of_codes)
{
    const int last[num_preambles] = { 5, 5, 5, 5, 5, 5, 8, 8, 8, 9 };
    for (int code = 0; code < num_preambles; code++)
        BOOST_TEST(last_of_family(code) == last[code]);
}
