/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include <gnuradio/semcom/frame_sync_cc.h>
#include <gnuradio/semcom/ls_estimator_cc.h>
#include <gnuradio/semcom/mimo_channel_cc.h>
#include <gnuradio/semcom/mimo_detector_cc.h>
#include <gnuradio/semcom/mimo_receiver_cc.h>
#include <gnuradio/semcom/pilot_inserter_cc.h>
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace gr::semcom;

template <typename Block>
using block_class = py::class_<Block, gr::block, gr::basic_block, std::shared_ptr<Block>>;

static void bind_pilot_inserter(py::module& m)
{
    block_class<pilot_inserter_cc>(
        m,
        "pilot_inserter_cc",
        R"doc(Puts known symbols (pilots) into each frame of one transmitter.

One complex64 stream in, one out. A frame of n payload symbols becomes [P pilots | n] with
spacing 0, else [P | S payload | P | S payload | ... | P].

Tags: semcom_frame, pair of uint64 (sequence number . length), on each frame's first item;
the length out counts the pilots. Frames may be longer than any buffer.

Args:
    pilots: P complex symbols, this transmitter's row.
    spacing: S, payload symbols between pilot blocks; 0 for pilots in front only.
    frame_length: with 0 the input's frames are tagged; above 0 the untagged input is cut into
        frames of that many symbols, numbered from 0.

Raises:
    ValueError: no pilots, pilots not finite, or a negative number.)doc")
        .def(py::init(&pilot_inserter_cc::make),
             py::arg("pilots"),
             py::arg("spacing") = 0,
             py::arg("frame_length") = 0);
}

static void bind_ls_estimator(py::module& m)
{
    block_class<ls_estimator_cc>(
        m,
        "ls_estimator_cc",
        R"doc(Estimates an M x K channel from each frame's pilots and removes the pilots.

M complex64 streams in, M out (the payload). With Y = H X + N over the pilots X [K, P]:
ls: H = Y X^H (X X^H)^-1 (arXiv:2412.06208, eq. 5); ls_min_residual: the same over the step of
2K pilots with the smallest residual (eq. 6); lmmse: shrunk by the measured noise; perfect: the
simulated channel's csi_true tags; none: no estimate.

Tags: semcom_frame (sequence number . length) and, on port 0, csi on each frame's first item: a
complex vector [M+jK, noise_var+j snr, err_var_k+j no_eff_k, H row by row], then for each further
piece of the frame its first payload symbol n, (n mod 2^20)+j(n div 2^20), err_var_k+j no_eff_k and
H. Message port csi: (sequence number . vector) of each frame.

Args:
    num_rx: M, 1 to 8.
    pilots: K rows of P complex symbols, linearly independent.
    method: ls, ls_min_residual, lmmse, perfect or none.
    spacing: payload symbols between pilot blocks, as in pilot_inserter_cc.
    interpolation: nearest or linear, between the blocks of spaced pilots.

Raises:
    ValueError: rows unequal, not finite or dependent; an unknown name; a number out of range.)doc")
        .def(py::init(&ls_estimator_cc::make),
             py::arg("num_rx"),
             py::arg("pilots"),
             py::arg("method") = "ls",
             py::arg("spacing") = 0,
             py::arg("interpolation") = "nearest")
        .def("set_method",
             &ls_estimator_cc::set_method,
             py::arg("method"),
             "Sets the method from the next frame on; ValueError if unknown.");
}

static void bind_mimo_detector(py::module& m)
{
    block_class<mimo_detector_cc>(
        m,
        "mimo_detector_cc",
        R"doc(Separates K streams from M antennas with the channel estimate of the csi tags.

M complex64 streams in, K out. With S = noise_var + sum of err_var,
zf: x = (H^H H)^-1 H^H y, no_eff_k = S [(H^H H)^-1]_kk (arXiv:2412.06208, eq. 7);
lmmse, unbiased: G = (H^H H + S I)^-1 H^H, x_k = [G y]_k / [G H]_kk, no_eff_k = 1 / [G H]_kk - 1;
none: stream k is antenna k, no_eff_k = noise_var.

Tags: semcom_frame passes; csi on port 0 with no_eff of each piece filled in (semcom.phy.csi's
expand_no_eff makes it that of each symbol). A singular, zero or non-finite channel gives symbols 0
and no_eff infinite over its piece; a sample that is not finite becomes 0.

Args:
    num_rx: M antennas.
    num_tx: K transmitters, 1 <= K <= M <= 8.
    method: zf, lmmse or none.

Raises:
    ValueError: an unknown name or a number out of range.)doc")
        .def(py::init(&mimo_detector_cc::make),
             py::arg("num_rx"),
             py::arg("num_tx"),
             py::arg("method") = "zf")
        .def("set_method",
             &mimo_detector_cc::set_method,
             py::arg("method"),
             "Sets the method from the next csi tag on; ValueError if unknown.");
}

