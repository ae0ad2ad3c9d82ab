/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "receive.h"
#include <boost/test/unit_test.hpp>
#include <limits>

using boost::test_tools::tolerance;

static const double nan_value = std::nan("");
static const double infinite = std::numeric_limits<double>::infinity();

static double decibel(double ratio) { return 10.0 * std::log10(ratio); }

//! Preambles with payload behind them, each with a delay and a clock of its own.
struct recordings {
    static constexpr size_t length = 1400;
    std::vector<samples> waves;
    std::vector<double> delays;

    recordings(int code, const pulse_shape& pulse, draws& rng)
    {
        for (int i = 0; i < 16; i++) {
            auto symbols = make_preamble(code);
            const auto payload = rng.qpsk(60);
            symbols.insert(symbols.end(), payload.begin(), payload.end());
            delays.push_back(rng.uniform(30.0, 34.0));
            waves.emplace_back(length);
            const impairment way{ delays.back(), 0.0, rng.uniform(-20e-6, 20e-6) };
            add_burst(symbols, pulse, way, 1.0, waves.back());
        }
    }
};

//! What one trial put on the air.
struct trial {
    std::vector<samples> heard;
    double start, cfo;
};

static trial put(const recordings& from,
                 size_t index,
                 int num_rx,
                 bool rayleigh,
                 double noise_var,
                 double max_cfo,
                 draws& rng)
{
    const size_t i = index % from.waves.size();
    const auto offset = static_cast<size_t>(rng.uniform(0.0, 500.0));
    trial t;
    t.start = static_cast<double>(offset) + from.delays[i];
    t.cfo = rng.uniform(-max_cfo, max_cfo);
    for (int m = 0; m < num_rx; m++) {
        auto stream = rng.normal(offset + recordings::length, noise_var);
        const cdouble h = rayleigh ? cdouble(rng.normal(1)[0])
                                   : std::polar(1.0, rng.uniform(0.0, 2 * M_PI));
        const cdouble step = std::polar(1.0, 2 * M_PI * t.cfo / 4.0);
        cdouble turn = h * std::polar(1.0, -2 * M_PI * t.cfo / 4.0 * from.delays[i]);
        for (size_t n = 0; n < recordings::length; n++) {
            stream[offset + n] += cfloat(turn) * from.waves[i][n];
            turn *= step;
        }
        t.heard.push_back(std::move(stream));
    }
    return t;
}

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

BOOST_AUTO_TEST_CASE(time_and_frequency_reach_their_bounds)
{
    for (double snr_db : { 5.0, 15.0 })
        for (int num_rx : { 1, 2 }) {
            draws rng(18);
            const pulse_shape pulse;
            const recordings from(0, pulse, rng);
            const synchroniser sync(pulse);
            const double noise = std::pow(10.0, -snr_db / 10.0), n = 253.0;
            const double g = num_rx / noise, turn = 4 * M_PI * M_PI;
            const double cfo_bound = 6.0 / (turn * g * n * (n * n - 1.0));
            const double time_bound =
                16.0 / (2.0 * g * n * turn * mean_square_bandwidth(0.35));
            double cfo = 0.0, time = 0.0, cfo_said = 0.0, time_said = 0.0, snr = 0.0;
            const int trials = 400;
            for (int t = 0; t < trials; t++) {
                const auto air = put(from, t, num_rx, false, noise, 0.01, rng);
                const auto found = sync.synchronise(pointers(air.heard).data(),
                                                    num_rx,
                                                    air.heard[0].size(),
                                                    make_preamble(0),
                                                    air.start + rng.uniform(-1.0, 1.0),
                                                    air.cfo + rng.uniform(-1e-3, 1e-3));
                BOOST_REQUIRE(found.found);
                cfo += std::pow(found.cfo.value - air.cfo, 2) / trials;
                time += std::pow(found.start.value - air.start, 2) / trials;
                cfo_said += found.cfo.variance / trials;
                time_said += found.start.variance / trials;
                snr += found.snr / trials;
            }
            // 400 trials: 0.3 dB of standard deviation; a clock 20 ppm off moves the
            // start by up to 0.01 samples, a tenth of the bound at 15 dB.
            BOOST_TEST(decibel(cfo / cfo_bound) < 1.0);
            BOOST_TEST(decibel(cfo / cfo_bound) > -1.0);
            BOOST_TEST(decibel(time / time_bound) < 1.5);
            BOOST_TEST(decibel(time / time_bound) > -1.0);
            BOOST_TEST(std::fabs(decibel(cfo_said / cfo_bound)) < 0.2);
            BOOST_TEST(std::fabs(decibel(time_said / time_bound)) < 0.2);
            BOOST_TEST(snr == 1.0 / noise, tolerance(0.03));
        }
}

