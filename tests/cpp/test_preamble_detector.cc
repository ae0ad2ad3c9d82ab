/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "recordings.h"
#include <boost/test/unit_test.hpp>

using boost::test_tools::tolerance;

static const double nan_value = std::nan("");

//! Preambles found where they are, of \p trials; the others found add to \p elsewhere.
static int count_found(int trials, bool rayleigh, double snr_db, int& elsewhere)
{
    draws rng(rayleigh ? 11 : 12);
    const recordings from(0, {}, rng);
    const preamble_detector detector(0, max_preamble_repeats, {}, {});
    int hits = 0;
    for (int t = 0; t < trials; t++) {
        const auto air =
            put(from, t, 2, rayleigh, std::pow(10.0, -snr_db / 10.0), 0.01, rng);
        for (const auto& d :
             detector.detect(pointers(air.heard).data(), 2, air.heard[0].size())) {
            const bool right = std::fabs(d.start - air.start) < 2.0 &&
                               std::fabs(d.cfo - air.cfo) < 1.0 / 253.0;
            (right ? hits : elsewhere)++;
        }
    }
    return hits;
}

BOOST_AUTO_TEST_CASE(preambles_are_detected_over_awgn_and_rayleigh_at_5_db)
{
    int elsewhere = 0;
    BOOST_TEST(count_found(3000, false, 5.0, elsewhere) == 3000);
    // Lost below a mean gain of 0.1, which happens with probability 2e-3.
    BOOST_TEST(count_found(2000, true, 5.0, elsewhere) >= 1980);
    BOOST_TEST(count_found(500, false, -6.0, elsewhere) >= 495);
    BOOST_TEST(elsewhere == 0);
}

BOOST_AUTO_TEST_CASE(the_threshold_is_that_of_the_beta_distribution)
{
    for (double p : { 1e-2, 1e-6, 1e-12 })
        for (int n : { 55, 253 })
            BOOST_TEST(false_alarm_probability(detection_threshold(p, n), 1, n) == p,
                       tolerance(1e-9));
    // Two antennas: projections of noise, counted.
    draws rng(13);
    int above = 0;
    const int trials = 20000, n = 20;
    for (int t = 0; t < trials; t++) {
        double signal = 0.0, all = 0.0;
        for (int m = 0; m < 2; m++) {
            const auto y = rng.normal(n);
            cfloat sum = 0.0f;
            for (const auto& value : y) {
                sum += value;
                all += std::norm(value);
            }
            signal += std::norm(sum) / n;
        }
        above += signal / all > 0.15;
    }
    BOOST_TEST(static_cast<double>(above) / trials == false_alarm_probability(0.15, 2, n),
               tolerance(0.15));
    BOOST_TEST(false_alarm_probability(0.0, 2, n) == 1.0);
    BOOST_TEST(false_alarm_probability(1.0, 2, n) == 0.0);
}

BOOST_AUTO_TEST_CASE(noise_alone_is_taken_for_a_preamble_as_seldom_as_promised)
{
    // Counted where it is frequent: the union bound holds, and is not idle.
    draws rng(14);
    detector_settings often;
    often.false_alarm = 0.5;
    often.search = 2500.0;
    const preamble_detector detector(1, max_preamble_repeats, {}, often);
    int one = 0, two = 0;
    for (int t = 0; t < 100; t++) {
        const std::vector<samples> noise = { rng.normal(11012), rng.normal(11012) };
        one += static_cast<int>(detector.detect(pointers(noise).data(), 1, 11012).size());
        two += static_cast<int>(detector.detect(pointers(noise).data(), 2, 11012).size());
    }
    BOOST_TEST((one >= 5 && one <= 50)); // 50 is the bound
    BOOST_TEST(two <= 2);                // two antennas' noise passes far less
}

//! What a detector's statistic is made of at one time and frequency.
struct projection {
    double along, across; // energy along the turned preamble, and the rest
};

/*!
 * The noise of one antenna, tested \p tests times half a symbol apart, with the preamble
 * turned by \p frequencies, straight from the definition.
 */
class noise_test
{
public:
    static constexpr int tests = 17, lead = 30;
    const pulse_shape pulse;
    const samples preamble = make_preamble(0);
    const int n = static_cast<int>(preamble.size());
    const polyphase_filter filter = polyphase_filter::matched_filter(pulse);

