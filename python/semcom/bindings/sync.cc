/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bursts.h"
#include "phy/burst/preamble_detector.h"
#include "phy/burst/tracking.h"
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace gr::semcom::phy;

static py::object read_after(const complex_array& symbols,
                             const synchronisation& found,
                             size_t first,
                             int repeats)
{
    expect_header(symbols, repeats);
    return to_object(read_header(symbols.data(), repeats, found, first));
}

static std::vector<detection> detect_preambles(const preamble_detector& detector,
                                               const complex_array& samples)
{
    const antennas in(samples);
    py::gil_scoped_release release;
    return detector.detect(in.streams.data(), in.count(), in.length());
}

static synchronisation synchronise(const synchroniser& sync,
                                   const complex_array& samples,
                                   const complex_array& known,
                                   double start,
                                   double cfo)
{
    const antennas in(samples);
    const auto symbols = to_vector(known, "known");
    py::gil_scoped_release release;
    return sync.synchronise(
        in.streams.data(), in.count(), in.length(), symbols, start, cfo);
}

static complex_array align(const synchroniser& sync,
                           const complex_array& samples,
                           const synchronisation& found,
                           size_t first,
                           size_t length,
                           double clock_offset)
{
    const antennas in(samples);
    complex_array out({ static_cast<size_t>(in.count()), length });
    const auto to = row_pointers(out.mutable_data(), in.count(), length);
    {
        py::gil_scoped_release release;
        sync.align(in.streams.data(),
                   in.count(),
                   in.length(),
                   found,
                   clock_offset,
                   first,
                   length,
                   to.data());
    }
    return out;
}

static py::tuple combine_antennas(const complex_array& symbols, const complex_array& h)
{
    const antennas in(symbols);
    expect(h.ndim() == 1 && h.size() == in.count(),
           "h: a gain for each antenna expected");
    complex_vector gains(in.count());
    for (int m = 0; m < in.count(); m++)
        gains[m] = h.data()[m];
    complex_array out(in.length());
    const double noise =
        combine(in.streams.data(), gains, in.length(), out.mutable_data());
    return py::make_tuple(out, noise);
}

//! A stream whose symbols stay where Python has them.
static user_stream to_stream(const complex_array& body,
                             const complex_array& row,
                             uint64_t spacing,
                             double noise_var)
{
    expect(body.ndim() == 1, "body: a vector expected");
    const auto pilots = to_vector(row, "row");
    expect(!pilots.empty(), "row: no pilots found");
    const frame_layout layout{ pilots.size(), spacing };
    const uint64_t payload = layout.payload(body.size());
    expect(payload > 0, "body: no frame of this layout has this length");
    return { body.data(), layout, payload, pilots, noise_var };
}

static phase_track follow_phase(const complex_array& body,
                                const complex_array& row,
                                uint64_t spacing,
                                double noise_var,
                                double cfo_var,
                                double phase_noise)
{
    return track_phase(to_stream(body, row, spacing, noise_var), cfo_var, phase_noise);
}

static complex_array turn_back(const complex_array& body, const phase_track& track)
{
    auto symbols = to_vector(body, "body");
    correct_phase(symbols.data(), symbols.size(), track);
    return to_array(symbols);
}

static clock_estimate measure_clock(const complex_array& body,
                                    const complex_array& row,
                                    uint64_t spacing,
                                    double noise_var,
                                    const pulse_shape& pulse,
                                    const synchronisation& found,
                                    double body_start,
                                    double offset_var)
{
    return estimate_clock(
        to_stream(body, row, spacing, noise_var), pulse, found, body_start, offset_var);
}

static complex_array joint(const std::vector<synchronisation>& users)
{
    return to_array(pack(joint_channel(users)));
}

