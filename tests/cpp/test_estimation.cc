/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/flat/estimation.h"
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>

using namespace gr::semcom::phy;
using rows = std::vector<std::vector<cfloat>>;

static std::mt19937 generator(2);

static cfloat draw()
{
    std::normal_distribution<float> normal(0.0f, std::sqrt(0.5f));
    return { normal(generator), normal(generator) };
}

static rows draw_rows(int count, int length)
{
    rows values(count, std::vector<cfloat>(length));
    for (auto& row : values)
        for (auto& symbol : row)
            symbol = draw();
    return values;
}

static pilot_estimator::block send(const matrix& h, const rows& pilots, float noise)
{
    pilot_estimator::block y(h.rows(), pilots[0].size());
    for (int m = 0; m < y.rows(); m++)
        for (int p = 0; p < y.cols(); p++) {
            y(m, p) = cdouble(noise * draw());
            for (int k = 0; k < h.cols(); k++)
                y(m, p) += h(m, k) * cdouble(pilots[k][p]);
        }
    return y;
}

static matrix draw_channel(int m, int k)
{
    matrix h(m, k);
    for (int i = 0; i < h.size(); i++)
        h.data()[i] = draw();
    return h;
}

BOOST_AUTO_TEST_CASE(a_silent_channel_is_found_exactly)
{
    for (int k = 1; k <= max_streams; k++)
        for (int m = 1; m <= max_streams; m++) {
            const auto pilots = draw_rows(k, 4 * k + 1);
            const matrix h = draw_channel(m, k);
            const auto y = send(h, pilots, 0.0f);
            for (auto method : { estimator_method::ls,
                                 estimator_method::ls_min_residual,
                                 estimator_method::lmmse }) {
                std::vector<csi> found;
                pilot_estimator(pilots).estimate(&y, 1, method, found);
                BOOST_TEST((found[0].h - h).norm() < 1e-9 * (1 + h.norm()));
                BOOST_TEST(found[0].noise_var < 1e-20);
                BOOST_TEST(found[0].err_var.maxCoeff() < 1e-18);
            }
        }
}

BOOST_AUTO_TEST_CASE(the_best_step_is_the_one_without_interference)
{
    const auto pilots = draw_rows(2, 15); // steps of 4, 4 and 7 symbols
    const matrix h = draw_channel(3, 2);
    auto y = send(h, pilots, 0.0f);
    for (int p = 0; p < 15; p++)
        if (p < 4 || p >= 8)
            y(1, p) += 5.0 * cdouble(draw());
    std::vector<csi> found;
    pilot_estimator(pilots).estimate(&y, 1, estimator_method::ls_min_residual, found);
    BOOST_TEST((found[0].h - h).norm() < 1e-9);
    BOOST_TEST(found[0].noise_var > 1.0);
}

