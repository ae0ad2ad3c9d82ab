/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/burst_receiver.h"
#include "receive.h"
#include <Eigen/LU>
#include <boost/test/unit_test.hpp>

namespace {

constexpr int num_bursts = 4;
constexpr uint16_t payload_length = 300;

//! What antennas hear of several bursts in a row, and what was sent in each.
struct recording {
    burst_receiver_settings settings;
    std::vector<scene> scenes;
    std::vector<double> starts; // [samples]
    std::vector<samples> heard; // at each antenna
};

samples zadoff_chu(int count, int root)
{
    samples row;
    for (int i = 0; i < count; i++)
        row.push_back(cfloat(std::polar(1.0, -M_PI * root * i * (i + 1) / count)));
    return row;
}

//! \p silent: (burst, user) that does not send.
recording record(uint64_t seed, double noise_var, std::pair<int, int> silent = { -1, -1 })
{
    recording r;
    draws rng(seed);
    r.settings.layout.body = { 16, 64 };
    r.settings.rows = { zadoff_chu(16, 1), zadoff_chu(16, 3) };
    r.heard.resize(2);
    for (int b = 0; b < num_bursts; b++) {
        const auto pause = static_cast<size_t>(rng.uniform(2000, 9000));
        for (auto& antenna : r.heard) {
            const auto quiet = rng.normal(pause, noise_var);
            antenna.insert(antenna.end(), quiet.begin(), quiet.end());
        }
        scene s;
        s.layout = r.settings.layout;
        s.noise_var = noise_var;
        s.frame = 50 + b;
        s.h = matrix(2, 2);
        s.h << 1.0, cdouble(0.0, 0.6), -0.5, 0.9;
        for (int k = 0; k < 2; k++)
            s.ways.push_back({ rng.uniform(60, 160),
                               rng.uniform(-0.015, 0.015),
                               rng.uniform(-3e-5, 3e-5) });
        if (silent.first == b)
            s.h.col(silent.second).setZero();
        s.rows = r.settings.rows;
        transmit(s, payload_length, 80, rng);
        r.starts.push_back(static_cast<double>(r.heard[0].size()) + s.ways[0].delay);
        for (int m = 0; m < 2; m++)
            r.heard[m].insert(r.heard[m].end(), s.heard[m].begin(), s.heard[m].end());
        r.scenes.push_back(s);
    }
    return r;
}

std::vector<received_burst> receive(const recording& r, size_t cut)
{
    burst_receiver receiver(r.settings);
    const size_t count = r.heard[0].size();
    for (size_t at = 0; at < count; at += cut) {
        const cfloat* in[] = { &r.heard[0][at], &r.heard[1][at] };
        receiver.push(in, std::min(cut, count - at));
    }
    receiver.finish();
    return { receiver.bursts().begin(), receiver.bursts().end() };
}

double error(const samples& found, const samples& sent)
{
    double sum = 0.0;
    for (size_t i = 0; i < sent.size(); i++)
        sum += std::norm(found[i] - sent[i]);
    return sum / static_cast<double>(sent.size());
}

} // namespace

BOOST_AUTO_TEST_CASE(all_bursts_of_a_stream_are_received)
{
    const auto r = record(1, 0.01);
    const auto found = receive(r, 4096);
    BOOST_REQUIRE(found.size() == num_bursts);
    for (int b = 0; b < num_bursts; b++) {
        const auto& s = r.scenes[b];
        BOOST_TEST(std::fabs(found[b].start - r.starts[b]) < 0.5);
        for (int k = 0; k < 2; k++) {
            const auto& user = found[b].users[k];
            BOOST_TEST(user.read);
            BOOST_TEST(std::fabs(user.cfo - s.ways[k].cfo) < 2e-5);
            const double error_power = error(found[b].payload[k], s.payloads[k]);
            // Of zero forcing: noise through the rows of the inverse.
            const matrix inverse = s.h.inverse();
            const double aligned = 0.01 * inverse.row(k).squaredNorm();
            BOOST_TEST(error_power < 1.35 * aligned);
            BOOST_TEST(std::fabs(found[b].channel.no_eff[k] / error_power - 1.0) < 0.5);
        }
    }
}

