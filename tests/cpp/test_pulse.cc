/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "air.h"
#include <boost/test/unit_test.hpp>
#include <limits>

using namespace gr::semcom::phy;
using boost::test_tools::tolerance;

BOOST_AUTO_TEST_CASE(the_pulse_is_the_inverse_transform_of_its_spectrum)
{
    // The closed form against the integral of sqrt(raised cosine spectrum).
    for (double b : { 0.0, 0.1, 0.25, 0.35, 0.5, 1.0 })
        for (double t : { 0.0, 1e-9, 0.25, 0.5, 0.714285714285714, 1.0, 2.5, 3.3 }) {
            const int steps = 20000;
            const double top = 0.5 * (1.0 + b), width = top / steps;
            double pulse = 0.0, twice = 0.0, spread = 0.0;
            for (int i = 0; i < steps; i++) {
                const double f = (i + 0.5) * width, flat = 0.5 * (1.0 - b);
                const double power =
                    f <= flat ? 1.0 : 0.5 * (1.0 + std::cos(M_PI / b * (f - flat)));
                pulse += 2.0 * width * std::sqrt(power) * std::cos(2 * M_PI * f * t);
                twice += 2.0 * width * power * std::cos(2 * M_PI * f * t);
                spread += 2.0 * width * power * f * f;
            }
            BOOST_TEST(std::fabs(root_raised_cosine(t, b) - pulse) < 1e-6);
            BOOST_TEST(std::fabs(root_raised_cosine(-t, b) - pulse) < 1e-6);
            BOOST_TEST(std::fabs(raised_cosine(t, b) - twice) < 1e-6);
            BOOST_TEST(mean_square_bandwidth(b) == spread, tolerance(1e-6));
        }
}

BOOST_AUTO_TEST_CASE(singular_points_are_limits)
{
    for (double b : { 0.1, 0.25, 0.35, 0.5, 1.0 })
        for (double point : { 0.0, 1.0 / (4.0 * b), 1.0 / (2.0 * b) }) {
            const double near = point + 1e-5;
            BOOST_TEST(root_raised_cosine(point, b) == root_raised_cosine(near, b),
                       tolerance(1e-3));
            BOOST_TEST(std::fabs(raised_cosine(point, b) - raised_cosine(near, b)) <
                       1e-4);
            const double slope =
                (raised_cosine(point + 1e-3, b) - raised_cosine(point - 1e-3, b)) / 2e-3;
            BOOST_TEST(std::fabs(raised_cosine_slope(point, b) - slope) < 1e-4);
        }
}

BOOST_AUTO_TEST_CASE(taps_have_unit_energy_and_shaping_is_the_naive_sum)
{
    draws rng(1);
    for (int sps : { 2, 3, 4, 8 }) {
        const pulse_shape pulse{ sps, 5, 0.3 };
        const auto taps = root_raised_cosine_taps(pulse);
        double energy = 0.0;
        for (float tap : taps)
            energy += tap * tap;
        BOOST_TEST(energy == 1.0, tolerance(1e-6));
        const auto symbols = rng.normal(20);
        const auto out = shape(symbols.data(), symbols.size(), pulse);
        BOOST_REQUIRE(out.size() == 19 * sps + taps.size());
        for (size_t n = 0; n < out.size(); n++) {
            cdouble sum = 0.0;
            for (size_t i = 0; i < symbols.size(); i++)
                if (n >= i * sps && n - i * sps < taps.size())
                    sum += static_cast<double>(taps[n - i * sps]) * cdouble(symbols[i]);
            BOOST_TEST(std::abs(sum - cdouble(out[n])) < 1e-5);
        }
    }
    BOOST_TEST(shape(nullptr, 0, {}).empty());
}

BOOST_AUTO_TEST_CASE(the_matched_filter_returns_symbols_at_any_delay_and_rate)
{
    draws rng(2);
    const pulse_shape pulse;
    const auto filter = polyphase_filter::matched_filter(pulse);
    const auto symbols = rng.qpsk(300);
    for (double delay : { 30.0, 30.13, 31.5, 33.97 })
        for (double clock : { 0.0, 20e-6, -1e-3 }) {
            samples heard(1400), found(symbols.size());
            add_burst(symbols, pulse, { delay, 0.0, clock }, 1.0, heard);
            filter.apply(heard.data(),
                         heard.size(),
                         delay,
                         4.0 * (1.0 + clock),
                         found.data(),
                         found.size());
            double error = 0.0;
            for (size_t i = 0; i < symbols.size(); i++)
                error += std::norm(found[i] - symbols[i]) / symbols.size();
            BOOST_TEST(decibel(error) < -45.0); // the cut pulse leaves -50
        }
    // Noise variance passes as it is.
    const auto noise = rng.normal(40000, 2.0);
    samples out(10000);
    filter.apply(noise.data(), noise.size(), 0.3, 4.0, out.data(), out.size());
    double power = 0.0;
    for (const auto& value : out)
        power += std::norm(value) / out.size();
    BOOST_TEST(power == 2.0, tolerance(0.04));
}