BOOST_AUTO_TEST_CASE(gains_and_noise_are_measured_with_the_variances_said)
{
    draws rng(19);
    const pulse_shape pulse{ 3, 8, 0.25 };
    const synchroniser sync(pulse);
    const auto known = make_preamble(1);
    double error = 0.0, said = 0.0, noise = 0.0, amplitude = 0.0, amplitude_said = 0.0;
    const int trials = 200;
    for (int t = 0; t < trials; t++) {
        std::vector<samples> heard;
        complex_vector h(3);
        const double start = rng.uniform(40.0, 50.0), cfo = rng.uniform(-0.01, 0.01);
        for (int m = 0; m < 3; m++) {
            h[m] = cdouble(rng.normal(1)[0]) + 0.5;
            heard.push_back(rng.normal(900, 0.2));
            add_burst(known, pulse, { start, cfo, 0.0 }, h[m], heard.back());
        }
        const auto found =
            sync.synchronise(pointers(heard).data(), 3, 900, known, start, cfo);
        BOOST_REQUIRE(found.found);
        // What is common to all antennas follows the errors of frequency and time.
        const cdouble common = found.h.dot(h);
        error += (found.h * common / std::abs(common) - h).squaredNorm() / 3 / trials;
        said += found.err_var / trials;
        noise += found.noise_var / trials;
        const double true_amplitude = std::sqrt(h.squaredNorm() / 3);
        amplitude += std::pow(found.amplitude.value - true_amplitude, 2) / trials;
        amplitude_said += found.amplitude.variance / trials;
        BOOST_TEST(found.middle == 126.0);
    }
    BOOST_TEST(noise == 0.2, tolerance(0.02));
    BOOST_TEST(said == 0.2 / 253, tolerance(0.02));
    BOOST_TEST(error == said * 2.5 / 3.0, tolerance(0.2)); // common phase taken out
    BOOST_TEST(amplitude == amplitude_said, tolerance(0.3));
}

BOOST_AUTO_TEST_CASE(more_known_symbols_sharpen_the_frequency)
{
    draws rng(20);
    const burst_layout layout;
    const auto known = layout.head(0, { 3, 0, 100, 1 });
    samples wave(2700);
    for (auto& value : wave)
        value = rng.normal(1, 0.1)[0];
    add_burst(known, {}, { 60.3, 0.004, 0.0 }, 1.0, wave);
    const synchroniser sync({});
    const cfloat* in = wave.data();
    const auto first = sync.synchronise(&in, 1, wave.size(), make_preamble(0), 60, 0.004);
    const auto second =
        sync.synchronise(&in, 1, wave.size(), known, first.start.value, first.cfo.value);
    BOOST_TEST(second.cfo.variance < 0.1 * first.cfo.variance);
    BOOST_TEST(std::fabs(second.cfo.value - 0.004) < 5 * std::sqrt(second.cfo.variance));
}

//! A 2 x 2 scene with delays, frequencies and clocks of their own.
static scene draw_scene(double snr_db, uint16_t payload, draws& rng)
{
    scene s;
    s.noise_var = std::pow(10.0, -snr_db / 10.0);
    s.h = matrix(2, 2);
    do {
        const auto h = rng.normal(4);
        std::copy(h.begin(), h.end(), s.h.data());
    } while (std::abs(s.h(0, 0) * s.h(1, 1) - s.h(0, 1) * s.h(1, 0)) < 0.6);
    for (int k = 0; k < 2; k++)
        s.ways.push_back({ 60.0 + rng.uniform(0.0, 200.0),
                           rng.uniform(-0.01, 0.01),
                           rng.uniform(-20e-6, 20e-6) });
    transmit(s, payload, 80.0, rng);
    return s;
}

