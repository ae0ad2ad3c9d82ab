/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/flat/channel.h"
#include "phy/framing.h"
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

using namespace gr::semcom::phy;
using streams = std::vector<std::vector<cfloat>>;

static const channel_model all_models[] = { channel_model::none,
                                            channel_model::awgn,
                                            channel_model::rayleigh,
                                            channel_model::rician,
                                            channel_model::rician_rank1 };

static channel_settings settings(channel_model model, double doppler = 0.0)
{
    channel_settings value;
    value.model = model;
    value.doppler = doppler;
    value.gain_db = 3.0;
    value.seed = 12;
    return value;
}

//! Symbols that differ from stream to stream and from place to place.
static streams sent(int num_tx, size_t length)
{
    streams x(num_tx, std::vector<cfloat>(length));
    for (int k = 0; k < num_tx; k++)
        for (size_t n = 0; n < length; n++)
            x[k][n] = std::polar(1.0f, 0.7f * n + k);
    return x;
}

//! A frame passed through in pieces of the given size.
static streams pass(mimo_channel& channel, const streams& x, uint64_t frame, size_t piece)
{
    const size_t length = x[0].size();
    streams y(channel.num_rx(), std::vector<cfloat>(length));
    channel.begin_frame(frame, length);
    for (size_t at = 0; at < length; at += piece) {
        const cfloat* from[max_streams];
        cfloat* to[max_streams];
        for (int k = 0; k < channel.num_tx(); k++)
            from[k] = &x[k][at];
        for (int m = 0; m < channel.num_rx(); m++)
            to[m] = &y[m][at];
        channel.apply(from, to, at, std::min(piece, length - at));
    }
    return y;
}

BOOST_AUTO_TEST_CASE(a_frame_does_not_depend_on_how_it_is_cut)
{
    for (auto model : all_models)
        for (double doppler : { 0.0, 0.01 }) {
            mimo_channel channel(3, 3, settings(model, doppler));
            const auto x = sent(3, 1500);
            const auto whole = pass(channel, x, 4, 1500);
            for (size_t piece : { 1, 7, 512, 513 })
                BOOST_TEST((pass(channel, x, 4, piece) == whole));
            const bool same_later = pass(channel, x, 5, 1500) == whole;
            BOOST_TEST(same_later == (model == channel_model::none));
        }
}

BOOST_AUTO_TEST_CASE(without_noise_the_output_is_the_truth_times_the_input)
{
    for (auto model : all_models)
        for (double doppler : { 0.0, 0.01 }) {
            auto silent = settings(model, doppler);
            silent.snr_db = std::numeric_limits<double>::infinity();
            mimo_channel channel(2, 2, silent);
            const auto x = sent(2, 100);
            const auto y = pass(channel, x, 7, 100);
            for (size_t n = 0; n < 100; n++) {
                const auto truth =
                    channel.truth().state(channel.moves() ? n / run_length : 0);
                BOOST_TEST(truth.noise_var == 0.0);
                for (int m = 0; m < 2; m++) {
                    const cdouble expected = truth.h(m, 0) * cdouble(x[0][n]) +
                                             truth.h(m, 1) * cdouble(x[1][n]);
                    BOOST_TEST(std::abs(cdouble(y[m][n]) - expected) < 1e-5);
                }
            }
        }
}

BOOST_AUTO_TEST_CASE(fixed_channels_have_the_matrix_they_name)
{
    mimo_channel none(2, 2, settings(channel_model::none));
    mimo_channel awgn(2, 3, settings(channel_model::awgn));
    none.begin_frame(0, 10);
    awgn.begin_frame(0, 10);
    BOOST_TEST((none.truth().state(0).h - matrix::Identity(2, 2)).norm() == 0.0);
    BOOST_TEST(none.truth().state(0).noise_var == 0.0);
    const auto truth = awgn.truth().state(0);
    const double gain = std::pow(10.0, 3.0 / 20.0);
    const cdouble receiver = truth.h(0, 0);
    BOOST_TEST(std::abs(receiver) == gain, boost::test_tools::tolerance(1e-6));
    BOOST_TEST((truth.h - receiver * matrix::Identity(3, 2)).norm() < 1e-6);
    BOOST_TEST(truth.noise_var == gain * gain * 0.1, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(truth.snr == 2.0 / 6.0 / 0.1, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(settings_out_of_range_are_refused_and_change_nothing)
{
    const double nan = std::nan("");
    mimo_channel channel(1, 2, settings(channel_model::rayleigh));
    const auto before = pass(channel, sent(1, 20), 0, 20);
    std::vector<channel_settings> wrong(7, settings(channel_model::rayleigh));
    wrong[0].snr_db = nan;
    wrong[1].snr_db = -300.0;
    wrong[2].rician_k = -1.0;
    wrong[3].doppler = nan;
    wrong[4].gain_db = 300.0;
    wrong[5].link = 65536;
    wrong[6].model = channel_model::none; // 1 to 2
    for (const auto& value : wrong)
        BOOST_CHECK_THROW(channel.set(value), std::invalid_argument);
    BOOST_TEST((pass(channel, sent(1, 20), 0, 20) == before));
    BOOST_CHECK_THROW(mimo_channel(0, 1, {}), std::invalid_argument);
    BOOST_CHECK_THROW(mimo_channel(1, 9, {}), std::invalid_argument);
    BOOST_CHECK_THROW(parse_channel("fog"), std::invalid_argument);
}