static void bind_results(py::module& m)
{
    py::class_<scalar_estimate>(m, "ScalarEstimate", "A number and its error's variance.")
        .def_readonly("value", &scalar_estimate::value)
        .def_readonly("variance", &scalar_estimate::variance);
    py::class_<detection>(m, "Detection", "A detected preamble.")
        .def_readonly("start", &detection::start, "[samples] of the first symbol")
        .def_readonly("cfo", &detection::cfo, "[cycles per symbol]")
        .def_readonly("metric", &detection::metric, "0 to 1");
    py::class_<synchronisation>(
        m, "Synchronisation", "Time, carrier, gains and SNR of a user's burst.")
        .def_readonly("found", &synchronisation::found)
        .def_readonly("start", &synchronisation::start, "[samples] of the first symbol")
        .def_readonly("cfo", &synchronisation::cfo, "[cycles per symbol]")
        .def_readonly("amplitude", &synchronisation::amplitude, "rms of the gains")
        .def_property_readonly(
            "h",
            [](const synchronisation& s) {
                return py::array_t<cdouble>(s.h.size(), s.h.data());
            },
            "complex128 [M], gains at start")
        .def_readonly("middle", &synchronisation::middle, "[symbols]")
        .def_readonly("err_var", &synchronisation::err_var, "of each gain")
        .def_readonly("noise_var", &synchronisation::noise_var, "at each antenna")
        .def_readonly("snr", &synchronisation::snr, "linear, mean over the antennas")
        .def(
            "delayed",
            [](synchronisation s, double samples) {
                s.start.value += samples;
                return s;
            },
            py::arg("samples"),
            "The same, later by the given number of samples.");
    py::class_<phase_track>(m, "PhaseTrack", "One user's phase over its body.")
        .def_property_readonly(
            "time",
            [](const phase_track& t) { return to_array(t.time); },
            "[symbols of the body], float64 [blocks]")
        .def_property_readonly(
            "phase", [](const phase_track& t) { return to_array(t.phase); }, "[rad]")
        .def_property_readonly(
            "phase_var",
            [](const phase_track& t) { return to_array(t.phase_var); },
            "[rad^2]")
        .def_readonly("cfo", &phase_track::cfo, "residual frequency [cycles per symbol]");
    py::class_<clock_estimate>(m, "ClockEstimate", "Residual timing of a user.")
        .def_readonly("offset", &clock_estimate::offset, "relative length of a symbol")
        .def_readonly("delay", &clock_estimate::delay, "[symbols]");
}

static void bind_detector(py::module& m)
{
    m.def("detection_threshold",
          &detection_threshold,
          py::arg("false_alarm"),
          py::arg("length"),
          "Threshold that one test of one antenna's noise exceeds with this "
          "probability.");
    m.def("false_alarm_probability",
          &false_alarm_probability,
          py::arg("threshold"),
          py::arg("num_rx"),
          py::arg("length"),
          "Probability that one test of num_rx antennas' noise passes the threshold.");
    py::class_<preamble_detector>(
        m, "PreambleDetector", "Detects one preamble (lib/phy/burst).")
        .def(py::init([](int code,
                         const pulse_shape& pulse,
                         int repeats,
                         double false_alarm,
                         double search,
                         double max_cfo) {
                 return preamble_detector(
                     code, repeats, pulse, { false_alarm, search, max_cfo });
             }),
             py::arg("code"),
             py::arg("pulse") = pulse_shape{},
             py::kw_only(),
             py::arg("repeats") = max_preamble_repeats,
             py::arg("false_alarm") = 1e-4,
             py::arg("search") = 1e4,
             py::arg("max_cfo") = 0.02,
             "false_alarm: probability of any in search symbols of noise;\n"
             "max_cfo: [cycles per symbol].  Raises ValueError out of range.")
        .def_property_readonly("threshold", &preamble_detector::threshold)
        .def_property_readonly("window",
                               &preamble_detector::window,
                               "[samples] from a preamble's first symbol to its last")
        .def("detect",
             &detect_preambles,
             py::arg("samples"),
             "All preambles in complex64 [M, n], a list of Detection in time's order.");
}