static double error_power(const samples& found, const samples& sent)
{
    double sum = 0.0;
    for (size_t i = 0; i < sent.size(); i++)
        sum += std::norm(found[i] - sent[i]) / static_cast<double>(sent.size());
    return sum;
}

BOOST_AUTO_TEST_CASE(two_users_are_parted_as_if_they_were_aligned)
{
    // Beside zero forcing with the true channel, where all is aligned.
    for (double snr_db : { 10.0, 20.0, 30.0 }) {
        draws rng(21);
        double ratio = 0.0, clock = 0.0, clock_said = 0.0;
        const int trials = 10;
        for (int t = 0; t < trials; t++) {
            const auto s = draw_scene(snr_db, 1500, rng);
            const auto users = receive(s);
            csi truth(2, 2);
            truth.h = s.h;
            truth.noise_var = s.noise_var;
            const linear_detector aligned(truth, detector_method::zf);
            for (int k = 0; k < 2; k++) {
                BOOST_REQUIRE(users[k].header.ok);
                BOOST_TEST(users[k].header.value.frame == 77000u);
                BOOST_REQUIRE(users[k].payload.size() == 1500);
                const double evm = decibel(error_power(users[k].payload, s.payloads[k]) /
                                           aligned.no_eff()[k]);
                BOOST_TEST(evm < 0.8);
                ratio += evm / (2 * trials);
                const double error = s.ways[k].clock_offset - users[k].clock.offset.value;
                clock += error * error / (2 * trials);
                clock_said += users[k].clock.offset.variance / (2 * trials);
            }
        }
        BOOST_TEST(std::fabs(ratio) < 0.25); // [dB], 0.1 measured
        BOOST_TEST(clock < 3.0 * clock_said);
    }
}

BOOST_AUTO_TEST_CASE(the_feedback_link_needs_one_antenna)
{
    draws rng(22);
    scene s;
    s.layout.users = 1;
    s.layout.first_code = 2;
    s.pulse.sps = 2;
    s.noise_var = 0.01;
    s.h = matrix::Constant(1, 1, cdouble(0.0, 0.8));
    s.ways.push_back({ 133.3, -0.0095, 15e-6 });
    transmit(s, 700, 80.0, rng);
    const auto user = receive(s)[0];
    BOOST_REQUIRE(user.header.ok);
    BOOST_TEST(std::fabs(user.sync.start.value - true_start(s, 0)) < 0.1);
    BOOST_TEST(decibel(error_power(user.payload, s.payloads[0]) / (0.01 / 0.64)) < 0.5);
}

//! A body with pilots in place and what \p turn makes of symbol i.
template <typename Turn>
static samples make_body(const frame_layout& layout,
                         uint64_t payload,
                         const samples& row,
                         const Turn& turn)
{
    samples body(layout.total(payload));
    for (uint64_t b = 0; b < layout.pilot_blocks(payload); b++)
        for (size_t p = 0; p < row.size(); p++)
            body[layout.pilot_position(b, payload) + p] = row[p];
    for (uint64_t i = 0; i < payload; i++)
        body[layout.payload_position(i)] = 1.0f;
    for (size_t i = 0; i < body.size(); i++)
        body[i] *= cfloat(turn(static_cast<double>(i)));
    return body;
}