    size_t length() const { return (n - 1) * 4 + (tests - 1) * 2 + 1 + 2 * lead; }

    noise_test()
    {
        for (int f = 0; f < 23; f++)
            for (int i = 0; i < n; i++)
                d_turned.push_back(
                    cdouble(preamble[i]) *
                    std::polar(1.0, M_PI * (f - 11) / n * (i - i % preamble_period)));
    }

    //! exp(j 2 pi f L r) a[i], frequency \p f of 0 to 22.
    cdouble turned(int f, int i) const { return d_turned[f * n + i]; }

    samples symbols(const samples& y, int at) const
    {
        samples out(n);
        filter.apply(y.data(), y.size(), lead + 2.0 * at, 4.0, out.data(), out.size());
        return out;
    }

    std::vector<projection> all(const samples& y) const
    {
        std::vector<projection> found;
        for (int at = 0; at < tests; at++) {
            const auto x = symbols(y, at);
            double energy = 0.0;
            for (const auto& value : x)
                energy += std::norm(value);
            for (int f = 0; f < 23; f++) {
                cdouble u = 0.0;
                for (int i = 0; i < n; i++)
                    u += std::conj(turned(f, i)) * cdouble(x[i]);
                found.push_back({ std::norm(u) / n, energy - std::norm(u) / n });
            }
        }
        return found;
    }

    //! Makes the part along the preamble \p gain, and all others less by \p shrink.
    void tilt(samples& y, int at, int f, cdouble gain, double shrink) const
    {
        const auto x = symbols(y, at);
        cdouble u = 0.0;
        for (int i = 0; i < n; i++)
            u += std::conj(turned(f, i)) * cdouble(x[i]) / static_cast<double>(n);
        samples change(n);
        for (int i = 0; i < n; i++)
            change[i] = cfloat((shrink - 1.0) * cdouble(x[i]) +
                               (gain - shrink * u) * turned(f, i));
        add_burst(change, pulse, { lead + 2.0 * at, 0.0, 0.0 }, 1.0, y);
    }

private:
    std::vector<cdouble> d_turned;
};

BOOST_AUTO_TEST_CASE(rare_false_alarms_are_counted_by_importance_sampling)
{
    // At the threshold in use a false alarm in these 17 tests has a probability near
    // 1e-7. Noise is drawn from a mixture, over all times and frequencies tested, of
    // densities with variance w along the preamble and s across, so that half of the
    // draws are alarms, and weighed by the ratio of densities. Along the threshold
    // c = T / (1 - T) the weight is constant if 1 / s - 1 = c (1 - 1 / w).
    const noise_test noise;
    const preamble_detector detector(0, max_preamble_repeats, noise.pulse, {});
    BOOST_REQUIRE(detector.num_frequencies() == 23);
    const double c = detector.threshold() / (1.0 - detector.threshold()), w = 22.0;
    const double s = 1.0 / (1.0 + c * (1.0 - 1.0 / w));
    draws rng(15);
    double sum = 0.0, squares = 0.0;
    const int trials = 1200;
    for (int t = 0; t < trials; t++) {
        auto y = rng.normal(noise.length());
        const int at = static_cast<int>(rng.uniform(0.0, noise.tests - 1e-6));
        const int f = static_cast<int>(rng.uniform(0.0, 23 - 1e-6));
        noise.tilt(y, at, f, cdouble(rng.normal(1, w / noise.n)[0]), std::sqrt(s));
        bool alarm = false;
        const cfloat* in = y.data();
        for (const auto& d : detector.detect(&in, 1, y.size()))
            alarm = alarm || (d.start >= noise.lead &&
                              d.start <= noise.lead + 2.0 * (noise.tests - 1));
        if (!alarm)
            continue;
        double mixture = 0.0;
        for (const auto& p : noise.all(y))
            mixture += std::exp(p.along * (1.0 - 1.0 / w) + p.across * (1.0 - 1.0 / s) -
                                (noise.n - 1) * std::log(s)) /
                       w / (23 * noise.tests);
        sum += 1.0 / mixture / trials;
        squares += 1.0 / mixture / mixture / trials;
    }
    const double bound = 1e-4 * noise.tests / (2 * 10000.0); // of these tests
    const double spread = std::sqrt((squares - sum * sum) / trials);
    BOOST_TEST_MESSAGE("false alarms " << sum << " +- " << spread << ", bound " << bound);
    // At this rarity tests hardly coincide, and the bound is nearly reached: 0.97 of it
    // +- 0.05 in 12000 trials.
    BOOST_TEST(sum < bound + 2.0 * spread);
    BOOST_TEST(sum > 0.4 * bound);
    BOOST_TEST(spread < 0.25 * sum);
}

