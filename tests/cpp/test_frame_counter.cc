/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/burst/frame_counter.h"
#include <boost/test/unit_test.hpp>
#include <vector>

using namespace gr::semcom::phy;

static frame_header
part(uint32_t frame, uint16_t fragment, uint16_t fragments, uint8_t attempt = 0)
{
    frame_header header;
    header.frame = frame;
    header.length = 1;
    header.fragment = fragment;
    header.fragments = fragments;
    header.attempt = attempt;
    return header;
}

static bool is(arrival found, arrival expected) { return found == expected; }

BOOST_AUTO_TEST_CASE(frames_are_counted_by_their_numbers)
{
    frame_counter counter;
    std::vector<bool> passed;
    for (uint32_t number : { 5u, 6u, 6u, 9u, 10u, 0u, 1u })
        passed.push_back(counter.accept(part(number, 0, 1)) != arrival::repeat);
    const std::vector<bool> expected = { true, true, false, true, true, true, true };
    BOOST_TEST((passed == expected));
    BOOST_TEST(counter.num_frames() == 6u);
    BOOST_TEST(counter.num_lost() == 2u);
    BOOST_TEST(counter.num_missing() == 0u);
    BOOST_TEST(counter.num_duplicated() == 1u);
    BOOST_TEST(counter.num_restarts() == 1u);
}

BOOST_AUTO_TEST_CASE(fragments_that_do_not_come_are_missing)
{
    frame_counter counter;
    BOOST_TEST(is(counter.accept(part(1, 0, 3)), arrival::fresh));
    BOOST_TEST(counter.num_missing() == 2u);
    BOOST_TEST(is(counter.accept(part(1, 2, 3)), arrival::fresh));
    BOOST_TEST(is(counter.accept(part(1, 2, 3)), arrival::repeat));
    BOOST_TEST(is(counter.accept(part(2, 1, 2)), arrival::fresh));
    BOOST_TEST(counter.num_missing() == 2u); // one of each
    BOOST_TEST(counter.num_frames() == 2u);
    BOOST_TEST(counter.num_lost() == 0u);
    BOOST_TEST(counter.num_restarts() == 0u);
    BOOST_TEST(counter.num_duplicated() == 1u);
}

BOOST_AUTO_TEST_CASE(another_attempt_is_no_repeat_and_brings_back_what_was_lost)
{
    frame_counter counter;
    counter.accept(part(4, 0, 2));
    counter.accept(part(4, 1, 2));
    counter.accept(part(7, 0, 2));
    BOOST_TEST(counter.num_lost() == 2u);
    BOOST_TEST(is(counter.accept(part(4, 1, 2, 1)), arrival::retry)); // asked for again
    BOOST_TEST(is(counter.accept(part(4, 1, 2, 1)), arrival::repeat));
    BOOST_TEST(is(counter.accept(part(6, 0, 2, 1)), arrival::retry));
    BOOST_TEST(counter.num_lost() == 1u); // frame 5
    BOOST_TEST(is(counter.accept(part(7, 1, 2, 255)), arrival::retry));
    BOOST_TEST(counter.num_missing() == 1u); // of frame 6
    BOOST_TEST(is(counter.accept(part(8, 0, 1)), arrival::fresh));
    BOOST_TEST(counter.num_frames() == 4u);
    BOOST_TEST(counter.num_retried() == 3u);
    BOOST_TEST(counter.num_duplicated() == 1u);
    BOOST_TEST(counter.num_restarts() == 0u);
}

BOOST_AUTO_TEST_CASE(a_frame_that_comes_by_a_later_attempt_only_is_counted)
{
    frame_counter counter;
    counter.accept(part(0, 0, 1));
    BOOST_TEST(is(counter.accept(part(2, 0, 1, 1)), arrival::retry));
    BOOST_TEST(counter.num_frames() == 2u);
    BOOST_TEST(counter.num_lost() == 1u);
}

BOOST_AUTO_TEST_CASE(what_is_remembered_is_bounded)
{
    frame_counter counter;
    for (uint32_t number = 0; number < 1000; number++)
        counter.accept(part(number, 0, 2));
    BOOST_TEST(counter.num_missing() == 1000u);
    BOOST_TEST(is(counter.accept(part(3, 1, 2, 1)), arrival::retry)); // forgotten
    BOOST_TEST(counter.num_missing() == 1000u);
    BOOST_TEST(is(counter.accept(part(999, 1, 2, 1)), arrival::retry));
    BOOST_TEST(counter.num_missing() == 999u);
    BOOST_TEST(counter.num_frames() == 1000u);
    BOOST_TEST(is(counter.accept(part(0, 0, 2)), arrival::fresh)); // started again
    BOOST_TEST(counter.num_restarts() == 1u);
    BOOST_TEST(is(counter.accept(part(1, 0, 2)), arrival::fresh));
    BOOST_TEST(counter.num_lost() == 0u);
}
