/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "arrays.h"
#include "phy/impairments/mock_radio.h"
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace gr::semcom::phy;

//! Settings with some fields given by name.
template <typename Settings>
static Settings from_fields(const py::kwargs& fields)
{
    py::object settings = py::cast(Settings());
    for (const auto& field : fields)
        py::setattr(settings, field.first, field.second);
    return settings.cast<Settings>();
}

static std::string fading_name(fading kind)
{
    return kind == fading::none ? "none" : kind == fading::block ? "block" : "jakes";
}

static size_t push(mock_radio& radio, int transmitter, const complex_array& samples)
{
    expect(samples.ndim() == 1, "samples: an array [n] expected");
    const cfloat* data = samples.data();
    const size_t count = samples.shape(0);
    py::gil_scoped_release release;
    return radio.push(transmitter, data, count);
}

static size_t
pull_into(mock_radio& radio, int receiver, const std::vector<py::array_t<cfloat>>& out)
{
    expect(static_cast<int>(out.size()) == radio.num_antennas(receiver),
           "out: an array for each antenna expected");
    cfloat* to[max_streams];
    for (size_t m = 0; m < out.size(); m++) {
        auto array = out[m];
        expect(array.ndim() == 1 && array.shape(0) == out[0].shape(0) &&
                   (array.flags() & py::array::c_style),
               "out: complex64 arrays [n] of the same length expected");
        to[m] = array.mutable_data();
    }
    const size_t count = out[0].shape(0);
    py::gil_scoped_release release;
    return radio.pull(receiver, to, count);
}

static py::array pull(mock_radio& radio, int receiver, size_t count)
{
    std::vector<py::array_t<cfloat>> rows;
    const size_t antennas = radio.num_antennas(receiver);
    complex_array out({ antennas, count });
    for (size_t m = 0; m < antennas; m++)
        rows.emplace_back(py::array_t<cfloat>(count, out.mutable_data(m, 0), out));
    const size_t received = pull_into(radio, receiver, rows);
    return out[py::make_tuple(py::ellipsis(), py::slice(0, received, 1))];
}

static void bind_device_settings(py::module& m)
{
    py::class_<device_settings>(
        m,
        "device_settings",
        R"doc(Impairments of one device of a mock radio, in sending and receiving.

The defaults only rotate the phase by a random angle. Infinities mean "none" where a level is in dB.

Args:
    cfo_hz: carrier offset from nominal [Hz].
    clock_ppm: offset of the sampling clock from nominal [ppm], -100 to 100.
    start_delay_s: time at which the device and its clock start [s].
    phase_noise_dbc_hz: single sideband, 10 kHz from the carrier [dBc/Hz]; 20 dB a decade.
    iq_gain_db: gain of I over that of Q [dB].
    iq_phase_deg: deviation of I and Q from a right angle [degrees].
    dc_db: constant added in sending and receiving, relative to a stream's power [dB].
    pa_backoff_db: saturation above a stream's mean power [dB]; Rapp, smoothness 2.
    gain_db: of the receiver, on signal and noise alike [dB].
    bits: of the receiver's I and Q; 0: not quantised.
    full_scale: largest I and Q that is not clipped, after the gain.
    drop_probability: of each of the receiver's buffers, whose samples vanish.
    drop_buffer: samples of a buffer.)doc")
        .def(py::init(&from_fields<device_settings>))
        .def_readwrite("cfo_hz", &device_settings::cfo_hz)
        .def_readwrite("clock_ppm", &device_settings::clock_ppm)
        .def_readwrite("start_delay_s", &device_settings::start_delay_s)
        .def_readwrite("phase_noise_dbc_hz", &device_settings::phase_noise_dbc_hz)
        .def_readwrite("iq_gain_db", &device_settings::iq_gain_db)
        .def_readwrite("iq_phase_deg", &device_settings::iq_phase_deg)
        .def_readwrite("dc_db", &device_settings::dc_db)
        .def_readwrite("pa_backoff_db", &device_settings::pa_backoff_db)
        .def_readwrite("gain_db", &device_settings::gain_db)
        .def_readwrite("bits", &device_settings::bits)
        .def_readwrite("full_scale", &device_settings::full_scale)
        .def_readwrite("drop_probability", &device_settings::drop_probability)
        .def_readwrite("drop_buffer", &device_settings::drop_buffer);
}

static void bind_path_settings(py::module& m)
{
    py::class_<path_settings>(
        m,
        "path_settings",
        R"doc(Channel between the transmitters and one receiver of a mock radio.

Args:
    fading: none (antenna m receives transmitter m alone), block or jakes (continuous).
    rician_k: line-of-sight to scattered power, linear; 0: Rayleigh.
    doppler_hz: largest Doppler shift [Hz].
    block_s: length of a block [s].
    delay_spread_s: RMS, of an exponential power delay profile [s], at most 25 samples.
    snr_db: of each stream of unit power at each antenna [dB].)doc")
        .def(py::init(&from_fields<path_settings>))
        .def_property(
            "fading",
            [](const path_settings& s) { return fading_name(s.kind); },
            [](path_settings& s, const std::string& name) {
                s.kind = parse_fading(name);
            })
        .def_readwrite("rician_k", &path_settings::rician_k)
        .def_readwrite("doppler_hz", &path_settings::doppler_hz)
        .def_readwrite("block_s", &path_settings::block_s)
        .def_readwrite("delay_spread_s", &path_settings::delay_spread_s)
        .def_readwrite("snr_db", &path_settings::snr_db);
}

