/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bytes.h"
#include "phy/burst/header.h"

// Headers: symbols as they come, headers of any content and version, with and without
// noise.

using namespace gr::semcom::phy;

namespace {

frame_header any_header(bytes& in)
{
    frame_header header;
    header.frame = in.take<uint32_t>();
    header.terminal = in.take<uint8_t>();
    header.length = in.take<uint32_t>();
    header.system = in.take<uint8_t>();
    header.fragment = in.take<uint16_t>();
    header.fragments = in.take<uint16_t>();
    header.attempt = in.take<uint8_t>();
    return header;
}

bool equal(const frame_header& a, const frame_header& b)
{
    return a.frame == b.frame && a.terminal == b.terminal && a.length == b.length &&
           a.system == b.system && a.fragment == b.fragment &&
           a.fragments == b.fragments && a.attempt == b.attempt;
}

uint16_t crc16(const std::vector<uint8_t>& bits)
{
    uint16_t value = 0xffff;
    for (const uint8_t bit : bits)
        value =
            static_cast<uint16_t>(value << 1 ^ ((value >> 15 ^ bit) & 1 ? 0x1021 : 0));
    return value;
}

//! Symbols of a header of any version and content whose CRC holds.
std::vector<cfloat> foreign(bytes& in, int repeats)
{
    std::vector<uint8_t> bits;
    for (int i = 0; i < (in.either() ? 128 : 64); i++)
        bits.push_back(in.take<uint8_t>() & 1);
    const uint16_t check = crc16(bits);
    for (int i = 15; i >= 0; i--)
        bits.push_back(check >> i & 1);
    auto symbols = code_header(bits, repeats);
    symbols.resize(static_cast<size_t>(header_symbols) * repeats);
    return symbols;
}

void decode(const std::vector<cfloat>& symbols, int repeats, bytes& in)
{
    synchronisation found;
    found.found = true;
    found.cfo.variance = in.either() ? in.take<double>() : 1e-9;
    found.middle = in.either() ? in.take<double>() : 100.0;
    const auto first = static_cast<size_t>(in.within(0, 1000));
    for (const auto& header : { decode_header(symbols.data(), repeats),
                                read_header(symbols.data(), repeats, found, first) }) {
        require(!header.ok ||
                    (header.version == header_version && header.value.possible()),
                "a header that cannot be is taken for one");
        require(header.version == 0 || !header.bits.empty(), "a header without its bits");
        code_header(header.bits, repeats);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    bytes in(data, size);
    const auto kind = in.within(0, 2);
    const int repeats = static_cast<int>(in.within(1, 8));
    std::vector<cfloat> symbols;
    if (kind == 0) {
        symbols = in.symbols(static_cast<size_t>(header_symbols) * repeats);
    } else if (kind == 1) {
        symbols = foreign(in, repeats);
    } else {
        const auto sent = any_header(in);
        if (!sent.possible())
            return 0;
        symbols = encode_header(sent, repeats);
        const auto read = decode_header(symbols.data(), repeats);
        require(read.ok && equal(read.value, sent),
                "a header is not read as it was sent");
        for (size_t i = 0; in.left() > 0 && i < symbols.size(); i++)
            symbols[i] += in.symbol();
    }
    decode(symbols, repeats, in);
    return 0;
}
