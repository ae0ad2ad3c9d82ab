/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bursts.h"
#include "phy/burst/burst.h"
#include "phy/burst/pulse.h"
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace gr::semcom::phy;

static complex_array matched_filter(const complex_array& samples,
                                    const pulse_shape& pulse,
                                    double first,
                                    double step,
                                    size_t count)
{
    expect(samples.ndim() == 1, "samples: a vector expected");
    const auto filter = polyphase_filter::matched_filter(pulse);
    complex_array out(count);
    cfloat* to = out.mutable_data();
    {
        py::gil_scoped_release release;
        filter.apply(samples.data(), samples.size(), first, step, to, count);
    }
    return out;
}

static py::tuple bound_peak(const complex_array& samples,
                            const pulse_shape& pulse,
                            double peak_db,
                            int iterations)
{
    auto burst = to_vector(samples, "samples");
    double left = 0.0;
    {
        py::gil_scoped_release release;
        left = limit_peak(burst, pulse, peak_db, iterations);
    }
    return py::make_tuple(to_array(burst), left);
}

static py::object decode_alone(const complex_array& symbols, int repeats)
{
    expect_header(symbols, repeats);
    return to_object(decode_header(symbols.data(), repeats));
}

static void bind_pulse(py::module& m)
{
    py::class_<pulse_shape>(m, "PulseShape", "A root-raised-cosine pulse.")
        .def(py::init([](int sps, int span, double roll_off) {
                 const pulse_shape pulse{ sps, span, roll_off };
                 pulse.check();
                 return pulse;
             }),
             py::arg("sps") = 4,
             py::arg("span") = 6,
             py::arg("roll_off") = 0.35,
             "sps: samples per symbol; span: symbols on each side of the centre;\n"
             "roll_off: 0 to 1.  Raises ValueError out of range.")
        .def_readonly("sps", &pulse_shape::sps)
        .def_readonly("span", &pulse_shape::span)
        .def_readonly("roll_off", &pulse_shape::roll_off);
    m.def(
        "root_raised_cosine_taps",
        [](const pulse_shape& pulse) { return to_array(root_raised_cosine_taps(pulse)); },
        py::arg("pulse") = pulse_shape{},
        "The pulse at sample spacing, float32 [2 span sps + 1], of unit energy.");
    m.def(
        "shape_symbols",
        [](const complex_array& symbols, const pulse_shape& pulse) {
            const auto x = to_vector(symbols, "symbols");
            return to_array(shape(x.data(), x.size(), pulse));
        },
        py::arg("symbols"),
        py::arg("pulse") = pulse_shape{},
        "Symbols [n] to samples [(n - 1) sps + 2 span sps + 1], complex64; symbol i has "
        "its\ncentre at sample (span + i) sps.");
    m.def("matched_filter",
          &matched_filter,
          py::arg("samples"),
          py::arg("pulse") = pulse_shape{},
          py::kw_only(),
          py::arg("first"),
          py::arg("step"),
          py::arg("count"),
          "The matched filter's output at the times first + i step [samples], complex64 "
          "[count].");
    m.def("limit_peak",
          &bound_peak,
          py::arg("samples"),
          py::arg("pulse") = pulse_shape{},
          py::arg("peak_db") = 6.0,
          py::arg("iterations") = 4,
          "Clips and filters a burst: (samples complex64 [n], remaining peak in dB over "
          "1 / sps).");
    m.def(
        "peak_to_mean_db",
        [](const complex_array& samples, double mean_power) {
            return peak_to_mean_db(samples.data(), samples.size(), mean_power);
        },
        py::arg("samples"),
        py::arg("mean_power") = 0.0,
        "Peak over mean power in dB; mean_power 0 takes the mean of the samples.");
}

