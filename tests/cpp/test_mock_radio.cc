/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/impairments/mock_radio.h"
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using namespace gr::semcom::phy;
using samples = std::vector<cfloat>;

//! Every impairment at once.
static mock_settings all_settings(fading kind)
{
    mock_settings settings;
    settings.seed = 9;
    for (auto& device : settings.devices) {
        device.cfo_hz = 5e3;
        device.clock_ppm = 20.0;
        device.start_delay_s = 1e-3;
        device.phase_noise_dbc_hz = -80.0;
        device.iq_gain_db = 0.5;
        device.iq_phase_deg = 3.0;
        device.dc_db = -40.0;
        device.pa_backoff_db = 3.0;
        device.bits = 12;
        device.full_scale = 4.0;
        device.drop_probability = 0.1;
        device.drop_buffer = 100;
    }
    settings.devices[mock_settings::receiver].clock_ppm = -20.0;
    settings.uplink = { kind, 4.0, 50.0, 1e-3, 1e-6, 10.0 };
    settings.sidelink = settings.uplink;
    return settings;
}

//! What antenna 0 and the video terminal hear of a stream sent in pieces by both.
static std::vector<samples> pass(mock_radio radio, const samples& x, size_t piece)
{
    std::vector<samples> heard(2);
    samples first(4096), second(4096);
    for (size_t at = 0; at < x.size(); at += piece) {
        const size_t count = std::min(piece, x.size() - at);
        for (int k = 0; k < 2; k++)
            BOOST_REQUIRE(radio.push(k, &x[at], count) == count);
        for (int receiver = 0; receiver < 2; receiver++) {
            cfloat* out[] = { first.data(), second.data() };
            while (const size_t n =
                       radio.pull(receiver, out, std::min<size_t>(piece, 4096)))
                heard[receiver].insert(
                    heard[receiver].end(), first.begin(), first.begin() + n);
        }
    }
    return heard;
}

BOOST_AUTO_TEST_CASE(streams_do_not_depend_on_how_they_are_cut)
{
    samples x(20000);
    complex_normal({ 1, 2, 3, 4 }, 0, x.data(), x.size());
    for (auto kind : { fading::none, fading::block, fading::jakes }) {
        const mock_radio radio(all_settings(kind));
        const auto whole = pass(radio, x, x.size());
        BOOST_TEST(whole[0].size() > 17000);
        for (size_t piece : { 1, 13, 512, 5000 })
            BOOST_TEST((pass(radio, x, piece) == whole));
    }
}

BOOST_AUTO_TEST_CASE(a_receiver_that_is_not_there_holds_nothing_back)
{
    samples x(300000), y(x.size());
    cfloat* out[] = { y.data() };
    mock_radio radio(all_settings(fading::none), { mock_radio::sidelink });
    size_t sent = 0;
    while (sent < x.size()) {
        const size_t taken = radio.push(0, &x[sent], x.size() - sent);
        BOOST_REQUIRE(taken > 0);
        sent += taken;
        while (radio.pull(mock_radio::sidelink, out, y.size()) > 0)
            ;
    }
    BOOST_TEST(!radio.lacks(1));
    BOOST_CHECK_THROW(radio.pull(mock_radio::uplink, out, 1), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(interpolation_follows_a_tone_to_80_db)
{
    const interpolator interpolate;
    constexpr size_t step = interpolator::step;
    samples x(step + interpolator::num_taps), y(step);
    for (double cycles : { 0.0, 0.1, -0.25, 0.4 })
        for (double first : { 0.0, 0.3, 0.999 })
            for (double drift : { 0.0, 2e-3, -2e-3 }) {
                for (size_t n = 0; n < x.size(); n++)
                    x[n] = cfloat(std::polar(
                        1.0, 2 * M_PI * cycles * (double(n) - interpolator::before)));
                interpolate.apply(x.data(), first, drift, y.data());
                for (size_t n = 0; n < step; n++) {
                    const double time = first + n * (1.0 + drift / step);
                    const auto expected = std::polar(1.0, 2 * M_PI * cycles * time);
                    BOOST_TEST(std::abs(cdouble(y[n]) - expected) < 1e-4);
                }
            }
}

BOOST_AUTO_TEST_CASE(an_oscillator_keeps_its_frequency)
{
    const double cycles = 0.0123456789;
    oscillator lo(cycles, 0.0, { 1, 0, 0, purpose_transmit_phase });
    cfloat first, last;
    lo.turn(&first, 1);
    samples skipped(1 << 16);
    uint64_t count = 0;
    for (; count < 200 * skipped.size(); count += skipped.size())
        lo.turn(skipped.data(), skipped.size());
    lo.turn(&last, 1);
    const double turns = cycles * static_cast<double>(count + 1);
    const auto expected =
        cdouble(first) * std::polar(1.0, 2 * M_PI * (turns - std::floor(turns)));
    BOOST_TEST(std::abs(cdouble(last) - expected) < 1e-5);
}

BOOST_AUTO_TEST_CASE(the_profile_ends_where_little_is_left)
{
    BOOST_TEST(exponential_profile(0.0).size() == 1u);
    BOOST_TEST(exponential_profile(0.1).size() == 2u);
    BOOST_TEST(exponential_profile(1.0).size() <= 11u);
    BOOST_CHECK_THROW(exponential_profile(26.0), std::invalid_argument);
    BOOST_CHECK_THROW(exponential_profile(-1.0), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(settings_out_of_range_are_refused)
{
    auto settings = all_settings(fading::block);
    settings.devices[1].bits = 17;
    BOOST_CHECK_THROW(mock_radio{ settings }, std::invalid_argument);
    settings = all_settings(fading::block);
    settings.sample_rate = 0.0;
    BOOST_CHECK_THROW(mock_radio{ settings }, std::invalid_argument);
    BOOST_CHECK_THROW(parse_fading("fog"), std::invalid_argument);
    mock_radio radio(all_settings(fading::none));
    BOOST_CHECK_THROW(radio.set_snr_db(0, std::nan("")), std::invalid_argument);
}