template <int Device>
static void bind_device(py::class_<mock_settings>& settings, const char* name)
{
    settings.def_property(
        name,
        [](mock_settings& s) -> device_settings& { return s.devices[Device]; },
        [](mock_settings& s, const device_settings& d) { s.devices[Device] = d; },
        py::return_value_policy::reference_internal);
}

static void bind_mock_settings(py::module& m)
{
    py::class_<mock_settings> settings(m, "mock_settings", R"doc(Settings of a mock radio.

Args:
    sample_rate: nominal sample rate of all devices [Hz].
    seed: of all random numbers.
    audio, video, receiver: device_settings of the terminals and the receiver.
    uplink: path_settings from both terminals to the receiver's two antennas.
    sidelink: path_settings from the audio terminal to the video terminal.)doc");
    settings.def(py::init(&from_fields<mock_settings>))
        .def_readwrite("sample_rate", &mock_settings::sample_rate)
        .def_readwrite("seed", &mock_settings::seed)
        .def_readwrite("uplink", &mock_settings::uplink)
        .def_readwrite("sidelink", &mock_settings::sidelink);
    bind_device<mock_settings::audio>(settings, "audio");
    bind_device<mock_settings::video>(settings, "video");
    bind_device<mock_settings::receiver>(settings, "receiver");
}

static void bind_radio(py::module& m)
{
    py::class_<mock_radio>(
        m,
        "mock_radio",
        R"doc(Baseband samples of two transmitters in, of two receivers out (lib/phy/impairments/mock_radio.h).

Transmitters: 0 audio, 1 video terminal. Receivers: 0 has two antennas and receives both, 1 is the
video terminal's antenna and receives the audio terminal. A stream has unit mean power during its
burst. Sample i that a device sends is on the air when sample i that it receives is taken.
The results do not depend on how the streams are cut, nor on which receivers exist.

Args:
    settings: mock_settings.
    receivers: set of the receivers that exist, within {0, 1}; others are not simulated.

Raises:
    ValueError: a setting out of range.
    IndexError: an unknown transmitter or receiver.)doc")
        .def(py::init<const mock_settings&, const std::set<int>&>(),
             py::arg("settings"),
             py::arg("receivers") =
                 std::set<int>{ mock_radio::uplink, mock_radio::sidelink })
        .def("push",
             &push,
             py::arg("transmitter"),
             py::arg("samples"),
             "Transmits complex64 [n]; returns the number that there was room for.")
        .def("pull",
             &pull,
             py::arg("receiver"),
             py::arg("count"),
             "Receives complex64 [M, n], n at most count, as far as those sent reach or "
             "to the\n"
             "next overflow: samples of one call follow each other.")
        .def("pull_into",
             &pull_into,
             py::arg("receiver"),
             py::arg("out"),
             "Receives into M complex64 arrays [n]; returns the number of samples "
             "received.")
        .def("room",
             &mock_radio::room,
             py::arg("transmitter"),
             "Number of samples that push() accepts now.")
        .def("ready",
             &mock_radio::ready,
             py::arg("receiver"),
             "True if pull() returns samples of this receiver without further samples "
             "sent.")
        .def("lacks",
             &mock_radio::lacks,
             py::arg("transmitter"),
             "True if a receiver waits for samples of this transmitter.")
        .def(
            "set_snr_db",
            &mock_radio::set_snr_db,
            py::arg("receiver"),
            py::arg("snr_db"),
            "SNR [dB] of each stream at this receiver, within 512 samples of its pull().")
        .def("num_sent", &mock_radio::num_sent, py::arg("transmitter"), "Samples pushed.")
        .def("num_received",
             &mock_radio::num_received,
             py::arg("receiver"),
             "Samples pulled at each antenna; plus the dropped ones: index of the next "
             "sample.")
        .def("num_dropped",
             &mock_radio::num_dropped,
             py::arg("receiver"),
             "Samples lost to overflows at each antenna.");
}

void bind_mock_radio(py::module& m)
{
    bind_device_settings(m);
    bind_path_settings(m);
    bind_mock_settings(m);
    bind_radio(m);
    m.def("exponential_profile",
          &exponential_profile,
          py::arg("spread"),
          R"doc(Powers of the taps of an exponential power delay profile.

Args:
    spread: RMS delay spread [samples], 0 to 25.

Returns:
    Powers that sum to 1; the list ends where less than 1e-4 of the power is left.

Raises:
    ValueError: spread out of range.)doc");
    m.def(
        "phase_noise_step",
        &phase_noise_step,
        py::arg("level_dbc_hz"),
        py::arg("offset"),
        py::arg("sample_rate"),
        "Standard deviation [rad] of the step of the random walk with this phase noise:\n"
        "2 pi offset 10^(level / 20) / sqrt(sample_rate).");
}