static void bind_layout(py::module& m)
{
    py::class_<frame_header>(m, "FrameHeader", "Content of a burst's header.")
        .def(py::init([](uint32_t frame,
                         uint8_t terminal,
                         uint32_t length,
                         uint8_t system,
                         uint16_t fragment,
                         uint16_t fragments,
                         uint8_t attempt) {
                 return frame_header{ frame,    terminal,  length, system,
                                      fragment, fragments, attempt };
             }),
             py::arg("frame") = 0,
             py::arg("terminal") = 0,
             py::arg("length") = 0,
             py::arg("system") = 0,
             py::arg("fragment") = 0,
             py::arg("fragments") = 1,
             py::arg("attempt") = 0)
        .def_readonly("frame", &frame_header::frame)
        .def_readonly("terminal", &frame_header::terminal)
        .def_readonly("length", &frame_header::length, "length of the payload [symbols]")
        .def_readonly("system", &frame_header::system)
        .def_readonly("fragment", &frame_header::fragment, "from 0")
        .def_readonly("fragments", &frame_header::fragments, "of the frame")
        .def_readonly("attempt", &frame_header::attempt, "0: the first");
    m.attr("HEADER_VERSION") = header_version;
    m.attr("HEADER_SYMBOLS") = header_symbols;
    m.attr("UPLINK_CODE") = uplink_code;
    m.attr("SIDELINK_CODE") = sidelink_code;
    m.attr("RETURN_CODE") = return_code;
    m.attr("NUM_PREAMBLES") = num_preambles;
    py::class_<burst_layout>(
        m,
        "BurstLayout",
        "Positions of preamble, header and body in the burst of each user\n"
        "(lib/phy/burst/burst.h).")
        .def(py::init([](int users,
                         int first_code,
                         int preamble_repeats,
                         int header_repeats,
                         uint64_t gap,
                         uint64_t num_pilots,
                         uint64_t spacing,
                         uint64_t guard) {
                 const burst_layout layout{
                     users,          first_code, preamble_repeats,
                     header_repeats, gap,        { num_pilots, spacing },
                     guard
                 };
                 layout.check();
                 return layout;
             }),
             py::kw_only(),
             py::arg("users") = 2,
             py::arg("first_code") = uplink_code,
             py::arg("preamble_repeats") = max_preamble_repeats,
             py::arg("header_repeats") = 4,
             py::arg("gap") = 64,
             py::arg("num_pilots") = 16,
             py::arg("spacing") = 256,
             py::arg("guard") = 32,
             "Lengths in symbols.  Raises ValueError out of range.")
        .def_property_readonly("preamble_length", &burst_layout::preamble_length)
        .def_property_readonly("header_length", &burst_layout::header_length)
        .def_property_readonly("stagger", &burst_layout::stagger)
        .def_property_readonly("body_position", &burst_layout::body_position)
        .def("preamble_position", &burst_layout::preamble_position, py::arg("user"))
        .def("header_position", &burst_layout::header_position, py::arg("user"))
        .def("guard_position", &burst_layout::guard_position, py::arg("payload"))
        .def(
            "body_length",
            [](const burst_layout& layout, uint64_t payload) {
                return layout.body.total(payload);
            },
            py::arg("payload"),
            "Symbols of pilots and payload.")
        .def("total", &burst_layout::total, py::arg("payload"))
        .def(
            "head",
            [](const burst_layout& layout, int user, const frame_header& header) {
                return to_array(layout.head(user, header));
            },
            py::arg("user"),
            py::arg("header"),
            "Preamble and header, complex64: the known symbols once the header is "
            "decoded.");
    m.def(
        "make_preamble",
        [](int code, int repeats) { return to_array(make_preamble(code, repeats)); },
        py::arg("code"),
        py::arg("repeats") = max_preamble_repeats,
        "Preamble 0 to 9, complex64 [11 repeats]; preamble.h assigns them to users.");
    m.def(
        "encode_header",
        [](const frame_header& header, int repeats) {
            return to_array(encode_header(header, repeats));
        },
        py::arg("header"),
        py::arg("repeats") = 4,
        "A header's symbols, complex64 [150 repeats].");
    m.def("decode_header",
          &decode_alone,
          py::arg("symbols"),
          py::arg("repeats") = 4,
          "The FrameHeader in symbols [150 repeats], or None if there is none of version "
          "2.");
    m.def(
        "assemble_burst",
        [](const burst_layout& layout,
           int user,
           const frame_header& header,
           const complex_array& row,
           const complex_array& payload) {
            return to_array(assemble_burst(layout,
                                           user,
                                           header,
                                           to_vector(row, "row"),
                                           to_vector(payload, "payload")));
        },
        py::arg("layout"),
        py::arg("user"),
        py::arg("header"),
        py::arg("row"),
        py::arg("payload"),
        R"doc(All symbols of one user's burst, silence as zeros.

Args:
    layout, user, header: header.length is the payload's.
    row: the user's pilots, complex64 [num_pilots].
    payload: complex64 [n], n >= 1.

Returns:
    complex64 [layout.total(n)].

Raises:
    ValueError: sizes that do not fit.)doc");
}

void bind_burst(py::module& m)
{
    bind_pulse(m);
    bind_layout(m);
}