BOOST_AUTO_TEST_CASE(a_straight_phase_is_followed_and_undone)
{
    draws rng(23);
    const frame_layout layout{ 8, 100 };
    const auto row = rng.qpsk(8);
    const double f = 3e-4;
    auto body = make_body(layout, 750, row, [&](double i) {
        return std::polar(0.7, 1.0 + 2 * M_PI * f * i);
    });
    const user_stream stream{ body.data(), layout, 750, row, 1e-6 };
    const auto track = track_phase(stream, 1e-6, 0.0);
    BOOST_REQUIRE(track.phase.size() == 9);
    BOOST_TEST(track.cfo.value == f, tolerance(1e-3));
    for (size_t b = 0; b < 9; b++)
        BOOST_TEST(std::fabs(track.phase[b] - 1.0 - 2 * M_PI * f * track.time[b]) < 1e-3);
    correct_phase(body.data(), body.size(), track);
    for (uint64_t i = 0; i < 750; i++)
        BOOST_TEST(std::abs(body[layout.payload_position(i)] - 0.7f) < 2e-3f);
}

BOOST_AUTO_TEST_CASE(without_phase_noise_the_track_is_the_line_of_least_squares)
{
    draws rng(24);
    const frame_layout layout{ 4, 60 };
    const auto row = rng.qpsk(4);
    const double noise = 0.02;
    double error = 0.0, said = 0.0;
    for (int t = 0; t < 200; t++) {
        auto body = make_body(layout, 600, row, [](double) { return cdouble(1.0); });
        for (auto& value : body)
            value += rng.normal(1, noise)[0];
        const user_stream stream{ body.data(), layout, 600, row, noise };
        const auto track = track_phase(stream, 1.0, 0.0);
        double st = 0.0, stt = 0.0, sp = 0.0, stp = 0.0;
        const double blocks = 11.0;
        for (int b = 0; b < 11; b++) {
            cfloat c = 0.0f;
            for (int p = 0; p < 4; p++)
                c += std::conj(row[p]) * body[64 * b + p];
            st += track.time[b];
            stt += track.time[b] * track.time[b];
            sp += std::arg(c);
            stp += track.time[b] * std::arg(c);
        }
        const double slope = (blocks * stp - st * sp) / (blocks * stt - st * st);
        const double level = (sp - slope * st) / blocks;
        BOOST_TEST(std::fabs(track.cfo.value - slope / (2 * M_PI)) < 1e-8);
        BOOST_TEST(std::fabs(track.phase[0] - level - slope * track.time[0]) < 1e-5);
        error += std::pow(track.phase[3], 2) / 200;
        said += track.phase_var[3] / 200;
    }
    BOOST_TEST(error == said, tolerance(0.35));
}

BOOST_AUTO_TEST_CASE(wandering_phases_are_followed_better_with_their_noise_known)
{
    draws rng(25);
    const frame_layout layout{ 16, 64 };
    const auto row = rng.qpsk(16);
    double phase = 0.0, with = 0.0, without = 0.0;
    std::vector<double> truth;
    auto body = make_body(layout, 3200, row, [&](double) {
        phase += std::sqrt(2e-4) * M_SQRT2 * rng.normal(1)[0].real();
        truth.push_back(phase);
        return std::polar(1.0, phase);
    });
    for (auto& value : body)
        value += rng.normal(1, 0.01)[0];
    const user_stream stream{ body.data(), layout, 3200, row, 0.01 };
    const auto known = track_phase(stream, 1e-10, 2e-4);
    const auto line = track_phase(stream, 1e-10, 0.0);
    for (size_t b = 0; b < known.phase.size(); b++) {
        const double there = truth[static_cast<size_t>(known.time[b])];
        with += std::pow(std::remainder(known.phase[b] - there, 2 * M_PI), 2);
        without += std::pow(std::remainder(line.phase[b] - there, 2 * M_PI), 2);
    }
    BOOST_TEST(with < 0.1 * without);
}

