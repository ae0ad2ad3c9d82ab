/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "receive.h"
#include <boost/test/unit_test.hpp>

//! A 2 x 2 scene with delays, frequencies and clocks of their own.
static scene draw_scene(double snr_db, uint16_t payload, draws& rng)
{
    scene s;
    s.noise_var = std::pow(10.0, -snr_db / 10.0);
    s.h = matrix(2, 2);
    do {
        const auto h = rng.normal(4);
        std::copy(h.begin(), h.end(), s.h.data());
    } while (std::abs(s.h(0, 0) * s.h(1, 1) - s.h(0, 1) * s.h(1, 0)) < 0.6);
    for (int k = 0; k < 2; k++)
        s.ways.push_back({ 60.0 + rng.uniform(0.0, 200.0),
                           rng.uniform(-0.01, 0.01),
                           rng.uniform(-20e-6, 20e-6) });
    transmit(s, payload, 80.0, rng);
    return s;
}

static double error_power(const samples& found, const samples& sent)
{
    double sum = 0.0;
    for (size_t i = 0; i < sent.size(); i++)
        sum += std::norm(found[i] - sent[i]) / static_cast<double>(sent.size());
    return sum;
}

BOOST_AUTO_TEST_CASE(two_users_are_parted_as_if_they_were_aligned)
{
    // Beside zero forcing with the true channel, where all is aligned.
    for (double snr_db : { 10.0, 20.0, 30.0 }) {
        draws rng(21);
        double ratio = 0.0, clock = 0.0, clock_said = 0.0;
        const int trials = 10;
        for (int t = 0; t < trials; t++) {
            const auto s = draw_scene(snr_db, 1500, rng);
            const auto users = receive(s);
            csi truth(2, 2);
            truth.h = s.h;
            truth.noise_var = s.noise_var;
            const linear_detector aligned(truth, detector_method::zf);
            for (int k = 0; k < 2; k++) {
                BOOST_REQUIRE(users[k].header.ok);
                BOOST_TEST(users[k].header.value.frame == 77000u);
                BOOST_REQUIRE(users[k].payload.size() == 1500);
                const double evm = decibel(error_power(users[k].payload, s.payloads[k]) /
                                           aligned.no_eff()[k]);
                BOOST_TEST(evm < 0.8);
                ratio += evm / (2 * trials);
                const double error = s.ways[k].clock_offset - users[k].clock.offset.value;
                clock += error * error / (2 * trials);
                clock_said += users[k].clock.offset.variance / (2 * trials);
            }
        }
        BOOST_TEST(std::fabs(ratio) < 0.25); // [dB], 0.1 measured
        BOOST_TEST(clock < 3.0 * clock_said);
    }
}

BOOST_AUTO_TEST_CASE(the_sidelink_needs_one_antenna)
{
    draws rng(22);
    scene s;
    s.layout.users = 1;
    s.layout.first_code = sidelink_code;
    s.pulse.sps = 2;
    s.noise_var = 0.01;
    s.h = matrix::Constant(1, 1, cdouble(0.0, 0.8));
    s.ways.push_back({ 133.3, -0.0095, 15e-6 });
    transmit(s, 700, 80.0, rng);
    const auto user = receive(s)[0];
    BOOST_REQUIRE(user.header.ok);
    BOOST_TEST(std::fabs(user.sync.start.value - true_start(s, 0)) < 0.1);
    BOOST_TEST(decibel(error_power(user.payload, s.payloads[0]) / (0.01 / 0.64)) < 0.5);
}
