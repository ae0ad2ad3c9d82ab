/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef SEMCOM_TESTS_AIR_H
#define SEMCOM_TESTS_AIR_H

#include "phy/burst/pulse.h"
#include "phy/philox.h"
#include <cmath>
#include <vector>

// The air between terminals and antennas, straight from its definition in
// burst_receiver.h.

using gr::semcom::phy::cdouble;
using gr::semcom::phy::cfloat;
using samples = std::vector<cfloat>;

//! What a user's oscillator and place do to its burst.
struct impairment {
    double delay = 0.0;        // [samples] centre of symbol 0
    double cfo = 0.0;          // [cycles per symbol]
    double clock_offset = 0.0; // symbols last this much longer
};

//! Adds a burst to what an antenna hears.
inline void add_burst(const samples& symbols,
                      const gr::semcom::phy::pulse_shape& pulse,
                      const impairment& way,
                      cdouble gain,
                      samples& antenna)
{
    const double period = pulse.sps * (1.0 + way.clock_offset);
    const long reach = static_cast<long>(pulse.span) * pulse.sps;
    for (size_t i = 0; i < symbols.size(); i++) {
        if (symbols[i] == cfloat(0.0f))
            continue;
        const double centre = way.delay + period * static_cast<double>(i);
        const long first = std::max(0L, static_cast<long>(std::ceil(centre)) - reach);
        const long last = std::min(static_cast<long>(antenna.size()) - 1,
                                   static_cast<long>(std::floor(centre)) + reach);
        for (long n = first; n <= last; n++) {
            const double turn = 2.0 * M_PI * way.cfo * (n - way.delay) / pulse.sps;
            const double value = gr::semcom::phy::root_raised_cosine(
                                     (n - centre) / period, pulse.roll_off) /
                                 std::sqrt(pulse.sps);
            antenna[n] +=
                cfloat(gain * value * std::polar(1.0, turn) * cdouble(symbols[i]));
        }
    }
}

inline double decibel(double ratio) { return 10.0 * std::log10(ratio); }

//! Seeded numbers for tests.
class draws
{
public:
    explicit draws(uint64_t seed) : d_seed(seed) {}

    double uniform(double low, double high)
    {
        return low +
               (high - low) * gr::semcom::phy::uniform({ d_seed, d_count++, 0, 1 }, 0);
    }

    //! CN(0, variance)
    samples normal(size_t count, double variance = 1.0)
    {
        samples values(count);
        gr::semcom::phy::complex_normal(
            { d_seed, d_count++, 0, 2 }, 0, values.data(), count);
        for (auto& value : values)
            value *= static_cast<float>(std::sqrt(variance));
        return values;
    }

    samples qpsk(size_t count)
    {
        samples values(count);
        for (auto& value : values)
            value = { static_cast<float>(uniform(-1, 1) < 0 ? -M_SQRT1_2 : M_SQRT1_2),
                      static_cast<float>(uniform(-1, 1) < 0 ? -M_SQRT1_2 : M_SQRT1_2) };
        return values;
    }

private:
    uint64_t d_seed, d_count = 0;
};

inline std::vector<const cfloat*> pointers(const std::vector<samples>& streams)
{
    std::vector<const cfloat*> result;
    for (const auto& stream : streams)
        result.push_back(stream.data());
    return result;
}

inline std::vector<cfloat*> pointers(std::vector<samples>& streams)
{
    std::vector<cfloat*> result;
    for (auto& stream : streams)
        result.push_back(stream.data());
    return result;
}

#endif