BOOST_AUTO_TEST_CASE(how_the_samples_are_cut_changes_nothing)
{
    const auto r = record(2, 0.05);
    const auto whole = receive(r, r.heard[0].size());
    for (size_t cut : { 777, 20011 }) {
        const auto parts = receive(r, cut);
        BOOST_REQUIRE(parts.size() == whole.size());
        for (size_t b = 0; b < whole.size(); b++)
            for (int k = 0; k < 2; k++)
                BOOST_TEST(error(parts[b].payload[k], whole[b].payload[k]) < 1e-9);
    }
}

BOOST_AUTO_TEST_CASE(a_user_that_is_silent_leaves_the_other)
{
    for (int silent : { 0, 1 }) {
        const auto found = receive(record(3, 0.01, { 2, silent }), 5000);
        BOOST_REQUIRE(found.size() == num_bursts);
        const auto& burst = found[2];
        BOOST_TEST(!burst.users[silent].detected);
        BOOST_TEST(std::isinf(burst.channel.no_eff[silent]));
        BOOST_TEST(error(burst.payload[silent], samples(payload_length)) == 0.0);
        BOOST_TEST(burst.users[1 - silent].read);
        BOOST_TEST(burst.channel.no_eff[1 - silent] < 0.03);
    }
}

BOOST_AUTO_TEST_CASE(a_header_that_cannot_be_read_is_taken_from_the_other)
{
    auto r = record(4, 0.01);
    const auto& layout = r.settings.layout;
    const auto first =
        static_cast<size_t>(r.starts[1]) + 4 * (layout.header_position(1) + 2);
    for (auto& antenna : r.heard)
        std::fill_n(antenna.begin() + static_cast<long>(first), 4 * 360, cfloat(0.0f));
    const auto found = receive(r, 8192);
    BOOST_REQUIRE(found.size() == num_bursts);
    const auto& user = found[1].users[1];
    BOOST_TEST((user.detected && !user.read));
    BOOST_TEST(user.header.frame == found[1].header.frame);
    BOOST_TEST(error(found[1].payload[1], r.scenes[1].payloads[1]) < 0.05);
}

BOOST_AUTO_TEST_CASE(what_is_held_does_not_grow_and_noise_is_no_burst)
{
    burst_receiver_settings settings;
    settings.layout.body = { 16, 64 };
    settings.rows = { zadoff_chu(16, 1), zadoff_chu(16, 3) };
    burst_receiver receiver(settings);
    draws rng(5);
    const auto noise = rng.normal(100000);
    auto broken = noise;
    broken[500] = std::nanf("");
    const cfloat* in[] = { noise.data(), broken.data() };
    for (int i = 0; i < 5; i++) {
        receiver.push(in, noise.size());
        BOOST_TEST(receiver.received_until() > 1e5 * i);
        BOOST_TEST(receiver.num_held() < 60000u);
    }
    BOOST_TEST(receiver.bursts().empty());
}

BOOST_AUTO_TEST_CASE(frames_are_counted_by_their_numbers)
{
    frame_counter counter;
    std::vector<bool> fresh;
    for (uint32_t number : { 5u, 6u, 6u, 9u, 10u, 0u, 1u })
        fresh.push_back(counter.accept(number));
    const std::vector<bool> expected = { true, true, false, true, true, true, true };
    BOOST_TEST((fresh == expected));
    BOOST_TEST(counter.num_frames() == 6u);
    BOOST_TEST(counter.num_lost() == 2u);
    BOOST_TEST(counter.num_duplicated() == 1u);
    BOOST_TEST(counter.num_restarts() == 1u);
}

BOOST_AUTO_TEST_CASE(settings_that_do_not_fit_are_refused)
{
    burst_receiver_settings good;
    good.layout.body = { 4, 64 };
    good.rows = { zadoff_chu(4, 1), zadoff_chu(4, 3) };
    burst_receiver receiver(good);
    auto bad = good;
    bad.num_rx = 1;
    BOOST_CHECK_THROW(burst_receiver{ bad }, std::invalid_argument);
    bad = good;
    bad.rows.pop_back();
    BOOST_CHECK_THROW(burst_receiver{ bad }, std::invalid_argument);
    bad = good;
    bad.rows[1].pop_back();
    BOOST_CHECK_THROW(burst_receiver{ bad }, std::invalid_argument);
    bad = good;
    bad.clock_ppm = 0.0;
    BOOST_CHECK_THROW(burst_receiver{ bad }, std::invalid_argument);
}
