/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bytes.h"
#include "phy/coding/block_code.h"
#include <cmath>

// Coded frames: ratios and symbols as they come, and frames that are sent and disturbed.

using namespace gr::semcom::phy;

namespace {

block_code_options any_options(bytes& in)
{
    const char* modulations[] = { "bpsk", "qpsk", "16qam", "64qam", "256qam" };
    const char* rates[] = { "1/2", "2/3", "3/4", "5/6" };
    block_code_options options;
    options.modulation = modulations[in.within(0, 4)];
    options.rate = rates[in.within(0, 3)];
    options.length = static_cast<int>(648 * in.within(1, 3));
    options.crc = static_cast<int>(8 * in.within(2, 4));
    options.repetition = 1 << in.within(0, 3);
    options.method = in.either() ? "exact" : "max_log";
    options.iterations = static_cast<int>(in.within(1, 4));
    return options;
}

//! Ratios of symbols with their noise; none is NaN.
std::vector<float> demapped(const block_code& code,
                            const std::vector<std::complex<float>>& symbols,
                            const std::vector<float>& noise)
{
    std::vector<float> llrs(symbols.size() * code.symbol_bits());
    code.demap(symbols.data(), noise.data(), symbols.size(), llrs.data());
    for (const float llr : llrs)
        require(std::fabs(llr) <= certain_llr, "a ratio is NaN or too large");
    return llrs;
}

std::vector<uint8_t> decoded(const block_code& code,
                             const std::vector<float>& llrs,
                             std::vector<uint8_t>& good)
{
    const uint64_t symbols = llrs.size() / code.symbol_bits();
    const auto frame = code.payload(symbols);
    std::vector<uint8_t> bits(frame.blocks * frame.bits, 7);
    good.assign(frame.blocks, 7);
    code.decode(llrs.data(), symbols, bits.data(), good.data());
    for (const auto bit : bits)
        require(bit < 2, "a decoded bit is none");
    for (const auto one : good)
        require(one < 2, "a block's verdict is none");
    return bits;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    bytes in(data, size);
    const block_code code(any_options(in));
    std::vector<uint8_t> bits(in.within(1, 1400)), good;
    auto symbols = code.symbols(bits.size()) + in.within(0, 100);
    // A few symbols more may mean another block, whose check takes more than they bring.
    if (const auto frame = code.payload(symbols); frame.blocks * frame.bits < bits.size())
        symbols = code.symbols(bits.size());
    require(code.largest(symbols) >= bits.size(), "a frame holds less than it says");
    for (auto& bit : bits)
        bit = in.take<uint8_t>() & 1;
    auto sent = code.encode(bits.data(), bits.size(), symbols);
    std::vector<float> noise(sent.size(), 0.05f);
    auto received = decoded(code, demapped(code, sent, noise), good);
    received.resize(bits.size());
    require(received == bits, "a frame is not read as it was sent");
    for (size_t i = 0; in.left() > 0 && i < sent.size(); i++) {
        sent[i] += in.symbol();
        noise[i] = in.number();
    }
    auto llrs = demapped(code, sent, noise);
    for (size_t i = 0; in.left() > 0 && i < llrs.size(); i++)
        llrs[i] = in.take<float>();
    decoded(code, llrs, good);
    return 0;
}
