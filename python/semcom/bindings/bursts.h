/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef SEMCOM_BINDINGS_BURSTS_H
#define SEMCOM_BINDINGS_BURSTS_H

#include "arrays.h"
#include "phy/burst/header.h"

// What the bindings of bursts and their reception share.

inline std::vector<gr::semcom::phy::cfloat> to_vector(const complex_array& array,
                                                      const char* name)
{
    expect(array.ndim() == 1, std::string(name) + ": a vector expected");
    return { array.data(), array.data() + array.size() };
}

//! Streams [M, n] of M antennas, and pointers to each.
struct antennas {
    complex_array samples;
    std::vector<const gr::semcom::phy::cfloat*> streams;

    explicit antennas(const complex_array& array) : samples(array)
    {
        expect(array.ndim() == 2 && array.shape(0) >= 1 &&
                   array.shape(0) <= gr::semcom::phy::max_streams,
               "samples: an array [M, n] expected, M from 1 to 8");
        streams = row_pointers(array.data(), array.shape(0), array.shape(1));
    }

    int count() const { return static_cast<int>(streams.size()); }
    size_t length() const { return samples.shape(1); }
};

inline void expect_header(const complex_array& symbols, int repeats)
{
    expect(symbols.ndim() == 1 &&
               symbols.size() == repeats * gr::semcom::phy::header_symbols,
           "symbols: 150 for each repetition expected");
}

inline pybind11::object to_object(const gr::semcom::phy::decoded_header& header)
{
    return header.ok ? pybind11::cast(header.value) : pybind11::none();
}

#endif
