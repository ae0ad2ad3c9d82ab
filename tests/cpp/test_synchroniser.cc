/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "recordings.h"
#include <boost/test/unit_test.hpp>
#include <limits>

using boost::test_tools::tolerance;

static const double nan_value = std::nan("");
static const double infinite = std::numeric_limits<double>::infinity();

BOOST_AUTO_TEST_CASE(time_and_frequency_reach_their_bounds)
{
    for (double snr_db : { 5.0, 15.0 })
        for (int num_rx : { 1, 2 }) {
            draws rng(18);
            const pulse_shape pulse;
            const recordings from(0, pulse, rng);
            const synchroniser sync(pulse);
            const double noise = std::pow(10.0, -snr_db / 10.0), n = 253.0;
            const double g = num_rx / noise, turn = 4 * M_PI * M_PI;
            const double cfo_bound = 6.0 / (turn * g * n * (n * n - 1.0));
            const double time_bound =
                16.0 / (2.0 * g * n * turn * mean_square_bandwidth(0.35));
            double cfo = 0.0, time = 0.0, cfo_said = 0.0, time_said = 0.0, snr = 0.0;
            const int trials = 400;
            for (int t = 0; t < trials; t++) {
                const auto air = put(from, t, num_rx, false, noise, 0.01, rng);
                const auto found = sync.synchronise(pointers(air.heard).data(),
                                                    num_rx,
                                                    air.heard[0].size(),
                                                    make_preamble(0),
                                                    air.start + rng.uniform(-1.0, 1.0),
                                                    air.cfo + rng.uniform(-1e-3, 1e-3));
                BOOST_REQUIRE(found.found);
                cfo += std::pow(found.cfo.value - air.cfo, 2) / trials;
                time += std::pow(found.start.value - air.start, 2) / trials;
                cfo_said += found.cfo.variance / trials;
                time_said += found.start.variance / trials;
                snr += found.snr / trials;
            }
            // 400 trials: 0.3 dB of standard deviation; a clock 20 ppm off moves the
            // start by up to 0.01 samples, a tenth of the bound at 15 dB.
            BOOST_TEST(decibel(cfo / cfo_bound) < 1.0);
            BOOST_TEST(decibel(cfo / cfo_bound) > -1.0);
            BOOST_TEST(decibel(time / time_bound) < 1.5);
            BOOST_TEST(decibel(time / time_bound) > -1.0);
            BOOST_TEST(std::fabs(decibel(cfo_said / cfo_bound)) < 0.2);
            BOOST_TEST(std::fabs(decibel(time_said / time_bound)) < 0.2);
            BOOST_TEST(snr == 1.0 / noise, tolerance(0.03));
        }
}

BOOST_AUTO_TEST_CASE(gains_and_noise_are_measured_with_the_variances_said)
{
    draws rng(19);
    const pulse_shape pulse{ 3, 8, 0.25 };
    const synchroniser sync(pulse);
    const auto known = make_preamble(1);
    double error = 0.0, said = 0.0, noise = 0.0, amplitude = 0.0, amplitude_said = 0.0;
    const int trials = 200;
    for (int t = 0; t < trials; t++) {
        std::vector<samples> heard;
        complex_vector h(3);
        const double start = rng.uniform(40.0, 50.0), cfo = rng.uniform(-0.01, 0.01);
        for (int m = 0; m < 3; m++) {
            h[m] = cdouble(rng.normal(1)[0]) + 0.5;
            heard.push_back(rng.normal(900, 0.2));
            add_burst(known, pulse, { start, cfo, 0.0 }, h[m], heard.back());
        }
        const auto found =
            sync.synchronise(pointers(heard).data(), 3, 900, known, start, cfo);
        BOOST_REQUIRE(found.found);
        // What is common to all antennas follows the errors of frequency and time.
        const cdouble common = found.h.dot(h);
        error += (found.h * common / std::abs(common) - h).squaredNorm() / 3 / trials;
        said += found.err_var / trials;
        noise += found.noise_var / trials;
        const double true_amplitude = std::sqrt(h.squaredNorm() / 3);
        amplitude += std::pow(found.amplitude.value - true_amplitude, 2) / trials;
        amplitude_said += found.amplitude.variance / trials;
        BOOST_TEST(found.middle == 126.0);
    }
    BOOST_TEST(noise == 0.2, tolerance(0.02));
    BOOST_TEST(said == 0.2 / 253, tolerance(0.02));
    BOOST_TEST(error == said * 2.5 / 3.0, tolerance(0.2)); // common phase taken out
    BOOST_TEST(amplitude == amplitude_said, tolerance(0.3));
}