BOOST_AUTO_TEST_CASE(a_low_pass_of_half_a_cycle_delays_and_nothing_else)
{
    const auto filter = polyphase_filter::low_pass(0.5, 8);
    for (double f : { 0.0, 0.1, -0.2, 0.35 }) {
        samples wave(200), out(150);
        for (size_t n = 0; n < wave.size(); n++)
            wave[n] = cfloat(std::polar(1.0, 2 * M_PI * f * n));
        filter.apply(wave.data(), wave.size(), 20.0, 1.003, out.data(), out.size());
        for (size_t i = 0; i < out.size(); i++) {
            const auto expected = std::polar(1.0, 2 * M_PI * f * (20.0 + 1.003 * i));
            BOOST_TEST(std::abs(cdouble(out[i]) - expected) < 2e-3); // -54 dB
        }
    }
    // A lower one removes what lies above it.
    const auto narrow = polyphase_filter::low_pass(0.1, 40);
    samples wave(400), out(200);
    for (size_t n = 0; n < wave.size(); n++)
        wave[n] = n % 2 ? -1.0f : 1.0f;
    narrow.apply(wave.data(), wave.size(), 100.0, 1.0, out.data(), out.size());
    for (const auto& value : out)
        BOOST_TEST(std::abs(value) < 1e-3);
}

BOOST_AUTO_TEST_CASE(outside_of_the_input_is_silence)
{
    const auto filter = polyphase_filter::matched_filter({});
    const samples ones(10, 1.0f);
    const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
    for (double time : { -1e9, -26.0, 35.0, 1e18, nan, inf, -inf }) {
        cfloat value = 7.0f;
        filter.apply(ones.data(), ones.size(), time, 1.0, &value, 1);
        BOOST_TEST(value == cfloat(0.0f));
    }
    cfloat value = 7.0f;
    filter.apply(nullptr, 0, 0.0, 1.0, &value, 1);
    BOOST_TEST(value == cfloat(0.0f));
}

BOOST_AUTO_TEST_CASE(clipping_and_filtering_bounds_the_peak_at_the_cost_documented)
{
    // The table in pulse.h: peak of the symbols' bursts before and after, and EVM.
    struct line {
        bool gaussian;
        double peak_db, before, after, evm_db;
    };
    const pulse_shape pulse;
    const auto filter = polyphase_filter::matched_filter(pulse);
    for (const line& expected : { line{ false, 3.0, 3.9, 3.2, -44.0 },
                                  line{ true, 5.0, 10.6, 5.5, -21.5 },
                                  line{ true, 6.0, 10.6, 6.5, -25.5 },
                                  line{ true, 7.0, 10.6, 7.4, -30.3 },
                                  line{ true, 8.0, 10.6, 8.3, -36.1 } }) {
        draws rng(3);
        const auto symbols = expected.gaussian ? rng.normal(20000) : rng.qpsk(20000);
        auto burst = shape(symbols.data(), symbols.size(), pulse);
        const double before = peak_to_mean_db(burst.data(), burst.size());
        const double after = limit_peak(burst, pulse, expected.peak_db, 4);
        samples found(symbols.size());
        filter.apply(burst.data(), burst.size(), 24.0, 4.0, found.data(), found.size());
        double error = 0.0;
        for (size_t i = 0; i < symbols.size(); i++)
            error += std::norm(found[i] - symbols[i]) / symbols.size();
        BOOST_TEST(std::fabs(before - expected.before) < 1.2); // of the largest of 80000
        BOOST_TEST(std::fabs(after - expected.after) < 0.25);
        BOOST_TEST(std::fabs(decibel(error) - expected.evm_db) < 1.5);
    }
}

BOOST_AUTO_TEST_CASE(peaks_of_nothing_are_minus_infinity)
{
    const samples silence(5), wrong(5, std::nanf("")), ones(5, 2.0f);
    BOOST_TEST(std::isinf(peak_to_mean_db(silence.data(), 5)));
    BOOST_TEST(std::isinf(peak_to_mean_db(silence.data(), 0)));
    BOOST_TEST(std::isinf(peak_to_mean_db(wrong.data(), 5)));
    BOOST_TEST(peak_to_mean_db(ones.data(), 5) == 0.0);
    BOOST_TEST(peak_to_mean_db(ones.data(), 5, 1.0) == decibel(4.0), tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(impossible_pulses_are_refused)
{
    const double nan = std::nan("");
    for (const pulse_shape& wrong : { pulse_shape{ 1, 6, 0.3 },
                                      pulse_shape{ 65, 6, 0.3 },
                                      pulse_shape{ 4, 0, 0.3 },
                                      pulse_shape{ 4, 65, 0.3 },
                                      pulse_shape{ 4, 6, -0.1 },
                                      pulse_shape{ 4, 6, 1.1 },
                                      pulse_shape{ 4, 6, nan } }) {
        BOOST_CHECK_THROW(root_raised_cosine_taps(wrong), std::invalid_argument);
        BOOST_CHECK_THROW(polyphase_filter::matched_filter(wrong), std::invalid_argument);
    }
    samples burst(10);
    BOOST_CHECK_THROW(limit_peak(burst, {}, -1.0, 1), std::invalid_argument);
    BOOST_CHECK_THROW(limit_peak(burst, {}, 6.0, -1), std::invalid_argument);
    BOOST_CHECK_THROW(polyphase_filter::low_pass(0.0, 8), std::invalid_argument);
    BOOST_CHECK_THROW(polyphase_filter::low_pass(0.6, 8), std::invalid_argument);
    BOOST_CHECK_THROW(polyphase_filter::low_pass(0.5, 0), std::invalid_argument);
}