static void bind_mimo_receiver(py::module& m)
{
    block_class<mimo_receiver_cc>(
        m,
        "mimo_receiver_cc",
        R"doc(Estimates the channel from each frame's pilots and separates the K transmitted streams.

ls_estimator_cc followed by mimo_detector_cc in one block, with the same results to the last bit:
M complex64 streams with pilots in, K streams of the payload out.

Tags: semcom_frame (sequence number . length) and, on port 0, csi on each frame's first item, with
no_eff filled in; none with the estimation none. Message port csi: (sequence number . vector) of
each frame.

Args:
    num_rx: M, 1 to 8.
    pilots: K rows of P complex symbols, linearly independent, K <= M.
    csi: ls, ls_min_residual, lmmse, perfect or none.
    detector: zf, lmmse or none; none if csi is none.
    spacing: payload symbols between pilot blocks, as in pilot_inserter_cc.
    interpolation: nearest or linear, between the blocks of spaced pilots.

Raises:
    ValueError: rows unequal, not finite, dependent or too many; an unknown name; a number out of
        range; a detector without an estimate.)doc")
        .def(py::init(&mimo_receiver_cc::make),
             py::arg("num_rx"),
             py::arg("pilots"),
             py::arg("csi") = "ls",
             py::arg("detector") = "zf",
             py::arg("spacing") = 0,
             py::arg("interpolation") = "nearest")
        .def("set_methods",
             &mimo_receiver_cc::set_methods,
             py::arg("csi"),
             py::arg("detector"),
             "Sets other methods from the next frame on; ValueError as for a new block.");
}