BOOST_AUTO_TEST_CASE(more_known_symbols_sharpen_the_frequency)
{
    draws rng(20);
    const burst_layout layout;
    const auto known = layout.head(0, { 3, 0, 100, 1 });
    samples wave(3700);
    for (auto& value : wave)
        value = rng.normal(1, 0.1)[0];
    add_burst(known, {}, { 60.3, 0.004, 0.0 }, 1.0, wave);
    const synchroniser sync({});
    const cfloat* in = wave.data();
    const auto first = sync.synchronise(&in, 1, wave.size(), make_preamble(0), 60, 0.004);
    const auto second =
        sync.synchronise(&in, 1, wave.size(), known, first.start.value, first.cfo.value);
    BOOST_TEST(second.cfo.variance < 0.1 * first.cfo.variance);
    BOOST_TEST(std::fabs(second.cfo.value - 0.004) < 5 * std::sqrt(second.cfo.variance));
}

BOOST_AUTO_TEST_CASE(antennas_are_combined_by_their_gains)
{
    const std::vector<samples> in = { { { 1.0f, 0.0f }, std::nanf("") },
                                      { { 0.0f, 2.0f }, 1.0f } };
    complex_vector h(2);
    h << 1.0, cdouble(0.0, 2.0);
    samples out(2);
    BOOST_TEST(combine(pointers(in).data(), h, 2, out.data()) == 0.2, tolerance(1e-9));
    BOOST_TEST(std::abs(out[0] - 1.0f) < 1e-6f);
    BOOST_TEST(out[1] == cfloat(0.0f));
    h.setZero();
    BOOST_TEST(std::isinf(combine(pointers(in).data(), h, 2, out.data())));
    BOOST_TEST(out[0] == cfloat(0.0f));
}

BOOST_AUTO_TEST_CASE(nothing_is_found_in_nothing)
{
    const preamble_detector detector(0, max_preamble_repeats, {}, {});
    const synchroniser sync({});
    const auto known = make_preamble(0);
    for (size_t length : { size_t(0), size_t(1), size_t(1008), size_t(4000) })
        for (float value :
             { 0.0f, std::nanf(""), std::numeric_limits<float>::infinity() }) {
            const std::vector<samples> heard(2, samples(length, value));
            const auto in = pointers(heard);
            BOOST_TEST(detector.detect(in.data(), 2, length).empty());
            const auto found = sync.synchronise(in.data(), 2, length, known, 50.0, 0.0);
            BOOST_TEST(!found.found);
            BOOST_TEST(found.h.norm() == 0.0);
            BOOST_TEST(found.snr == 0.0);
            for (double variance : { found.start.variance,
                                     found.cfo.variance,
                                     found.amplitude.variance,
                                     found.err_var,
                                     found.noise_var })
                BOOST_TEST(std::isinf(variance));
            std::vector<samples> out(2, samples(3, 1.0f));
            sync.align(in.data(), 2, length, found, 0.0, 0, 3, pointers(out).data());
            BOOST_TEST(out[1][2] == cfloat(0.0f));
            BOOST_TEST(std::isinf(joint_channel({ found, found }).noise_var));
        }
}

BOOST_AUTO_TEST_CASE(samples_that_are_not_finite_spoil_little)
{
    draws rng(27);
    const auto known = make_preamble(0);
    samples wave = rng.normal(1500, 0.01);
    add_burst(known, {}, { 100.0, 0.002, 0.0 }, 1.0, wave);
    wave[400] = std::nanf("");
    wave[800] = std::numeric_limits<float>::infinity();
    const cfloat* in = wave.data();
    const preamble_detector detector(0, max_preamble_repeats, {}, {});
    const auto heard = detector.detect(&in, 1, wave.size());
    BOOST_REQUIRE(heard.size() == 1);
    const synchroniser sync({});
    const auto found =
        sync.synchronise(&in, 1, wave.size(), known, heard[0].start, heard[0].cfo);
    BOOST_TEST(found.found);
    BOOST_TEST(std::fabs(found.start.value - 100.0) < 0.05);
    BOOST_TEST(std::fabs(found.cfo.value - 0.002) < 3e-5);
    for (double start : { nan_value, infinite, -1.0, 1e9, 800.0 })
        BOOST_TEST(!sync.synchronise(&in, 1, wave.size(), known, start, 0.0).found);
    BOOST_TEST(!sync.synchronise(&in, 1, wave.size(), known, 100.0, nan_value).found);
}

BOOST_AUTO_TEST_CASE(impossible_synchronisations_are_refused)
{
    BOOST_CHECK_THROW(synchroniser({ 0, 6, 0.3 }), std::invalid_argument);
    const synchroniser sync({});
    const samples wave(100);
    const cfloat* in = wave.data();
    BOOST_CHECK_THROW(sync.synchronise(&in, 1, 100, samples(7, 1.0f), 10.0, 0.0),
                      std::invalid_argument);
    BOOST_CHECK_THROW(joint_channel({}), std::invalid_argument);
}
