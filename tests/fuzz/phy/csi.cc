/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bytes.h"
#include "phy/flat/csi.h"
#include "phy/flat/detection.h"
#include <cmath>
#include <stdexcept>

// Packed channel state as a tag brings it, and a detector that is set by it.

using namespace gr::semcom::phy;

namespace {

std::vector<cfloat> any_vector(bytes& in)
{
    const auto num_rx = static_cast<float>(in.within(0, 9));
    const auto num_tx = static_cast<float>(in.within(0, 9));
    const auto pieces = static_cast<size_t>(in.within(0, 4));
    const size_t width = 1 + static_cast<size_t>(num_tx * (1 + num_rx));
    auto vector = in.symbols(1 + pieces * width + in.within(0, 1));
    vector[0] = in.either() ? in.take<cfloat>() : cfloat(num_rx, num_tx);
    for (size_t r = 1; r < pieces; r++)
        if (in.either())
            vector[1 + r * width] = { static_cast<float>(r * in.within(1, 40)),
                                      static_cast<float>(in.within(0, 1)) };
    return vector;
}

//! What a detector makes of a frame with this state is 0 or finite.
void detect(packed_csi state, detector_method method, bytes& in)
{
    const size_t count = 16;
    frame_detector detector;
    detector.set(state, method);
    std::vector<std::vector<cfloat>> heard(state.num_rx()),
        streams(state.num_tx(), std::vector<cfloat>(count));
    std::vector<const cfloat*> from;
    std::vector<cfloat*> to;
    for (auto& antenna : heard) {
        antenna = in.symbols(count);
        from.push_back(antenna.data());
    }
    for (auto& stream : streams)
        to.push_back(stream.data());
    detector.apply(from.data(), to.data(), 0, 7);
    for (auto& stream : from)
        stream += 7;
    for (auto& stream : to)
        stream += 7;
    detector.apply(from.data(), to.data(), 7, count - 7);
    for (const auto& stream : streams)
        for (const auto& symbol : stream)
            require(std::isfinite(symbol.real()) && std::isfinite(symbol.imag()),
                    "a detected symbol is not finite");
    std::vector<std::vector<float>> noise(state.num_tx(), std::vector<float>(count, -1));
    std::vector<float*> rows;
    for (auto& row : noise)
        rows.push_back(row.data());
    state.expand_no_eff(count, rows.data());
    for (const auto& row : noise)
        for (const float value : row)
            require(value >= 0, "the noise of a symbol is NaN, negative or not written");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    bytes in(data, size);
    const auto vector = any_vector(in);
    try {
        const packed_csi state(vector.data(), vector.size());
        for (size_t r = 0; r < state.pieces(); r++)
            state.state(r);
        detect(state, detector_method::zf, in);
        detect(state, detector_method::lmmse, in);
    } catch (const std::invalid_argument&) {
    }
    return 0;
}
