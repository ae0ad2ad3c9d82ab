/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef SEMCOM_BINDINGS_ARRAYS_H
#define SEMCOM_BINDINGS_ARRAYS_H

#include "phy/types.h"
#include <pybind11/numpy.h>
#include <stdexcept>
#include <string>
#include <vector>

// What the bindings of the maths share: arrays in and out, and complaints.

using complex_array =
    pybind11::array_t<gr::semcom::phy::cfloat,
                      pybind11::array::c_style | pybind11::array::forcecast>;

//! \throws std::invalid_argument, in Python ValueError, unless \p good.
inline void expect(bool good, const std::string& text)
{
    if (!good)
        throw std::invalid_argument(text);
}

template <typename Value>
pybind11::array_t<Value> to_array(const std::vector<Value>& values)
{
    return pybind11::array_t<Value>(values.size(), values.data());
}

//! Where each row of an array begins.
template <typename Value>
std::vector<Value*> row_pointers(Value* first, size_t rows, size_t columns)
{
    std::vector<Value*> pointers(rows);
    for (size_t r = 0; r < rows; r++)
        pointers[r] = first + r * columns;
    return pointers;
}

#endif
