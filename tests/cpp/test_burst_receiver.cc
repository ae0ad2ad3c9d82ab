/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/burst/burst_receiver.h"
#include "receive.h"
#include <Eigen/LU>
#include <boost/test/unit_test.hpp>

namespace {

constexpr int num_bursts = 4;
constexpr uint32_t payload_length = 300;

//! What antennas hear of several bursts in a row, and what was sent in each.
struct recording {
    burst_receiver_settings settings;
    std::vector<uint32_t> lengths; // of each user's payload
    double noise_var;
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

//! Users with payloads of these lengths, and nothing heard yet.
recording setting(const std::vector<uint32_t>& lengths, int num_rx, double noise_var)
{
    recording r;
    r.settings.layout.users = static_cast<int>(lengths.size());
    r.settings.layout.body = { 16, 64 };
    for (size_t k = 0; k < lengths.size(); k++)
        r.settings.rows.push_back(zadoff_chu(16, 2 * static_cast<int>(k) + 1));
    r.settings.num_rx = num_rx;
    r.lengths = lengths;
    r.noise_var = noise_var;
    r.heard.resize(num_rx);
    return r;
}

void add_silence(recording& r, size_t count, draws& rng)
{
    for (auto& antenna : r.heard) {
        const auto quiet = rng.normal(count, r.noise_var);
        antenna.insert(antenna.end(), quiet.begin(), quiet.end());
    }
}

//! A burst over \p h, with a pause before it.
void add(recording& r, const matrix& h, const frame_header& common, draws& rng)
{
    add_silence(r, static_cast<size_t>(rng.uniform(2000, 9000)), rng);
    scene s;
    s.layout = r.settings.layout;
    s.pulse = r.settings.pulse;
    s.noise_var = r.noise_var;
    s.common = common;
    s.h = h;
    for (int k = 0; k < h.cols(); k++)
        s.ways.push_back({ rng.uniform(60, 160),
                           rng.uniform(-0.015, 0.015),
                           rng.uniform(-3e-5, 3e-5) });
    s.rows = r.settings.rows;
    transmit(s, r.lengths, 80, rng);
    r.starts.push_back(static_cast<double>(r.heard[0].size()) + s.ways[0].delay);
    for (size_t m = 0; m < r.heard.size(); m++)
        r.heard[m].insert(r.heard[m].end(), s.heard[m].begin(), s.heard[m].end());
    r.scenes.push_back(s);
}

matrix two_by_two()
{
    matrix h(2, 2);
    h << 1.0, cdouble(0.0, 0.6), -0.5, 0.9;
    return h;
}

//! Bursts of two users; \p silent: (burst, user) that does not send.
recording record(uint64_t seed, double noise_var, std::pair<int, int> silent = { -1, -1 })
{
    draws rng(seed);
    auto r = setting({ payload_length, payload_length }, 2, noise_var);
    for (int b = 0; b < num_bursts; b++) {
        auto h = two_by_two();
        if (silent.first == b)
            h.col(silent.second).setZero();
        add(r, h, { static_cast<uint32_t>(50 + b), 0, 0, 5 }, rng);
    }
    return r;
}

//! Nothing is heard of a user's header in a burst.
void blank_header(recording& r, int burst, int user)
{
    const auto& layout = r.settings.layout;
    const auto first = static_cast<size_t>(r.starts[burst]) +
                       r.settings.pulse.sps * (layout.header_position(user) + 2);
    for (auto& antenna : r.heard)
        std::fill_n(antenna.begin() + static_cast<long>(first),
                    r.settings.pulse.sps * (layout.header_length() + 10),
                    cfloat(0.0f));
}

void push(burst_receiver& receiver, const recording& r, size_t cut)
{
    const size_t count = r.heard[0].size();
    for (size_t at = 0; at < count; at += cut) {
        std::vector<const cfloat*> in;
        for (const auto& antenna : r.heard)
            in.push_back(&antenna[at]);
        receiver.push(in.data(), std::min(cut, count - at));
    }
    receiver.finish();
}

std::vector<received_burst> receive(const recording& r, size_t cut)
{
    burst_receiver receiver(r.settings);
    push(receiver, r, cut);
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
    blank_header(r, 1, 1);
    const auto found = receive(r, 8192);
    BOOST_REQUIRE(found.size() == num_bursts);
    const auto& user = found[1].users[1];
    BOOST_TEST((user.detected && !user.read));
    BOOST_TEST(user.header.frame == found[1].header.frame);
    BOOST_TEST(error(found[1].payload[1], r.scenes[1].payloads[1]) < 0.05);
}

BOOST_AUTO_TEST_CASE(any_number_of_users_each_with_its_own_length)
{
    const std::vector<uint32_t> all = { 300, 1111, 64, 129 };
    for (const int users : { 1, 3, 4 }) {
        draws rng(40 + users);
        auto r = setting({ all.begin(), all.begin() + users }, users + 1, 0.01);
        double ratio = 0.0;
        for (uint32_t b = 0; b < 3; b++) {
            matrix h(users + 1, users);
            const auto values = rng.normal(h.size());
            std::copy(values.begin(), values.end(), h.data());
            h += 2.0 * matrix::Identity(users + 1, users); // none drowns
            add(r, h, { b, 0, 0, 9, 2, 5, 1 }, rng);
        }
        const auto found = receive(r, 30011);
        BOOST_REQUIRE(found.size() == 3);
        for (int b = 0; b < 3; b++) {
            const auto& s = r.scenes[b];
            const matrix gram = s.h.adjoint() * s.h, inverse = gram.inverse();
            for (int k = 0; k < users; k++) {
                const auto& user = found[b].users[k];
                BOOST_REQUIRE(user.read);
                BOOST_TEST(user.header.terminal == k);
                BOOST_TEST(user.header.length == all[k]);
                BOOST_TEST(user.header.fragment == 2);
                BOOST_TEST(user.header.fragments == 5);
                BOOST_TEST(user.header.attempt == 1);
                BOOST_REQUIRE(found[b].payload[k].size() == all[k]);
                // Of zero forcing: the noise through the pseudo-inverse.
                const double evm = decibel(error(found[b].payload[k], s.payloads[k]) /
                                           (0.01 * inverse(k, k).real()));
                BOOST_TEST(std::fabs(evm) < 1.5); // 64 symbols vary by 0.5 dB
                ratio += evm / (3 * users);
            }
        }
        BOOST_TEST(std::fabs(ratio) < 0.5); // [dB]
    }
}

BOOST_AUTO_TEST_CASE(a_user_that_is_not_read_sends_as_many_units_as_the_others)
{
    // Ten units of each; the longer user's header cannot be read, then the shorter's.
    for (const int blank : { 0, 1 }) {
        draws rng(6);
        auto r = setting({ 300, 780 }, 2, 0.01);
        r.settings.units = { 30, 78 };
        for (uint32_t b = 0; b < 2; b++)
            add(r, two_by_two(), { b, 0, 0, 5 }, rng);
        blank_header(r, 0, blank);
        const auto found = receive(r, 8192);
        BOOST_REQUIRE(found.size() == 2);
        const auto& user = found[0].users[blank];
        BOOST_TEST((user.detected && !user.read));
        BOOST_TEST(user.header.length == r.lengths[blank]);
        BOOST_TEST(error(found[0].payload[blank], r.scenes[0].payloads[blank]) < 0.05);
    }
}

BOOST_AUTO_TEST_CASE(pilots_tell_that_a_guessed_length_is_wrong)
{
    for (const int blank : { 0, 1 }) {
        draws rng(7);
        auto r = setting({ 300, 780 }, 2, 0.01);
        for (uint32_t b = 0; b < 2; b++)
            add(r, two_by_two(), { b, 0, 0, 5 }, rng);
        blank_header(r, 0, blank);
        const auto found = receive(r, 8192);
        BOOST_REQUIRE(found.size() == 2);
        const auto guess = r.lengths[1 - blank];
        BOOST_TEST(found[0].users[blank].header.length == guess);
        BOOST_TEST((found[0].payload[blank] == samples(guess)));
        BOOST_TEST(std::isinf(found[0].channel.no_eff[blank]));
        BOOST_TEST(error(found[0].payload[1 - blank], r.scenes[0].payloads[1 - blank]) <
                   0.05);
        BOOST_TEST(found[1].users[blank].read);
    }
}

BOOST_AUTO_TEST_CASE(what_is_sent_together_belongs_together_by_frame_fragment_and_attempt)
{
    const frame_header first{ 3, 0, 0, 5, 1, 4, 0 };
    for (const frame_header& other : { frame_header{ 4, 0, 0, 5, 1, 4, 0 },
                                       frame_header{ 3, 0, 0, 6, 1, 4, 0 },
                                       frame_header{ 3, 0, 0, 5, 2, 4, 0 },
                                       frame_header{ 3, 0, 0, 5, 1, 4, 1 },
                                       frame_header{ 3, 0, 0, 5, 1, 9, 0 } }) {
        draws rng(8);
        auto r = setting({ 100, 100 }, 2, 0.01);
        auto h = two_by_two();
        h.col(1).setZero();
        add(r, h, first, rng);
        const size_t length = r.scenes[0].heard[0].size();
        // The other user at the same time.
        auto second = setting({ 100, 100 }, 2, 0.0);
        draws again(8);
        h = two_by_two();
        h.col(0).setZero();
        add(second, h, other, again);
        for (int m = 0; m < 2; m++)
            for (size_t n = 0; n < length; n++)
                *(r.heard[m].end() - 1 - static_cast<long>(n)) +=
                    *(second.heard[m].end() - 1 - static_cast<long>(n));
        const bool together = other.fragments == 9;
        const auto found = receive(r, 5000);
        BOOST_TEST(found.size() == (together ? 1u : 2u));
        if (together)
            BOOST_TEST(found[0].users[1].header.fragments == 9);
    }
}

BOOST_AUTO_TEST_CASE(other_versions_and_payloads_too_long_are_counted)
{
    draws rng(9);
    auto r = setting({ 200 }, 1, 0.01);
    r.settings.max_payload = 199;
    const matrix h = matrix::Constant(1, 1, 1.0);
    add(r, h, { 1, 0, 0, 5 }, rng);
    // A burst of version 1: preamble and 64 bits with their CRC, here all 0.
    add_silence(r, 8000, rng);
    std::vector<uint8_t> bits(64);
    for (int i = 0; i < 16; i++)
        bits.push_back(0x313e >> (15 - i) & 1); // CRC-16 of eight zero bytes, from 0xffff
    auto symbols = make_preamble(0);
    for (const auto& symbol : code_header(bits, 4))
        symbols.push_back(symbol);
    samples wave(8 * symbols.size());
    add_burst(symbols, {}, { 500.0, 0.004, 0.0 }, 1.0, wave);
    for (const auto& value : wave)
        r.heard[0].push_back(value + rng.normal(1, 0.01)[0]);
    burst_receiver receiver(r.settings);
    BOOST_TEST(receiver.other_version() == 0);
    push(receiver, r, 4000);
    BOOST_TEST(receiver.bursts().empty());
    BOOST_TEST(receiver.num_detected() == 2u);
    BOOST_TEST(receiver.num_too_long() == 1u);
    BOOST_TEST(receiver.num_other_version() == 1u);
    BOOST_TEST(receiver.other_version() == 1);
    BOOST_TEST(receiver.num_unread() == 0u);
}

BOOST_AUTO_TEST_CASE(long_bursts_are_followed_over_many_symbols_of_clock_drift)
{
    draws rng(10);
    auto r = setting({ 60000 }, 1, 0.01);
    r.settings.pulse.sps = 2;
    add(r, matrix::Constant(1, 1, 1.0), { 1, 0, 0, 5 }, rng);
    auto& s = r.scenes[0];
    s.ways[0].clock_offset = 38e-6; // 2.8 symbols over the body
    s.headers.clear();
    s.payloads.clear();
    transmit(s, r.lengths, 80, rng);
    r.heard = s.heard;
    const auto found = receive(r, 100000);
    BOOST_REQUIRE(found.size() == 1);
    BOOST_TEST(std::fabs(found[0].users[0].clock.offset.value - 38e-6) < 1e-7);
    BOOST_TEST(error(found[0].payload[0], s.payloads[0]) < 0.0125);
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
    bad = good;
    bad.units = { 5 };
    BOOST_CHECK_THROW(burst_receiver{ bad }, std::invalid_argument);
    bad.units = { 5, 0 };
    BOOST_CHECK_THROW(burst_receiver{ bad }, std::invalid_argument);
    bad = good;
    bad.max_payload = 0;
    BOOST_CHECK_THROW(burst_receiver{ bad }, std::invalid_argument);
}
