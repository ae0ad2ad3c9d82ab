/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "arrays.h"
#include "phy/coding/block_code.h"
#include "phy/coding/interleaver.h"
#include "phy/coding/scrambler.h"
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <algorithm>

namespace py = pybind11;
using namespace gr::semcom::phy;

using bit_array = py::array_t<uint8_t, py::array::c_style | py::array::forcecast>;
using real_array = py::array_t<float, py::array::c_style | py::array::forcecast>;

static void expect_bits(const bit_array& bits)
{
    expect(std::all_of(
               bits.data(), bits.data() + bits.size(), [](uint8_t b) { return b < 2; }),
           "bits: 0 and 1 expected");
}

static bit_array crc_bits(const bit_array& bits, int width)
{
    expect(bits.ndim() == 1, "bits: a vector expected");
    expect_bits(bits);
    std::vector<uint8_t> all(bits.data(), bits.data() + bits.size());
    all.resize(bits.size() + std::max(width, 0));
    crc(width).append(all.data(), bits.size());
    return bit_array(width, all.data() + bits.size());
}

static py::array_t<int64_t> interleave(uint64_t length)
{
    const interleaver order(length);
    py::array_t<int64_t> places(length);
    for (uint64_t i = 0; i < length; i++)
        places.mutable_data()[i] = i * order.multiplier() % length;
    return places;
}

static complex_array map_bits(const bit_array& bits, const std::string& modulation)
{
    const constellation mapper(modulation);
    expect(bits.ndim() == 1 && bits.size() % mapper.bits() == 0,
           "bits: a vector of whole symbols expected");
    expect_bits(bits);
    complex_array symbols(bits.size() / mapper.bits());
    mapper.map(bits.data(), symbols.size(), symbols.mutable_data());
    return symbols;
}

static real_array demap(const complex_array& symbols,
                        const real_array& noise,
                        const std::string& modulation,
                        const std::string& method)
{
    const constellation mapper(modulation);
    expect(symbols.ndim() == 1 && noise.ndim() == 1 && symbols.size() == noise.size(),
           "symbols, noise: two vectors of the same length expected");
    const auto kind = parse_demap(method);
    real_array llrs(symbols.size() * mapper.bits());
    float* to = llrs.mutable_data();
    py::gil_scoped_release release;
    mapper.demap(symbols.data(), noise.data(), symbols.size(), kind, to);
    return llrs;
}

static py::array_t<int16_t> prototype(const ldpc_code& code)
{
    const auto& rows = code.rows();
    py::array_t<int16_t> shifts({ rows.size(), size_t(ldpc_code::columns) });
    std::fill_n(shifts.mutable_data(), shifts.size(), -1);
    for (size_t r = 0; r < rows.size(); r++)
        for (const auto& block : rows[r])
            *shifts.mutable_data(r, block.column) = block.shift;
    return shifts;
}

static bit_array encode_words(const ldpc_code& code, const bit_array& bits)
{
    expect(bits.ndim() == 2 && bits.shape(1) == code.information_bits(),
           "bits: an array [N, k] expected, k = " +
               std::to_string(code.information_bits()));
    expect_bits(bits);
    const size_t words = bits.shape(0), n = code.length(), k = code.information_bits();
    bit_array out({ words, n });
    for (size_t w = 0; w < words; w++) {
        uint8_t* word = out.mutable_data() + w * n;
        std::copy_n(bits.data() + w * k, k, word);
        code.encode(word);
    }
    return out;
}

static py::tuple
decode_words(const ldpc_code& code, const real_array& llrs, int iterations)
{
    expect(llrs.ndim() == 2 && llrs.shape(1) == code.length(),
           "llrs: an array [N, n] expected, n = " + std::to_string(code.length()));
    expect(iterations >= 1, "iterations: 1 or more expected");
    const size_t words = llrs.shape(0), n = code.length();
    py::array_t<int8_t> decisions({ words, n });
    py::array_t<bool> holds(words);
    py::array_t<int> used(words);
    ldpc_decoder decoder(code, iterations);
    const float* from = llrs.data();
    int8_t* to = decisions.mutable_data();
    bool* good = holds.mutable_data();
    int* count = used.mutable_data();
    {
        py::gil_scoped_release release;
        for (size_t w = 0; w < words; w++) {
            const auto outcome = decoder.decode(from + w * n, to + w * n);
            good[w] = outcome.holds;
            count[w] = outcome.iterations;
        }
    }
    return py::make_tuple(decisions, holds, used);
}

static block_code make_code(const std::string& modulation,
                            const std::string& rate,
                            int length,
                            int crc_bits,
                            int repetition,
                            const std::string& method,
                            int iterations)
{
    return block_code(
        { modulation, rate, length, crc_bits, repetition, method, iterations });
}

static py::tuple payload(const block_code& code, uint64_t symbols)
{
    const auto frame = code.payload(symbols);
    return py::make_tuple(frame.blocks, frame.bits);
}

static complex_array
encode_frame(const block_code& code, const bit_array& bits, uint64_t num_symbols)
{
    expect(bits.ndim() == 1 && bits.size() >= 1, "bits: a vector of 1 or more expected");
    expect_bits(bits);
    const uint8_t* from = bits.data();
    std::vector<std::complex<float>> symbols;
    {
        py::gil_scoped_release release;
        symbols = code.encode(from, bits.size(), num_symbols);
    }
    return to_array(symbols);
}

