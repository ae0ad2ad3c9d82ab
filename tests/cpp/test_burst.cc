/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "air.h"
#include "phy/burst/burst.h"
#include <boost/test/unit_test.hpp>
#include <string>

using namespace gr::semcom::phy;

//! A burst spelt out: a letter for each symbol by its value, '.' for silence.
static std::string spell(const samples& burst, const samples& head, size_t head_at)
{
    std::string text;
    for (size_t i = 0; i < burst.size(); i++) {
        const bool in_head = i >= head_at && i < head_at + head.size();
        const float value = burst[i].real();
        text += in_head && burst[i] == head[i - head_at] ? 'h'
                : value == 0.0f                          ? '.'
                : value == 10.0f                         ? 'P'
                                                         : 'x';
    }
    return text;
}

BOOST_AUTO_TEST_CASE(bursts_are_heads_in_turn_and_bodies_together)
{
    burst_layout layout;
    layout.users = 2;
    layout.first_code = 1;
    layout.preamble_repeats = 5;
    layout.header_repeats = 1;
    layout.gap = 3;
    layout.body = { 2, 4 };
    layout.guard = 5;
    const size_t head_length = 55 + 150;
    const std::string head(head_length, 'h'), gap(3, '.');
    const std::string silence(head_length, '.'), body = "PPxxxxPPxxPP.....";
    const samples row(2, 10.0f), payload(6, 20.0f);
    for (int user = 0; user < 2; user++) {
        const frame_header header{ 9, static_cast<uint8_t>(user), 6, 2 };
        const auto known = layout.head(user, header);
        const auto preamble = make_preamble(1 + user, 5);
        BOOST_TEST(std::equal(preamble.begin(), preamble.end(), known.begin()));
        const auto burst = assemble_burst(layout, user, header, row, payload);
        BOOST_TEST(spell(burst, known, layout.preamble_position(user)) ==
                   (user == 0 ? head : silence) + gap + (user == 0 ? silence : head) +
                       gap + body);
        BOOST_TEST(burst.size() == layout.total(6));
        const auto decoded =
            decode_header(&burst[layout.header_position(user)], layout.header_repeats);
        BOOST_TEST((decoded.ok && decoded.value.frame == 9));
        BOOST_TEST(decoded.value.terminal == user);
    }
    BOOST_TEST(layout.guard_position(6) == layout.total(6) - 5);
}

BOOST_AUTO_TEST_CASE(impossible_bursts_are_refused)
{
    const burst_layout good;
    const samples row(16, 1.0f), payload(100, 1.0f);
    const frame_header header{ 1, 0, 100, 0 };
    BOOST_CHECK_NO_THROW(assemble_burst(good, 0, header, row, payload));
    const auto refused = [&](const burst_layout& layout,
                             int user,
                             const frame_header& h,
                             const samples& pilots,
                             const samples& symbols) {
        BOOST_CHECK_THROW(assemble_burst(layout, user, h, pilots, symbols),
                          std::invalid_argument);
    };
    refused(good, 2, header, row, payload);
    refused(good, 0, { 1, 0, 99, 0 }, row, payload);
    refused(good, 0, header, samples(15, 1.0f), payload);
    refused(good, 0, { 1, 0, 0, 0 }, row, {});
    burst_layout wrong;
    wrong.first_code = return_code; // user 1 has no code left
    refused(wrong, 0, header, row, payload);
    wrong.first_code = uplink_code + 5; // the next code is a sidelink's
    refused(wrong, 0, header, row, payload);
    wrong = {};
    wrong.users = 7;
    refused(wrong, 0, header, row, payload);
    wrong = {};
    wrong.header_repeats = 0;
    refused(wrong, 0, header, row, payload);
}