BOOST_AUTO_TEST_CASE(noise_is_pooled_over_blocks_and_lmmse_lies_between_ls_and_zero)
{
    const auto pilots = draw_rows(2, 6);
    const pilot_estimator estimator(pilots);
    std::vector<pilot_estimator::block> y;
    for (int b = 0; b < 5; b++)
        y.push_back(send(draw_channel(2, 2), pilots, 0.5f));
    std::vector<csi> all, one, shrunk;
    estimator.estimate(y.data(), y.size(), estimator_method::ls, all);
    estimator.estimate(y.data(), y.size(), estimator_method::lmmse, shrunk);
    double mean = 0.0;
    for (size_t b = 0; b < y.size(); b++) {
        estimator.estimate(&y[b], 1, estimator_method::ls, one);
        mean += one[0].noise_var / y.size();
        BOOST_TEST((one[0].h - all[b].h).norm() == 0.0);
        BOOST_TEST(shrunk[b].h.norm() < all[b].h.norm());
        BOOST_TEST(shrunk[b].err_var.sum() < all[b].err_var.sum());
    }
    BOOST_TEST(all[0].noise_var == mean, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(bad_pilots_say_nothing_of_the_whole_frame)
{
    const auto pilots = draw_rows(2, 6);
    for (float value : { std::nanf(""), std::numeric_limits<float>::infinity() }) {
        std::vector<pilot_estimator::block> y(3, send(draw_channel(2, 2), pilots, 0.1f));
        y[1](0, 3) = value;
        std::vector<csi> found;
        pilot_estimator(pilots).estimate(y.data(), 3, estimator_method::lmmse, found);
        for (const auto& estimate : found) {
            BOOST_TEST(estimate.h.norm() == 0.0);
            BOOST_TEST(std::isinf(estimate.noise_var));
            BOOST_TEST(estimate.snr == 0.0);
        }
    }
}

BOOST_AUTO_TEST_CASE(interpolation_is_exact_for_a_channel_on_a_straight_line)
{
    // [P P | 12 | P P | 12 | P P | 5 | P P]: centres of the pilots at
    // 0.5, 14.5, 28.5, 35.5.
    const frame_layout layout{ 2, 12 };
    std::vector<csi> blocks;
    for (double centre : { 0.5, 14.5, 28.5, 35.5 }) {
        csi value(1, 1);
        value.h(0, 0) = cdouble(centre, 1.0);
        value.err_var[0] = 0.5;
        value.noise_var = 1.0;
        blocks.push_back(value);
    }
    const auto linear = interpolate(blocks, layout, 29, interpolation_method::linear);
    const uint64_t starts[] = { 0, 8, 12, 20, 24 };
    const double centres[] = { 5.5, 11.5, 19.5, 25.5, 32.0 };
    const double weights[] = { 5 / 14., 11 / 14., 5 / 14., 11 / 14., 0.5 };
    BOOST_REQUIRE(linear.pieces() == 5);
    for (size_t i = 0; i < 5; i++) {
        const auto found = linear.state(i);
        const double w = weights[i];
        BOOST_TEST(linear.first(i) == starts[i]);
        BOOST_TEST(std::abs(found.h(0, 0) - cdouble(centres[i], 1.0)) < 1e-5);
        BOOST_TEST(std::abs(found.err_var[0] - 0.5 * (w * w + (1 - w) * (1 - w))) < 1e-6);
    }
    // Nearest: a piece where the nearest block changes, the earlier one at a tie.
    const auto nearest = interpolate(blocks, layout, 29, interpolation_method::nearest);
    BOOST_REQUIRE(nearest.pieces() == 3);
    const uint64_t changes[] = { 0, 8, 20 };
    for (size_t i = 0; i < 3; i++) {
        BOOST_TEST(nearest.first(i) == changes[i]);
        BOOST_TEST(nearest.state(i).h(0, 0).real() == 0.5 + 14.0 * i);
    }
}

BOOST_AUTO_TEST_CASE(pilots_that_do_not_tell_transmitters_apart_are_refused)
{
    const cfloat one = 1.0f, nan = std::nanf("");
    for (const rows& wrong : { rows{},
                               rows{ {}, {} },
                               rows{ { one }, { one } },
                               rows{ { one, one }, { one } },
                               rows{ { one, one }, { 2.0f, 2.0f } },
                               rows{ { nan } },
                               draw_rows(9, 20) })
        BOOST_CHECK_THROW(pilot_estimator{ wrong }, std::invalid_argument);
    BOOST_CHECK_THROW(parse_estimator("best"), std::invalid_argument);
    BOOST_CHECK_THROW(parse_interpolation("cubic"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(packing_returns_what_was_packed)
{
    csi value(3, 2);
    value.h = draw_channel(3, 2);
    value.err_var << 0.25, 0.5;
    value.no_eff << 2.0, std::numeric_limits<double>::infinity();
    value.noise_var = 0.125;
    value.update_snr();
    const auto elements = pack(value);
    const packed_csi packed(elements.data(), elements.size());
    const auto back = packed.state(0);
    BOOST_TEST(packed.pieces() == 1);
    BOOST_TEST((back.h - value.h).norm() == 0.0);
    BOOST_TEST((back.err_var == value.err_var && back.no_eff == value.no_eff));
    BOOST_TEST((back.noise_var == value.noise_var && back.snr == float(value.snr)));
}

static csi numbered(int number)
{
    csi value(3, 2);
    value.h = draw_channel(3, 2);
    value.no_eff << number, 10.0 * number;
    value.noise_var = 0.5;
    return value;
}

BOOST_AUTO_TEST_CASE(pieces_hold_up_to_the_next)
{
    constexpr uint64_t far = (uint64_t{ 5 } << 32) + 3; // more than float holds
    packed_csi packed(numbered(1));
    packed.append(2, numbered(2));
    const auto third = numbered(3);
    packed.append(7, numbered(9));
    packed.append(7, third); // instead of the one before
    packed.append(far, numbered(4));
    const packed_csi back(packed.elements().data(), packed.elements().size());
    BOOST_REQUIRE(back.pieces() == 4);
    BOOST_TEST(back.first(2) == 7);
    BOOST_TEST(back.first(3) == far);
    BOOST_TEST((back.state(2).h - third.h).norm() == 0.0);
    std::vector<float> first(9), second(9);
    float* rows[] = { first.data(), second.data() };
    back.expand_no_eff(9, rows);
    for (size_t n = 0; n < 9; n++) {
        BOOST_TEST(first[n] == (n < 2 ? 1 : n < 7 ? 2 : 3));
        BOOST_TEST(second[n] == 10 * first[n]);
    }
    packed_csi replaced(numbered(1));
    replaced.append(0, numbered(6));
    BOOST_TEST(replaced.pieces() == 1);
    BOOST_TEST(replaced.state(0).no_eff[1] == 60.0);
}

BOOST_AUTO_TEST_CASE(vectors_that_are_no_csi_are_refused)
{
    packed_csi packed(numbered(1));
    packed.append(2, numbered(2));
    packed.append(4, numbered(3));
    auto wrong = packed.elements();
    for (size_t size = 0; size < wrong.size(); size++)
        if (size != 10 && size != 19)
            BOOST_CHECK_THROW(packed_csi(wrong.data(), size), std::invalid_argument);
    const float nan = std::nanf("");
    for (cfloat first :
         { cfloat(2), cfloat(0), cfloat(-8), cfloat(nan, 1), cfloat(9, -1) }) {
        wrong[19] = first; // of the third piece, after one that begins at symbol 2
        BOOST_CHECK_THROW(packed_csi(wrong.data(), wrong.size()), std::invalid_argument);
    }
}

BOOST_AUTO_TEST_CASE(the_truth_holds_for_the_payload_between_the_pilots)
{
    // [P P P | 4 | P P P | 4 | P P P]: payload at items 3 to 6 and 10 to 13.
    packed_csi truth(numbered(1));
    truth.append(2, numbered(2));  // in the first pilots: from symbol 0 on
    truth.append(5, numbered(3));  // third payload symbol
    truth.append(8, numbered(4));  // in the second pilots: replaced by the next
    truth.append(10, numbered(5)); // fifth payload symbol
    truth.append(15, numbered(6)); // in the last pilots: for nothing
    const auto found = at_payload(truth, { 3, 4 }, 8);
    BOOST_REQUIRE(found.pieces() == 3);
    const uint64_t firsts[] = { 0, 2, 4 };
    const double numbers[] = { 2.0, 3.0, 5.0 };
    for (size_t r = 0; r < 3; r++) {
        BOOST_TEST(found.first(r) == firsts[r]);
        BOOST_TEST(found.state(r).no_eff[0] == numbers[r]);
    }
}
