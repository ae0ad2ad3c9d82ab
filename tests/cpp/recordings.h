/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef SEMCOM_TESTS_RECORDINGS_H
#define SEMCOM_TESTS_RECORDINGS_H

#include "receive.h"

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

inline trial put(const recordings& from,
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

#endif
