/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "air.h"
#include "phy/burst/tracking.h"
#include <boost/test/unit_test.hpp>
#include <limits>

using namespace gr::semcom::phy;
using boost::test_tools::tolerance;

static const double infinite = std::numeric_limits<double>::infinity();

//! A body with pilots in place and what \p turn makes of symbol i.
template <typename Turn>
static samples make_body(const frame_layout& layout,
                         uint64_t payload,
                         const samples& row,
                         const Turn& turn)
{
    samples body(layout.total(payload));
    for (uint64_t b = 0; b < layout.pilot_blocks(payload); b++)
        for (size_t p = 0; p < row.size(); p++)
            body[layout.pilot_position(b, payload) + p] = row[p];
    for (uint64_t i = 0; i < payload; i++)
        body[layout.payload_position(i)] = 1.0f;
    for (size_t i = 0; i < body.size(); i++)
        body[i] *= cfloat(turn(static_cast<double>(i)));
    return body;
}

BOOST_AUTO_TEST_CASE(a_straight_phase_is_followed_and_undone)
{
    draws rng(23);
    const frame_layout layout{ 8, 100 };
    const auto row = rng.qpsk(8);
    const double f = 3e-4;
    auto body = make_body(layout, 750, row, [&](double i) {
        return std::polar(0.7, 1.0 + 2 * M_PI * f * i);
    });
    const user_stream stream{ body.data(), layout, 750, row, 1e-6 };
    const auto track = track_phase(stream, 1e-6, 0.0);
    BOOST_REQUIRE(track.phase.size() == 9);
    BOOST_TEST(track.cfo.value == f, tolerance(1e-3));
    for (size_t b = 0; b < 9; b++)
        BOOST_TEST(std::fabs(track.phase[b] - 1.0 - 2 * M_PI * f * track.time[b]) < 1e-3);
    correct_phase(body.data(), body.size(), track);
    for (uint64_t i = 0; i < 750; i++)
        BOOST_TEST(std::abs(body[layout.payload_position(i)] - 0.7f) < 2e-3f);
}

BOOST_AUTO_TEST_CASE(without_phase_noise_the_track_is_the_line_of_least_squares)
{
    draws rng(24);
    const frame_layout layout{ 4, 60 };
    const auto row = rng.qpsk(4);
    const double noise = 0.02;
    double error = 0.0, said = 0.0;
    for (int t = 0; t < 200; t++) {
        auto body = make_body(layout, 600, row, [](double) { return cdouble(1.0); });
        for (auto& value : body)
            value += rng.normal(1, noise)[0];
        const user_stream stream{ body.data(), layout, 600, row, noise };
        const auto track = track_phase(stream, 1.0, 0.0);
        double st = 0.0, stt = 0.0, sp = 0.0, stp = 0.0;
        const double blocks = 11.0;
        for (int b = 0; b < 11; b++) {
            cfloat c = 0.0f;
            for (int p = 0; p < 4; p++)
                c += std::conj(row[p]) * body[64 * b + p];
            st += track.time[b];
            stt += track.time[b] * track.time[b];
            sp += std::arg(c);
            stp += track.time[b] * std::arg(c);
        }
        const double slope = (blocks * stp - st * sp) / (blocks * stt - st * st);
        const double level = (sp - slope * st) / blocks;
        BOOST_TEST(std::fabs(track.cfo.value - slope / (2 * M_PI)) < 1e-8);
        BOOST_TEST(std::fabs(track.phase[0] - level - slope * track.time[0]) < 1e-5);
        error += std::pow(track.phase[3], 2) / 200;
        said += track.phase_var[3] / 200;
    }
    BOOST_TEST(error == said, tolerance(0.35));
}

BOOST_AUTO_TEST_CASE(wandering_phases_are_followed_better_with_their_noise_known)
{
    draws rng(25);
    const frame_layout layout{ 16, 64 };
    const auto row = rng.qpsk(16);
    double phase = 0.0, with = 0.0, without = 0.0;
    std::vector<double> truth;
    auto body = make_body(layout, 3200, row, [&](double) {
        phase += std::sqrt(2e-4) * M_SQRT2 * rng.normal(1)[0].real();
        truth.push_back(phase);
        return std::polar(1.0, phase);
    });
    for (auto& value : body)
        value += rng.normal(1, 0.01)[0];
    const user_stream stream{ body.data(), layout, 3200, row, 0.01 };
    const auto known = track_phase(stream, 1e-10, 2e-4);
    const auto line = track_phase(stream, 1e-10, 0.0);
    for (size_t b = 0; b < known.phase.size(); b++) {
        const double there = truth[static_cast<size_t>(known.time[b])];
        with += std::pow(std::remainder(known.phase[b] - there, 2 * M_PI), 2);
        without += std::pow(std::remainder(line.phase[b] - there, 2 * M_PI), 2);
    }
    BOOST_TEST(with < 0.1 * without);
}