static void bind_synchroniser(py::module& m)
{
    py::class_<synchroniser>(
        m, "Synchroniser", "Estimates a user's time, frequency and gains (lib/phy/burst).")
        .def(py::init<const pulse_shape&>(), py::arg("pulse") = pulse_shape{})
        .def("synchronise",
             &synchronise,
             py::arg("samples"),
             py::arg("known"),
             py::arg("start"),
             py::arg("cfo"),
             R"doc(Maximum likelihood estimates from known symbols.

Args:
    samples: complex64 [M, n].
    known: symbols of unit modulus, complex64 [N], at least 8.
    start: [samples] of the first one, to half a symbol.
    cfo: [cycles per symbol], to 1 / N.

Returns:
    A Synchronisation, found or not.

Raises:
    ValueError: sizes that do not fit.)doc")
        .def("align",
             &align,
             py::arg("samples"),
             py::arg("found"),
             py::kw_only(),
             py::arg("first"),
             py::arg("length"),
             py::arg("clock_offset") = 0.0,
             "Symbols [first, first + length) after the first known one on each "
             "antenna,\nderotated and matched filtered, complex64 [M, length].");
    m.def("joint_channel",
          &joint,
          py::arg("users"),
          "The packed csi, complex64 [2 + K + M K], of a list of Synchronisation.");
    m.def("combine",
          &combine_antennas,
          py::arg("symbols"),
          py::arg("h"),
          "Maximum ratio combining of [M, n] with gains h [M]: (complex64 [n], noise "
          "variance\nfor unit noise at each antenna).");
    m.def("read_header",
          &read_after,
          py::arg("symbols"),
          py::arg("found"),
          py::kw_only(),
          py::arg("first"),
          py::arg("repeats") = 4,
          R"doc(Decodes a header at several frequencies around that of its preamble.

Args:
    symbols: as combine() gives them, complex64 [150 repeats].
    found: the preamble's Synchronisation.
    first: [symbols] from the preamble's first symbol to the header's.
    repeats: of the header, 1 to 8.

Returns:
    The FrameHeader, or None if there is none of version 2.

Raises:
    ValueError: sizes that do not fit.)doc");
}

static void bind_tracking(py::module& m)
{
    m.def("track_phase",
          &follow_phase,
          py::arg("body"),
          py::arg("row"),
          py::kw_only(),
          py::arg("spacing"),
          py::arg("noise_var"),
          py::arg("cfo_var"),
          py::arg("phase_noise") = 1e-6,
          R"doc(Tracks the phase of a separated stream over its pilot blocks.

Args:
    body: pilots and payload, complex64 [F].
    row: the user's pilots, complex64 [P].
    spacing: payload symbols between pilot blocks; 0 for pilots in front only.
    noise_var: of the stream.
    cfo_var: error variance of the corrected frequency [cycles^2 per symbol^2].
    phase_noise: variance of the phase's steps [rad^2 per symbol].

Returns:
    A PhaseTrack, for correct_phase().

Raises:
    ValueError: a length that no body of this layout has, or pilots of zeros.)doc");
    m.def("correct_phase",
          &turn_back,
          py::arg("body"),
          py::arg("track"),
          "The body with its phase corrected, complex64 [F].");
    m.def("estimate_clock",
          &measure_clock,
          py::arg("body"),
          py::arg("row"),
          py::kw_only(),
          py::arg("spacing"),
          py::arg("noise_var"),
          py::arg("pulse"),
          py::arg("found"),
          py::arg("body_start"),
          py::arg("offset_var") = 20e-6 * 20e-6 / 3.0,
          R"doc(Clock offset and delay from the pilots of a separated stream.

Args:
    body, row, spacing, noise_var: as in track_phase().
    pulse, found: those with which the stream was aligned.
    body_start: [symbols] from the first known symbol to the body's first.
    offset_var: prior variance of the offset.

Returns:
    A ClockEstimate; align() again with its offset, and found.delayed(sps * delay).

Raises:
    ValueError: as track_phase().)doc");
}

void bind_sync(py::module& m)
{
    bind_results(m);
    bind_detector(m);
    bind_synchroniser(m);
    bind_tracking(m);
}
