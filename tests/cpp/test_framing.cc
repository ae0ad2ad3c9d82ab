/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/framing.h"
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace gr::semcom::phy;

//! A frame spelt out: 'P' for a pilot, 'x' for a payload symbol.
static std::string spell(uint64_t pilots, uint64_t spacing, uint64_t payload)
{
    const std::string row(pilots, 'P');
    if (spacing == 0)
        return row + std::string(payload, 'x');
    std::string frame = row;
    for (uint64_t at = 0; at < payload; at += spacing)
        frame += std::string(std::min(spacing, payload - at), 'x') + row;
    return frame;
}

BOOST_AUTO_TEST_CASE(positions_follow_the_spelt_frame)
{
    for (uint64_t pilots : { 1, 2, 5 })
        for (uint64_t spacing : { 0, 1, 3, 8 })
            for (uint64_t payload = 1; payload < 30; payload++) {
                const frame_layout layout{ pilots, spacing };
                const auto frame = spell(pilots, spacing, payload);
                BOOST_TEST(layout.total(payload) == frame.size());
                BOOST_TEST(layout.payload(frame.size()) == payload);
                BOOST_TEST(layout.pilot_position(0, payload) == 0);
                uint64_t symbols = 0, block = 0;
                for (uint64_t at = 0; at < frame.size(); at++) {
                    if (at > 0 && frame[at] == 'P' && frame[at - 1] == 'x')
                        BOOST_TEST(layout.pilot_position(++block, payload) == at);
                    BOOST_TEST(layout.payload_before(at, payload) == symbols);
                    BOOST_TEST(layout.pilot_block_at(at, payload) == block);
                    if (frame[at] == 'x')
                        BOOST_TEST(layout.payload_position(symbols++) == at);
                }
                BOOST_TEST(layout.pilot_blocks(payload) == block + 1);
                if (spacing == 0)
                    BOOST_TEST(layout.pilot_position(1, payload) == frame.size());
                BOOST_TEST(layout.payload_before(frame.size(), payload) == payload);
            }
}

BOOST_AUTO_TEST_CASE(lengths_no_frame_has_carry_no_payload)
{
    for (uint64_t pilots : { 1, 4 })
        for (uint64_t spacing : { 0, 1, 5 }) {
            const frame_layout layout{ pilots, spacing };
            std::vector<bool> possible(200, false);
            for (uint64_t payload = 1; layout.total(payload) < possible.size(); payload++)
                possible[layout.total(payload)] = true;
            for (uint64_t total = 0; total < possible.size(); total++)
                BOOST_TEST((layout.payload(total) > 0) == possible[total]);
        }
}