BOOST_AUTO_TEST_CASE(late_pilots_tell_how_late)
{
    draws rng(26);
    const pulse_shape pulse;
    const frame_layout layout{ 16, 200 };
    const auto row = rng.qpsk(16);
    const uint64_t payload = 2000;
    synchronisation found;
    found.start.variance = 1e-2;
    found.middle = 126.0;
    const double offset = 15e-6, delay = 0.01;
    // Raised cosine symbols, straight from the sum.
    auto sent = make_body(layout, payload, row, [](double) { return cdouble(1.0); });
    const auto data = rng.qpsk(payload);
    for (uint64_t i = 0; i < payload; i++)
        sent[layout.payload_position(i)] = data[i];
    auto body = sent;
    for (size_t i = 0; i < body.size(); i++) {
        cdouble sum = 0.0;
        for (size_t l = i < 20 ? 0 : i - 20; l < std::min(body.size(), i + 20); l++)
            sum += cdouble(sent[l]) *
                   raised_cosine(static_cast<double>(i) - static_cast<double>(l) - delay -
                                     offset * (600.0 + static_cast<double>(l)),
                                 pulse.roll_off);
        body[i] = cfloat(sum * std::polar(2.0, 0.3));
    }
    const user_stream stream{ body.data(), layout, payload, row, 1e-4 };
    const auto clock = estimate_clock(stream, pulse, found, 600.0, 1e-9);
    BOOST_TEST(std::fabs(clock.offset.value - offset) < 2e-6);
    BOOST_TEST(std::fabs(clock.delay.value - delay) < 2e-3);
    BOOST_TEST(clock.offset.variance < 1e-11);
    // Equal pilots tell nothing: the priors remain.
    const samples equal(16, 1.0f);
    const user_stream dull{ sent.data(), layout, payload, equal, 1e30 };
    const auto prior = estimate_clock(dull, pulse, found, 600.0, 1e-9);
    BOOST_TEST(std::fabs(prior.offset.value) < 1e-9);
    BOOST_TEST(prior.offset.variance == 1e-9, tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(bad_pilot_blocks_are_passed_over)
{
    const frame_layout layout{ 2, 10 };
    const samples row = { 1.0f, -1.0f };
    auto body =
        make_body(layout, 40, row, [](double i) { return std::polar(1.0, 0.01 * i); });
    body[12] = std::nanf("");
    const auto track = track_phase({ body.data(), layout, 40, row, 1e-4 }, 1e-4, 1e-6);
    BOOST_REQUIRE(track.phase.size() == 5);
    for (size_t b = 0; b < 5; b++)
        BOOST_TEST(std::fabs(track.phase[b] - 0.01 * track.time[b]) < 0.01);
    const samples silence(body.size());
    const auto none = track_phase({ silence.data(), layout, 40, row, 1e-4 }, 1e-4, 1e-6);
    BOOST_TEST((none.phase[0] == 0.0 && std::isinf(none.phase_var[4])));
    const auto lost = track_phase({ body.data(), layout, 40, row, infinite }, 1e-4, 1e-6);
    BOOST_TEST(std::isinf(lost.phase_var[0]));
    synchronisation nobody;
    const auto clock =
        estimate_clock({ silence.data(), layout, 40, row, 1e-4 }, {}, nobody, 0.0, 1e-9);
    BOOST_TEST((clock.offset.value == 0.0 && std::isfinite(clock.offset.variance)));
}

BOOST_AUTO_TEST_CASE(impossible_pilots_are_refused)
{
    const samples body(100), row(3, 1.0f), zeros(4);
    const frame_layout layout{ 4, 0 };
    BOOST_CHECK_THROW(track_phase({ body.data(), layout, 50, row, 1.0 }, 1.0),
                      std::invalid_argument);
    BOOST_CHECK_THROW(track_phase({ body.data(), layout, 50, zeros, 1.0 }, 1.0),
                      std::invalid_argument);
    BOOST_CHECK_THROW(
        estimate_clock(
            { body.data(), layout, 50, samples(4, 1.0f), 1.0 }, {}, {}, 0.0, 0.0),
        std::invalid_argument);
}