BOOST_AUTO_TEST_CASE(a_strangers_payload_and_preamble_are_not_taken_for_ours)
{
    // Without noise, both antennas hear the same: the threshold must hold for one.
    draws rng(16);
    const pulse_shape pulse;
    const preamble_detector detector(0, max_preamble_repeats, pulse, {});
    for (int kind = 0; kind < 3; kind++) {
        auto symbols = kind == 0   ? rng.qpsk(8000)
                       : kind == 1 ? rng.normal(8000)
                                   : make_preamble(1);
        const auto wave = shape(symbols.data(), symbols.size(), pulse);
        const std::vector<samples> heard(2, wave);
        const auto found = detector.detect(pointers(heard).data(), 2, wave.size());
        BOOST_TEST(found.empty());
    }
}

BOOST_AUTO_TEST_CASE(two_frames_are_found_in_order_and_the_gain_does_not_matter)
{
    draws rng(17);
    const pulse_shape pulse;
    samples symbols = make_preamble(2);
    symbols.resize(600);
    const auto again = make_preamble(2);
    symbols.insert(symbols.end(), again.begin(), again.end());
    for (double gain : { 1e-8, 1.0, 1e8 }) {
        samples wave(5000);
        add_burst(symbols, pulse, { 100.0, -0.015, 0.0 }, gain, wave);
        const cfloat* in = wave.data();
        const preamble_detector detector(2, max_preamble_repeats, pulse, {});
        const auto found = detector.detect(&in, 1, wave.size());
        BOOST_REQUIRE(found.size() == 2);
        BOOST_TEST(std::fabs(found[0].start - 100.0) <= 1.0);
        BOOST_TEST(std::fabs(found[1].start - 2500.0) <= 1.0);
        BOOST_TEST(found[0].metric > 0.75);
    }
}

BOOST_AUTO_TEST_CASE(overlapping_buffers_find_what_the_whole_does)
{
    draws rng(28);
    const pulse_shape pulse;
    const preamble_detector detector(1, max_preamble_repeats, pulse, {});
    auto wave = rng.normal(30000, 1e-3);
    for (double start : { 200.0, 2345.6, 8000.2, 13333.0, 17000.0, 26000.0 })
        add_burst(make_preamble(1), pulse, { start, 0.01, 0.0 }, 1.0, wave);
    const cfloat* in = wave.data();
    const auto whole = detector.detect(&in, 1, wave.size());
    BOOST_REQUIRE(whole.size() == 6);
    const size_t window = detector.window(), edge = 24, length = 7000;
    std::vector<double> found;
    for (size_t first = 0;; first += length - 3 * window - 2 * edge) {
        const size_t count = std::min(length, wave.size() - first);
        const bool last = first + count == wave.size();
        in = wave.data() + first;
        for (const auto& d : detector.detect(&in, 1, count))
            if ((first == 0 || d.start >= window + edge) &&
                (last || d.start < count - 2 * window - edge))
                found.push_back(first + d.start);
        if (last)
            break;
    }
    BOOST_REQUIRE(found.size() == 6);
    for (size_t i = 0; i < 6; i++)
        BOOST_TEST(found[i] == whole[i].start);
}

BOOST_AUTO_TEST_CASE(impossible_searches_are_refused)
{
    for (const detector_settings& wrong : { detector_settings{ 0.0, 1e4, 0.02 },
                                            detector_settings{ 1.0, 1e4, 0.02 },
                                            detector_settings{ 1e-4, 0.0, 0.02 },
                                            detector_settings{ 1e-4, 1e4, 0.05 },
                                            detector_settings{ 1e-4, 1e4, nan_value } })
        BOOST_CHECK_THROW(preamble_detector(0, 23, {}, wrong), std::invalid_argument);
    BOOST_CHECK_THROW(preamble_detector(num_preambles, 23, {}, {}),
                      std::invalid_argument);
}
