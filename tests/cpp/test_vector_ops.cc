/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "phy/vector_ops.h"
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <vector>

using namespace gr::semcom::phy;

static std::vector<cfloat> draw(size_t count, int seed)
{
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    std::vector<cfloat> values(count);
    for (auto& value : values)
        value = { normal(generator), normal(generator) };
    return values;
}

BOOST_AUTO_TEST_CASE(sums_follow_a_plain_loop_wherever_they_are_cut)
{
    constexpr size_t count = 101;
    const auto weights = draw(max_streams + 1, 0);
    std::vector<std::vector<cfloat>> streams;
    for (int i = 0; i <= max_streams; i++)
        streams.push_back(draw(count, i + 1));
    for (int num_in = 1; num_in <= max_streams + 1; num_in++) {
        std::vector<const cfloat*> in(num_in);
        std::vector<cfloat> whole(count), piece(count);
        for (int i = 0; i < num_in; i++)
            in[i] = streams[i].data();
        BOOST_TEST(weighted_sum(in.data(), weights.data(), num_in, whole.data(), count));
        for (size_t n = 0; n < count; n++) {
            cdouble sum = 0.0;
            for (int i = 0; i < num_in; i++)
                sum += cdouble(weights[i]) * cdouble(streams[i][n]);
            BOOST_TEST(std::abs(cdouble(whole[n]) - sum) < 1e-5);
        }
        for (auto& stream : in)
            stream += 3;
        weighted_sum(in.data(), weights.data(), num_in, piece.data(), 59);
        BOOST_TEST(std::equal(piece.begin(), piece.begin() + 59, whole.begin() + 3));
    }
}

BOOST_AUTO_TEST_CASE(sums_together_are_those_one_by_one)
{
    for (int num : { 1, 2, 3, 8 })
        for (size_t count = 0; count < 40; count++) {
            const auto weights = draw(num * num, 3);
            std::vector<std::vector<cfloat>> streams, sums(num);
            std::vector<const cfloat*> in;
            std::vector<cfloat*> out;
            for (int i = 0; i < num; i++)
                streams.push_back(draw(count, 20 + i));
            for (auto& sum : sums)
                sum.resize(count);
            for (int i = 0; i < num; i++) {
                in.push_back(streams[i].data());
                out.push_back(sums[i].data());
            }
            BOOST_TEST(
                weighted_sums(in.data(), weights.data(), num, out.data(), num, count));
            for (int k = 0; k < num; k++) {
                std::vector<cfloat> one(count);
                weighted_sum(in.data(), &weights[k * num], num, one.data(), count);
                BOOST_TEST((one == sums[k]));
            }
            if (count == 0)
                continue;
            streams[num - 1][count - 1] = { std::nanf(""), 0.0f };
            BOOST_TEST(
                !weighted_sums(in.data(), weights.data(), num, out.data(), num, count));
        }
}

BOOST_AUTO_TEST_CASE(one_bad_sample_is_seen_anywhere)
{
    const cfloat weight = 1.0f;
    for (float bad : { std::nanf(""), INFINITY, -INFINITY })
        for (size_t at = 0; at < 21; at++) {
            auto in = draw(21, 5);
            in[at] = { 1.0f, bad };
            const cfloat* stream = in.data();
            std::vector<cfloat> out(21);
            BOOST_TEST(!weighted_sum(&stream, &weight, 1, out.data(), out.size()));
            zero_non_finite(out.data(), out.size());
            for (size_t n = 0; n < out.size(); n++)
                BOOST_TEST((out[n] == (n == at ? cfloat(0.0f) : in[n])));
        }
}