static py::tuple decode_frame(const block_code& code,
                              const complex_array& symbols,
                              const real_array& noise)
{
    expect(symbols.ndim() == 1 && noise.ndim() == 1 && symbols.size() == noise.size(),
           "symbols, noise: two vectors of the same length expected");
    const size_t count = symbols.size();
    const auto frame = code.payload(count);
    bit_array bits({ frame.blocks, frame.bits });
    py::array_t<bool> good(frame.blocks);
    uint8_t* to = bits.mutable_data();
    bool* flags = good.mutable_data();
    const auto* from = symbols.data();
    const float* variances = noise.data();
    {
        py::gil_scoped_release release;
        std::vector<float> llrs(count * code.symbol_bits());
        std::vector<uint8_t> passed(frame.blocks);
        code.demap(from, variances, count, llrs.data());
        code.decode(llrs.data(), count, to, passed.data());
        std::copy(passed.begin(), passed.end(), flags);
    }
    return py::make_tuple(bits, good);
}

static void bind_parts(py::module& m)
{
    m.def("crc",
          &crc_bits,
          py::arg("bits"),
          py::arg("width"),
          R"doc(The cyclic redundancy check of bits, in the order in which they are sent.

Args:
    bits: uint8 [n] of 0 and 1.
    width: 16 (CCITT-FALSE), 24 (3GPP CRC24A) or 32 (IEEE 802.3).

Returns:
    uint8 [width], the highest power first.

Raises:
    ValueError: another width, or values that are no bits.)doc");
    m.def(
        "scrambling",
        [] { return bit_array(scrambler_period, scrambler_sequence()); },
        "One period of the scrambler x^7 + x^4 + 1 of IEEE 802.11 from all ones, uint8 "
        "[127].");
    m.def("interleaver",
          &interleave,
          py::arg("length"),
          "The place of each of a frame's bits behind the interleaver, int64 [length]: "
          "a i mod length.");
    m.def(
        "interleaver_spread",
        [](uint64_t length) { return interleaver(length).spread(); },
        py::arg("length"),
        "The s of the interleaver of a frame: bits less than s apart are placed at "
        "least "
        "s apart, both counted around the frame.");
    m.def("map_bits",
          &map_bits,
          py::arg("bits"),
          py::arg("modulation"),
          R"doc(Bits to Gray-coded symbols of unit average power, as in IEEE 802.11.

Args:
    bits: uint8 [n b] of 0 and 1.
    modulation: bpsk, qpsk, 16qam, 64qam or 256qam, of b bits per symbol.

Returns:
    complex64 [n].

Raises:
    ValueError: an unknown name, values that are no bits, or a symbol not whole.)doc");
    m.def(
        "demap",
        &demap,
        py::arg("symbols"),
        py::arg("noise"),
        py::arg("modulation"),
        py::arg("method") = "max_log",
        R"doc(Log-likelihood ratios ln P(bit 0) / P(bit 1) of symbols in complex normal noise.

Args:
    symbols: complex64 [n].
    noise: variance of each symbol's complex noise, float32 [n]. Infinite, NaN or negative,
        or a symbol that is not finite: ratios 0. Noise 0: hard decisions, +-1000.
    modulation: see map_bits().
    method: exact (log-sum-exp) or max_log.

Returns:
    float32 [n b], none larger than 1000.

Raises:
    ValueError: an unknown name or lengths that differ.)doc");
}

static void bind_ldpc(py::module& m)
{
    py::class_<ldpc_code>(m,
                          "LdpcCode",
                          R"doc(A quasi-cyclic LDPC code of IEEE 802.11n.

Args:
    rate: 1/2, 2/3, 3/4 or 5/6.
    length: n, 648, 1296 or 1944.

Raises:
    ValueError: there is no such code.)doc")
        .def(py::init<const std::string&, int>(), py::arg("rate"), py::arg("length"))
        .def_property_readonly("n", &ldpc_code::length)
        .def_property_readonly("k", &ldpc_code::information_bits)
        .def_property_readonly("z", &ldpc_code::block_size, "rows of a block of H")
        .def_property_readonly(
            "prototype",
            &prototype,
            "Shift of each block of H, int16 [(n - k) / Z, 24]; -1: zeros.")
        .def("encode",
             &encode_words,
             py::arg("bits"),
             "Information bits uint8 [N, k] -> words uint8 [N, n], systematic; "
             "ValueError.")
        .def("decode",
             &decode_words,
             py::arg("llrs"),
             py::arg("iterations") = 20,
             R"doc(Layered normalised min-sum decoding.

Args:
    llrs: ln P(bit 0) / P(bit 1), float32 [N, n].
    iterations: largest number of iterations.

Returns:
    (decisions, holds, iterations): int8 [N, n], 1 for a bit 0, -1 for a bit 1, 0 for one that
    is not decided; bool [N], every bit decided and every check right; int32 [N], iterations
    made.

Raises:
    ValueError: a shape that does not fit, or no iterations.)doc");
}

static void bind_block_code(py::module& m)
{
    py::class_<block_code>(
        m,
        "BlockCode",
        R"doc(Frames of bits as symbols: see semcom.phy.coding.BlockCode.

Raises:
    ValueError: an option out of range.)doc")
        .def(py::init(&make_code),
             py::kw_only(),
             py::arg("modulation"),
             py::arg("rate"),
             py::arg("length"),
             py::arg("crc"),
             py::arg("repetition"),
             py::arg("method"),
             py::arg("iterations"))
        .def("symbols", &block_code::symbols, py::arg("bits"))
        .def("payload", &payload, py::arg("symbols"))
        .def("largest", &block_code::largest, py::arg("budget"))
        .def("encode", &encode_frame, py::arg("bits"), py::arg("symbols") = 0)
        .def("decode", &decode_frame, py::arg("symbols"), py::arg("noise"));
}

void bind_coding(py::module& m)
{
    bind_parts(m);
    bind_ldpc(m);
    bind_block_code(m);
}
