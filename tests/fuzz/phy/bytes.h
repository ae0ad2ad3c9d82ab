/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef SEMCOM_TESTS_FUZZ_BYTES_H
#define SEMCOM_TESTS_FUZZ_BYTES_H

#include "phy/types.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

//! What every target defines, as libFuzzer and replay.cc call it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

//! Ends the process, which is what a fuzzer looks for, unless \p holds.
inline void require(bool holds, const char* what)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

//! Numbers out of the bytes of an input, zeros after its end.
class bytes
{
public:
    bytes(const uint8_t* data, size_t size) : d_at(data), d_left(size) {}

    size_t left() const { return d_left; }

    //! The next bytes as they are, floats that are NaN or infinite among them.
    template <typename T>
    T take()
    {
        T value{};
        const size_t count = std::min(sizeof(T), d_left);
        if (count > 0) // an empty input may have no address
            std::memcpy(&value, d_at, count);
        d_at += count;
        d_left -= count;
        return value;
    }

    //! \p low to \p high, of as few bytes as tell them.
    int64_t within(int64_t low, int64_t high)
    {
        const uint64_t choices = static_cast<uint64_t>(high - low) + 1;
        uint64_t value = take<uint8_t>();
        for (uint64_t told = 256; told < choices; told <<= 8)
            value = value << 8 | take<uint8_t>();
        return low + static_cast<int64_t>(value % choices);
    }

    bool either() { return take<uint8_t>() & 1; }

    //! A float of few bits in -8 to 8, or now and then one as it stands in the input.
    float number()
    {
        const auto value = take<int8_t>();
        return value == -128 ? take<float>() : static_cast<float>(value) / 16.0f;
    }

    gr::semcom::phy::cfloat symbol()
    {
        const float real = number();
        return { real, number() };
    }

    std::vector<gr::semcom::phy::cfloat> symbols(size_t count)
    {
        std::vector<gr::semcom::phy::cfloat> values(count);
        for (auto& value : values)
            value = symbol();
        return values;
    }

private:
    const uint8_t* d_at;
    size_t d_left;
};

#endif