BOOST_AUTO_TEST_CASE(late_pilots_tell_how_late)
{
    draws rng(26);
    const pulse_shape pulse;
    const frame_layout layout{ 16, 200 };
    const auto row = rng.qpsk(16);
    const uint64_t payload = 2000;
    synchronisation found;
    found.start.variance = 1e-2;
    found.middle = 126.0;
    const double offset = 15e-6, delay = 0.01;
    // Raised cosine symbols, straight from the sum.
    auto sent = make_body(layout, payload, row, [](double) { return cdouble(1.0); });
    const auto data = rng.qpsk(payload);
    for (uint64_t i = 0; i < payload; i++)
        sent[layout.payload_position(i)] = data[i];
    auto body = sent;
    for (size_t i = 0; i < body.size(); i++) {
        cdouble sum = 0.0;
        for (size_t l = i < 20 ? 0 : i - 20; l < std::min(body.size(), i + 20); l++)
            sum += cdouble(sent[l]) *
                   raised_cosine(static_cast<double>(i) - static_cast<double>(l) - delay -
                                     offset * (600.0 + static_cast<double>(l)),
                                 pulse.roll_off);
        body[i] = cfloat(sum * std::polar(2.0, 0.3));
    }
    const user_stream stream{ body.data(), layout, payload, row, 1e-4 };
    const auto clock = estimate_clock(stream, pulse, found, 600.0, 1e-9);
    BOOST_TEST(std::fabs(clock.offset.value - offset) < 2e-6);
    BOOST_TEST(std::fabs(clock.delay.value - delay) < 2e-3);
    BOOST_TEST(clock.offset.variance < 1e-11);
    // Equal pilots tell nothing: the priors remain.
    const samples equal(16, 1.0f);
    const user_stream dull{ sent.data(), layout, payload, equal, 1e30 };
    const auto prior = estimate_clock(dull, pulse, found, 600.0, 1e-9);
    BOOST_TEST(std::fabs(prior.offset.value) < 1e-9);
    BOOST_TEST(prior.offset.variance == 1e-9, tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(antennas_are_combined_by_their_gains)
{
    const std::vector<samples> in = { { { 1.0f, 0.0f }, std::nanf("") },
                                      { { 0.0f, 2.0f }, 1.0f } };
    complex_vector h(2);
    h << 1.0, cdouble(0.0, 2.0);
    samples out(2);
    BOOST_TEST(combine(pointers(in).data(), h, 2, out.data()) == 0.2, tolerance(1e-9));
    BOOST_TEST(std::abs(out[0] - 1.0f) < 1e-6f);
    BOOST_TEST(out[1] == cfloat(0.0f));
    h.setZero();
    BOOST_TEST(std::isinf(combine(pointers(in).data(), h, 2, out.data())));
    BOOST_TEST(out[0] == cfloat(0.0f));
}

BOOST_AUTO_TEST_CASE(nothing_is_found_in_nothing)
{
    const preamble_detector detector(0, max_preamble_repeats, {}, {});
    const synchroniser sync({});
    const auto known = make_preamble(0);
    for (size_t length : { size_t(0), size_t(1), size_t(1008), size_t(4000) })
        for (float value :
             { 0.0f, std::nanf(""), std::numeric_limits<float>::infinity() }) {
            const std::vector<samples> heard(2, samples(length, value));
            const auto in = pointers(heard);
            BOOST_TEST(detector.detect(in.data(), 2, length).empty());
            const auto found = sync.synchronise(in.data(), 2, length, known, 50.0, 0.0);
            BOOST_TEST(!found.found);
            BOOST_TEST(found.h.norm() == 0.0);
            BOOST_TEST(found.snr == 0.0);
            for (double variance : { found.start.variance,
                                     found.cfo.variance,
                                     found.amplitude.variance,
                                     found.err_var,
                                     found.noise_var })
                BOOST_TEST(std::isinf(variance));
            std::vector<samples> out(2, samples(3, 1.0f));
            sync.align(in.data(), 2, length, found, 0.0, 0, 3, pointers(out).data());
            BOOST_TEST(out[1][2] == cfloat(0.0f));
            BOOST_TEST(std::isinf(joint_channel({ found, found }).noise_var));
        }
}

BOOST_AUTO_TEST_CASE(samples_that_are_not_finite_spoil_little)
{
    draws rng(27);
    const auto known = make_preamble(0);
    samples wave = rng.normal(1500, 0.01);
    add_burst(known, {}, { 100.0, 0.002, 0.0 }, 1.0, wave);
    wave[400] = std::nanf("");
    wave[800] = std::numeric_limits<float>::infinity();
    const cfloat* in = wave.data();
    const preamble_detector detector(0, max_preamble_repeats, {}, {});
    const auto heard = detector.detect(&in, 1, wave.size());
    BOOST_REQUIRE(heard.size() == 1);
    const synchroniser sync({});
    const auto found =
        sync.synchronise(&in, 1, wave.size(), known, heard[0].start, heard[0].cfo);
    BOOST_TEST(found.found);
    BOOST_TEST(std::fabs(found.start.value - 100.0) < 0.05);
    BOOST_TEST(std::fabs(found.cfo.value - 0.002) < 3e-5);
    for (double start : { nan_value, infinite, -1.0, 1e9, 800.0 })
        BOOST_TEST(!sync.synchronise(&in, 1, wave.size(), known, start, 0.0).found);
    BOOST_TEST(!sync.synchronise(&in, 1, wave.size(), known, 100.0, nan_value).found);
}

BOOST_AUTO_TEST_CASE(bad_pilot_blocks_are_passed_over)
{
    const frame_layout layout{ 2, 10 };
    const samples row = { 1.0f, -1.0f };
    auto body =
        make_body(layout, 40, row, [](double i) { return std::polar(1.0, 0.01 * i); });
    body[12] = std::nanf("");
    const auto track = track_phase({ body.data(), layout, 40, row, 1e-4 }, 1e-4, 1e-6);
    BOOST_REQUIRE(track.phase.size() == 5);
    for (size_t b = 0; b < 5; b++)
        BOOST_TEST(std::fabs(track.phase[b] - 0.01 * track.time[b]) < 0.01);
    const samples silence(body.size());
    const auto none = track_phase({ silence.data(), layout, 40, row, 1e-4 }, 1e-4, 1e-6);
    BOOST_TEST((none.phase[0] == 0.0 && std::isinf(none.phase_var[4])));
    const auto lost = track_phase({ body.data(), layout, 40, row, infinite }, 1e-4, 1e-6);
    BOOST_TEST(std::isinf(lost.phase_var[0]));
    synchronisation nobody;
    const auto clock =
        estimate_clock({ silence.data(), layout, 40, row, 1e-4 }, {}, nobody, 0.0, 1e-9);
    BOOST_TEST((clock.offset.value == 0.0 && std::isfinite(clock.offset.variance)));
}

BOOST_AUTO_TEST_CASE(impossible_settings_are_refused)
{
    for (const detector_settings& wrong : { detector_settings{ 0.0, 1e4, 0.02 },
                                            detector_settings{ 1.0, 1e4, 0.02 },
                                            detector_settings{ 1e-4, 0.0, 0.02 },
                                            detector_settings{ 1e-4, 1e4, 0.05 },
                                            detector_settings{ 1e-4, 1e4, nan_value } })
        BOOST_CHECK_THROW(preamble_detector(0, 23, {}, wrong), std::invalid_argument);
    BOOST_CHECK_THROW(preamble_detector(3, 23, {}, {}), std::invalid_argument);
    BOOST_CHECK_THROW(synchroniser({ 0, 6, 0.3 }), std::invalid_argument);
    const synchroniser sync({});
    const samples wave(100);
    const cfloat* in = wave.data();
    BOOST_CHECK_THROW(sync.synchronise(&in, 1, 100, samples(7, 1.0f), 10.0, 0.0),
                      std::invalid_argument);
    BOOST_CHECK_THROW(joint_channel({}), std::invalid_argument);
    const samples body(100), row(3, 1.0f), zeros(4);
    const frame_layout layout{ 4, 0 };
    BOOST_CHECK_THROW(track_phase({ body.data(), layout, 50, row, 1.0 }, 1.0),
                      std::invalid_argument);
    BOOST_CHECK_THROW(track_phase({ body.data(), layout, 50, zeros, 1.0 }, 1.0),
                      std::invalid_argument);
    BOOST_CHECK_THROW(
        estimate_clock(
            { body.data(), layout, 50, samples(4, 1.0f), 1.0 }, {}, {}, 0.0, 0.0),
        std::invalid_argument);
}