static void bind_frame_sync(py::module& m)
{
    py::class_<user_report>(
        m, "user_report", "What was measured of a user's preamble, header and pilots.")
        .def_readonly("detected", &user_report::detected, "its preamble was detected")
        .def_readonly("read", &user_report::read, "its header was read")
        .def_readonly("delay", &user_report::delay, "[s] after the report's time")
        .def_readonly("cfo", &user_report::cfo, "[Hz]")
        .def_readonly("clock",
                      &user_report::clock,
                      "[ppm] by which its symbols are longer than the receiver's")
        .def_readonly("snr_db", &user_report::snr_db, "[dB] mean over the antennas")
        .def_readonly("symbols", &user_report::symbols, "of its payload");
    py::class_<burst_report>(m, "burst_report", "A received burst.")
        .def_readonly("frame", &burst_report::frame)
        .def_readonly("fragment", &burst_report::fragment, "from 0")
        .def_readonly("fragments", &burst_report::fragments, "of the frame")
        .def_readonly("attempt", &burst_report::attempt, "0: the first")
        .def_readonly("length", &burst_report::length, "length of the payload [symbols]")
        .def_readonly("terminal", &burst_report::terminal)
        .def_readonly("system", &burst_report::system)
        .def_readonly("passed",
                      &burst_report::passed,
                      "False: a repeat, or of another link")
        .def_readonly("seconds", &burst_report::seconds, "device time, whole seconds")
        .def_readonly("fraction", &burst_report::fraction, "[s] and the rest")
        .def_readonly("users", &burst_report::users, "a user_report each");
    py::class_<sync_counts>(m, "sync_counts", "Counters since the start.")
        .def_readonly("frames", &sync_counts::frames)
        .def_readonly("lost", &sync_counts::lost)
        .def_readonly("missing", &sync_counts::missing, "fragments")
        .def_readonly("retried", &sync_counts::retried, "attempts after the first")
        .def_readonly("duplicated", &sync_counts::duplicated)
        .def_readonly("restarts", &sync_counts::restarts)
        .def_readonly("foreign", &sync_counts::foreign)
        .def_readonly("too_long", &sync_counts::too_long)
        .def_readonly("other_version", &sync_counts::other_version, "headers")
        .def_readonly("passed", &sync_counts::passed, "bursts that went on")
        .def_readonly("version", &sync_counts::version, "of the last of them")
        .def_readonly("preambles", &sync_counts::preambles)
        .def_readonly("false_alarms", &sync_counts::false_alarms)
        .def_readonly("overflows", &sync_counts::overflows);
    block_class<frame_sync_cc>(
        m,
        "frame_sync_cc",
        R"doc(Finds the bursts of K users in the samples of M antennas, and separates them.

M complex64 streams of samples in, K streams of symbols of unit mean power out, one frame per
burst. Time, carrier and gains of each user are estimated from its preamble and header; users are
separated by zero forcing or LMMSE on samples aligned with each; clock and phase are tracked on each
user's pilots.

Tags: rx_time (of UHD) is read; semcom_frame (sequence number . length of this port's payload) and
semcom_fragment (fragment, fragments, attempt) on all ports, csi on port 0. A user that was not
detected has zeros and an infinite no_eff. A repeat of the same attempt is not passed on, another
attempt is. Message port bursts: a dict for each.

Args:
    num_rx: M antennas.
    pilots: a row for each of the K users.
    sample_rate: [Hz].
    sps: samples per symbol.
    spacing: payload symbols between pilot blocks; 0 for pilots in front only.
    method: zf or lmmse.
    first_code: preamble of user 0: 0 uplink, 6 sidelink, 9 return link; user k has this + k.
    system: number of the semantic system to listen to; -1 for any.
    units: for each user, symbols that its payload is a multiple of; bursts with others are not
        passed on. Empty: 1 for all.
    max_payload: [symbols] of the longest payload that is received.

Raises:
    ValueError: an unknown name or a number out of range.)doc")
        .def(py::init(&frame_sync_cc::make),
             py::arg("num_rx"),
             py::arg("pilots"),
             py::arg("sample_rate") = 4e6,
             py::arg("sps") = 4,
             py::arg("spacing") = 64,
             py::arg("method") = "zf",
             py::arg("first_code") = 0,
             py::arg("system") = -1,
             py::arg("units") = std::vector<unsigned int>{},
             py::arg("max_payload") = 1u << 20)
        .def("set_method",
             &frame_sync_cc::set_method,
             py::arg("method"),
             "Sets the method from the next burst on; ValueError if unknown.")
        .def("take_reports",
             &frame_sync_cc::take_reports,
             py::call_guard<py::gil_scoped_release>(),
             "The bursts since the last call, a burst_report each, at most the last "
             "10000.")
        .def("counts",
             &frame_sync_cc::counts,
             py::call_guard<py::gil_scoped_release>(),
             "sync_counts since the start.")
        .def("received_until",
             &frame_sync_cc::received_until,
             py::call_guard<py::gil_scoped_release>(),
             "Device time [s] before which all bursts have been reported.");
}

static void bind_mimo_channel(py::module& m)
{
    block_class<mimo_channel_cc>(
        m,
        "mimo_channel_cc",
        R"doc(A simulated channel of K transmitters and M antennas, new for each frame.

K complex64 streams in, M out: Y = g exp(j theta) (H X + N), N ~ CN(0, 10^(-snr_db/10)),
theta uniform, g = 10^(gain_db/20). Everything random is a function of (seed, link, sequence
number) only. With doppler > 0 H varies with Jakes' spectrum, constant over runs of 8 symbols.

Tags: semcom_frame (sequence number . length) passes; csi_true on port 0, the vector of
ls_estimator_cc with the truth, a piece for each run of 8 symbols with Doppler. Message port
channel: (sequence number . vector) of each frame.

Args:
    num_tx: K, 1 to 8.
    num_rx: M, 1 to 8.
    model: none (Y = X), awgn (H = eye(M, K)), rayleigh (CN(0, 1)), rician (line of sight with a
        phase for each entry), rician_rank1 (one phase for all).
    snr_db: [dB] of each stream at each antenna.
    rician_k: power of the line of sight over the scatter's, linear.
    doppler: [cycles per symbol] largest Doppler shift; 0 for block fading.
    gain_db: [dB] of the receiver, on signal and noise.
    seed: of all that is random.
    link: 0 to 65535; links of one seed are independent.

Raises:
    ValueError: an unknown name or a number out of range.)doc")
        .def(py::init(&mimo_channel_cc::make),
             py::arg("num_tx"),
             py::arg("num_rx"),
             py::arg("model") = "rayleigh",
             py::arg("snr_db") = 10.0,
             py::arg("rician_k") = 4.0,
             py::arg("doppler") = 0.0,
             py::arg("gain_db") = 0.0,
             py::arg("seed") = 0,
             py::arg("link") = 0)
        .def("set_model",
             &mimo_channel_cc::set_model,
             py::arg("model"),
             "Sets the model from the next frame on; ValueError if unknown.")
        .def("set_snr_db",
             &mimo_channel_cc::set_snr_db,
             py::arg("snr_db"),
             "Sets the SNR [dB] of each stream at each antenna, from the next frame on.")
        .def("set_rician_k",
             &mimo_channel_cc::set_rician_k,
             py::arg("rician_k"),
             "Sets the ratio of line-of-sight to scattered power (linear), from the next "
             "frame on.")
        .def("set_doppler",
             &mimo_channel_cc::set_doppler,
             py::arg("doppler"),
             "Sets the largest Doppler shift [cycles per symbol], from the next frame "
             "on; 0: block fading.")
        .def("set_gain_db",
             &mimo_channel_cc::set_gain_db,
             py::arg("gain_db"),
             "Sets the receiver's gain [dB], from the next frame on.");
}

void bind_blocks(py::module& m)
{
    bind_pilot_inserter(m);
    bind_ls_estimator(m);
    bind_mimo_detector(m);
    bind_mimo_receiver(m);
    bind_mimo_channel(m);
    bind_frame_sync(m);
}
