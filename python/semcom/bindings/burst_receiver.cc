/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bursts.h"
#include "phy/burst/burst_receiver.h"
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace gr::semcom::phy;

static burst_receiver_settings make_settings(const burst_layout& layout,
                                             const std::vector<complex_array>& rows,
                                             int num_rx,
                                             const pulse_shape& pulse,
                                             const std::string& method,
                                             const std::vector<uint32_t>& units,
                                             uint32_t max_payload,
                                             double clock_ppm,
                                             double phase_noise,
                                             double false_alarm,
                                             double max_cfo)
{
    burst_receiver_settings settings;
    settings.layout = layout;
    settings.pulse = pulse;
    settings.search.false_alarm = false_alarm;
    settings.search.max_cfo = max_cfo;
    settings.num_rx = num_rx;
    for (const auto& row : rows)
        settings.rows.push_back(to_vector(row, "rows"));
    settings.units = units;
    settings.max_payload = max_payload;
    settings.method = parse_detector(method);
    settings.clock_ppm = clock_ppm;
    settings.phase_noise = phase_noise;
    return settings;
}

static void push(burst_receiver& receiver, int num_rx, const complex_array& samples)
{
    const antennas in(samples);
    expect(in.count() == num_rx,
           "samples: " + std::to_string(in.count()) + " antennas found, " +
               std::to_string(num_rx) + " expected");
    py::gil_scoped_release release;
    receiver.push(in.streams.data(), in.length());
}

static std::vector<received_burst> take(burst_receiver& receiver)
{
    auto& bursts = receiver.bursts();
    std::vector<received_burst> taken(std::make_move_iterator(bursts.begin()),
                                      std::make_move_iterator(bursts.end()));
    bursts.clear();
    return taken;
}

//! A receiver, and the number of its antennas.
struct bound_receiver {
    int num_rx;
    burst_receiver receiver;
};

/*! A property of the bound receiver, of a getter of burst_receiver. */
template <typename T>
static auto of_receiver(T (burst_receiver::*get)() const)
{
    return [get](const bound_receiver& self) { return (self.receiver.*get)(); };
}

static void bind_received(py::module& m)
{
    py::class_<heard_user>(m, "HeardUser", "One user's part of a received burst.")
        .def_readonly("detected", &heard_user::detected, "its preamble was")
        .def_readonly("read", &heard_user::read, "its header was")
        .def_readonly("header", &heard_user::header, "as decoded, else as assumed")
        .def_readonly("sync", &heard_user::sync, "start [samples] since the first pushed")
        .def_readonly("clock", &heard_user::clock)
        .def_readonly("cfo", &heard_user::cfo, "[cycles per symbol], pilots included");
    py::class_<received_burst>(m, "ReceivedBurst", "A burst of all users.")
        .def_readonly("header", &received_burst::header, "the first decoded header")
        .def_readonly("start", &received_burst::start, "[samples] of its first symbol")
        .def_readonly("users", &received_burst::users, "a HeardUser each")
        .def_property_readonly(
            "csi",
            [](const received_burst& burst) { return to_array(pack(burst.channel)); },
            "packed, complex64 [2 + K + M K], no_eff filled in")
        .def_property_readonly(
            "payload",
            [](const received_burst& burst) {
                py::list payloads;
                for (const auto& symbols : burst.payload)
                    payloads.append(to_array(symbols));
                return payloads;
            },
            "of each user, complex64 [its length]");
}

void bind_burst_receiver(py::module& m)
{
    bind_received(m);
    const burst_receiver_settings usual;
    py::class_<bound_receiver>(
        m,
        "BurstReceiver",
        R"doc(Bursts of K users out of the samples of M antennas (lib/phy/burst/burst_receiver.h).

The receiver of frame_sync_cc without a flowgraph.

Args:
    layout: a BurstLayout of K users.
    rows: pilots of each user, complex64 [num_pilots].
    num_rx: M, K to 8.
    pulse: the Pulse of all users.
    method: zf or lmmse.
    units: [symbols] that each user's payload is a multiple of; empty: 1 for all.
    max_payload: [symbols] of the longest payload that is received.
    clock_ppm: largest offset between a user's clock and the receiver's [ppm].
    phase_noise: variance of the phase's steps [rad^2 per symbol].
    false_alarm: probability of any preamble in 10000 symbols of noise.
    max_cfo: largest carrier offset [cycles per symbol], 0 to 0.04.

Raises:
    ValueError: an argument out of range, which it names.)doc")
        .def(py::init([](const burst_layout& layout,
                         const std::vector<complex_array>& rows,
                         int num_rx,
                         const pulse_shape& pulse,
                         const std::string& method,
                         const std::vector<uint32_t>& units,
                         uint32_t max_payload,
                         double clock_ppm,
                         double phase_noise,
                         double false_alarm,
                         double max_cfo) {
                 return bound_receiver{ num_rx,
                                        burst_receiver(make_settings(layout,
                                                                     rows,
                                                                     num_rx,
                                                                     pulse,
                                                                     method,
                                                                     units,
                                                                     max_payload,
                                                                     clock_ppm,
                                                                     phase_noise,
                                                                     false_alarm,
                                                                     max_cfo)) };
             }),
             py::arg("layout"),
             py::arg("rows"),
             py::kw_only(),
             py::arg("num_rx") = usual.num_rx,
             py::arg("pulse") = usual.pulse,
             py::arg("method") = "zf",
             py::arg("units") = usual.units,
             py::arg("max_payload") = usual.max_payload,
             py::arg("clock_ppm") = usual.clock_ppm,
             py::arg("phase_noise") = usual.phase_noise,
             py::arg("false_alarm") = usual.search.false_alarm,
             py::arg("max_cfo") = usual.search.max_cfo)
        .def(
            "push",
            [](bound_receiver& self, const complex_array& samples) {
                push(self.receiver, self.num_rx, samples);
            },
            py::arg("samples"),
            "Takes samples, complex64 [M, n].")
        .def(
            "finish",
            [](bound_receiver& self) { self.receiver.finish(); },
            py::call_guard<py::gil_scoped_release>(),
            "Ends the input: processes the samples that are left.")
        .def(
            "take",
            [](bound_receiver& self) { return take(self.receiver); },
            "The bursts received since the last call, a ReceivedBurst each, by start.")
        .def_property_readonly(
            "received_until",
            of_receiver(&burst_receiver::received_until),
            "Sample before which all bursts have been received.")
        .def_property_readonly(
            "num_detected",
            of_receiver(&burst_receiver::num_detected),
            "detected preambles")
        .def_property_readonly(
            "num_unread",
            of_receiver(&burst_receiver::num_unread),
            "detected preambles that belong to no burst")
        .def_property_readonly(
            "num_too_long",
            of_receiver(&burst_receiver::num_too_long),
            "headers of payloads above max_payload")
        .def_property_readonly(
            "num_other_version",
            of_receiver(&burst_receiver::num_other_version),
            "headers of an unknown version")
        .def_property_readonly(
            "other_version",
            of_receiver(&burst_receiver::other_version),
            "version of the last of them; 0: none yet");
}
