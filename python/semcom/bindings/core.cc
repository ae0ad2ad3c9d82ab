/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "arrays.h"
#include "phy/flat/channel.h"
#include "phy/flat/detection.h"
#include "phy/flat/estimation.h"
#include "phy/framing.h"
#include "phy/philox.h"
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <limits>

namespace py = pybind11;
using namespace gr::semcom::phy;

static std::vector<std::vector<cfloat>> to_rows(const complex_array& array)
{
    expect(array.ndim() == 2, "rows: an array [K, P] expected");
    std::vector<std::vector<cfloat>> rows;
    for (py::ssize_t k = 0; k < array.shape(0); k++) {
        const cfloat* row = array.data() + k * array.shape(1);
        rows.emplace_back(row, row + array.shape(1));
    }
    return rows;
}

static packed_csi to_csi(const complex_array& packed)
{
    expect(packed.ndim() == 1, "csi: a packed vector expected");
    return { packed.data(), static_cast<size_t>(packed.size()) };
}

static pilot_estimator::block
columns(const complex_array& frame, py::ssize_t first, py::ssize_t count)
{
    pilot_estimator::block part(frame.shape(0), count);
    for (py::ssize_t m = 0; m < part.rows(); m++)
        for (py::ssize_t p = 0; p < count; p++)
            part(m, p) = *frame.data(m, first + p);
    return part;
}

//! The methods that work on pilots.
static estimator_method to_pilot_method(const std::string& name)
{
    const auto method = parse_estimator(name);
    expect(method != estimator_method::perfect && method != estimator_method::none,
           "method: '" + name + "' uses no pilots; choose ls, ls_min_residual or lmmse");
    return method;
}

static complex_array estimate(const complex_array& pilots,
                              const complex_array& rows,
                              const std::string& method)
{
    const pilot_estimator estimator(to_rows(rows));
    expect(pilots.ndim() == 2 && pilots.shape(0) >= 1 && pilots.shape(0) <= max_streams &&
               pilots.shape(1) == estimator.num_pilots(),
           "pilots: an array [M, P] expected, M from 1 to 8, P that of the rows");
    const auto all = columns(pilots, 0, pilots.shape(1));
    std::vector<csi> estimates;
    estimator.estimate(&all, 1, to_pilot_method(method), estimates);
    return to_array(pack(estimates[0]));
}

static complex_array estimate_frame(const complex_array& frame,
                                    const complex_array& rows,
                                    const std::string& method,
                                    uint64_t spacing,
                                    const std::string& interpolation)
{
    const pilot_estimator estimator(to_rows(rows));
    expect(frame.ndim() == 2 && frame.shape(0) >= 1 && frame.shape(0) <= max_streams,
           "frame: an array [M, F] expected, M from 1 to 8");
    const frame_layout layout{ static_cast<uint64_t>(estimator.num_pilots()), spacing };
    const uint64_t payload = layout.payload(frame.shape(1));
    expect(payload > 0, "frame: no frame of this layout has this length");
    std::vector<pilot_estimator::block> received;
    for (uint64_t b = 0; b < layout.pilot_blocks(payload); b++)
        received.push_back(
            columns(frame, layout.pilot_position(b, payload), layout.num_pilots));
    std::vector<csi> estimates;
    estimator.estimate(
        received.data(), received.size(), to_pilot_method(method), estimates);
    return to_array(
        interpolate(estimates, layout, payload, parse_interpolation(interpolation))
            .elements());
}

static py::tuple
detect(const complex_array& y, const complex_array& packed, const std::string& method)
{
    auto value = to_csi(packed);
    expect(y.ndim() == 2 && y.shape(0) == value.num_rx(),
           "y: an array [M, n] expected, M that of the csi");
    expect(value.num_tx() <= value.num_rx(), "csi: K <= M expected");
    const size_t count = y.shape(1);
    complex_array x({ static_cast<size_t>(value.num_tx()), count });
    const auto in = row_pointers(y.data(), value.num_rx(), count);
    const auto out = row_pointers(x.mutable_data(), value.num_tx(), count);
    frame_detector detector;
    detector.set(value, parse_detector(method));
    {
        py::gil_scoped_release release;
        detector.apply(in.data(), out.data(), 0, count);
    }
    return py::make_tuple(x, to_array(value.elements()));
}

static py::array_t<float> expand_no_eff(const complex_array& packed, size_t count)
{
    const auto value = to_csi(packed);
    py::array_t<float> no_eff({ static_cast<size_t>(value.num_tx()), count });
    const auto rows = row_pointers(no_eff.mutable_data(), value.num_tx(), count);
    value.expand_no_eff(count, rows.data());
    return no_eff;
}

static py::tuple detect_frames(const complex_array& y,
                               const complex_array& h,
                               double noise_var,
                               const std::string& method)
{
    expect(y.ndim() == 3 && h.ndim() == 3 && y.shape(0) == h.shape(0) &&
               y.shape(1) == h.shape(1),
           "y, h: arrays [N, M, n] and [N, M, K] expected with the same N and M");
    const size_t frames = h.shape(0), m = h.shape(1), k = h.shape(2), count = y.shape(2);
    expect(k >= 1 && k <= m && m <= max_streams, "h: 1 <= K <= M <= 8 expected");
    complex_array x({ frames, k, count });
    py::array_t<float> no_eff({ frames, k });
    const auto kind = parse_detector(method);
    const cfloat *from = y.data(), *channel = h.data();
    cfloat* to = x.mutable_data();
    float* variance = no_eff.mutable_data();
    {
        py::gil_scoped_release release;
        csi value(m, k);
        value.noise_var = noise_var;
        for (size_t f = 0; f < frames; f++) {
            std::copy_n(channel + f * m * k, m * k, value.h.data());
            const linear_detector detector(value, kind);
            const auto in = row_pointers(from + f * m * count, m, count);
            const auto out = row_pointers(to + f * k * count, k, count);
            detector.apply(in.data(), out.data(), count);
            std::copy_n(detector.no_eff().data(), k, variance + f * k);
        }
    }
    return py::make_tuple(x, no_eff);
}

static py::tuple pass_channel(const complex_array& x,
                              int num_rx,
                              const std::string& model,
                              double snr_db,
                              double rician_k,
                              double doppler,
                              double gain_db,
                              uint64_t seed,
                              uint32_t link,
                              uint64_t frame)
{
    expect(x.ndim() == 2, "x: an array [K, L] expected");
    const size_t length = x.shape(1);
    mimo_channel channel(
        x.shape(0),
        num_rx,
        { parse_channel(model), snr_db, rician_k, doppler, gain_db, seed, link });
    complex_array y({ static_cast<size_t>(num_rx), length });
    const auto in = row_pointers(x.data(), x.shape(0), length);
    const auto out = row_pointers(y.mutable_data(), num_rx, length);
    {
        py::gil_scoped_release release;
        channel.begin_frame(frame, length);
        channel.apply(in.data(), out.data(), 0, length);
    }
    return py::make_tuple(y, to_array(channel.truth().elements()));
}

static complex_array
draw_normal(uint64_t seed, uint64_t frame, uint32_t link, uint32_t purpose, size_t count)
{
    complex_array values(count);
    cfloat* data = values.mutable_data();
    py::gil_scoped_release release;
    complex_normal({ seed, frame, link, purpose }, 0, data, count);
    return values;
}

static py::array_t<float>
draw_uniform(uint64_t seed, uint64_t frame, uint32_t link, uint32_t purpose, size_t count)
{
    py::array_t<float> values(count);
    for (size_t i = 0; i < count; i++)
        values.mutable_data()[i] = uniform({ seed, frame, link, purpose }, i);
    return values;
}

static void bind_estimation(py::module& m)
{
    m.def("estimate",
          &estimate,
          py::arg("pilots"),
          py::arg("rows"),
          py::arg("method") = "ls",
          R"doc(Channel estimate from one block of pilots.

Args:
    pilots: received, complex64 [M, P].
    rows: sent, complex64 [K, P].
    method: ls, ls_min_residual or lmmse (see ls_estimator_cc).

Returns:
    The packed csi, complex64 [2 + K + M K].

Raises:
    ValueError: sizes that do not fit, dependent rows, or an unknown method.)doc");
    m.def("estimate_frame",
          &estimate_frame,
          py::arg("frame"),
          py::arg("rows"),
          py::arg("method") = "ls",
          py::arg("spacing") = 0,
          py::arg("interpolation") = "nearest",
          R"doc(Channel estimates over a whole frame, as ls_estimator_cc tags them.

Args:
    frame: received, complex64 [M, F], pilots and payload.
    rows: sent pilots, complex64 [K, P].
    method: ls, ls_min_residual or lmmse.
    spacing: payload symbols between pilot blocks; 0 for pilots in front only.
    interpolation: nearest or linear.

Returns:
    The packed csi of the frame, with a piece for each change of the estimate.

Raises:
    ValueError: a length that no frame of this layout has, and as estimate().)doc");
}

static void bind_detection(py::module& m)
{
    m.def("detect",
          &detect,
          py::arg("y"),
          py::arg("csi"),
          py::arg("method") = "zf",
          R"doc(Separates the streams of one frame.

Args:
    y: received payload, complex64 [M, n].
    csi: packed, complex64 [1 + R (1 + K + M K)] of R pieces, K <= M.
    method: zf, lmmse or none (see mimo_detector_cc).

Returns:
    (x, csi): symbols complex64 [K, n], and the csi with no_eff filled in.

Raises:
    ValueError: sizes that do not fit or an unknown method.)doc");
    m.def("expand_no_eff",
          &expand_no_eff,
          py::arg("csi"),
          py::arg("count"),
          R"doc(The noise of each symbol of a frame from its csi.

Args:
    csi: packed, complex64 [1 + R (1 + K + M K)] of R pieces, as detect() returns it.
    count: n, symbols of the frame.

Returns:
    Effective noise variance, float32 [K, n].

Raises:
    ValueError: a vector that is no packed csi.)doc");
    m.def("detect_frames",
          &detect_frames,
          py::arg("y"),
          py::arg("h"),
          py::arg("noise_var"),
          py::arg("method") = "zf",
          R"doc(Separates the streams of many frames with exactly known channels.

Args:
    y: received payload, complex64 [N, M, n].
    h: channels, complex64 [N, M, K], K <= M.
    noise_var: noise variance at each antenna.
    method: zf, lmmse or none.

Returns:
    (x, no_eff): complex64 [N, K, n] and float32 [N, K].

Raises:
    ValueError: sizes that do not fit or an unknown method.)doc");
}

static void bind_channel(py::module& m)
{
    m.def("mimo_channel",
          &pass_channel,
          py::arg("x"),
          py::kw_only(),
          py::arg("num_rx"),
          py::arg("model") = "rayleigh",
          py::arg("snr_db") = 10.0,
          py::arg("rician_k") = 4.0,
          py::arg("doppler") = 0.0,
          py::arg("gain_db") = 0.0,
          py::arg("seed") = 0,
          py::arg("link") = 0,
          py::arg("frame") = 0,
          R"doc(Passes one frame through the simulated channel (see mimo_channel_cc).

Args:
    x: sent, complex64 [K, L].
    frame: sequence number of the frame.

Returns:
    (y, csi): received complex64 [M, L], and the truth, packed, complex64 [1 + R (1 + K + M K)]
    with one piece for the frame, or with Doppler one for each run of 8 symbols.

Raises:
    ValueError: an unknown model or a number out of range.)doc");
}

static void bind_random(py::module& m)
{
    m.def("philox",
          &philox4x32,
          py::arg("counter"),
          py::arg("key"),
          "One block of Philox4x32-10: four uint32 from a counter of four and a key of "
          "two.");
    m.def("complex_normal",
          &draw_normal,
          py::arg("seed"),
          py::arg("frame"),
          py::arg("link"),
          py::arg("purpose"),
          py::arg("count"),
          "The first count CN(0, 1) numbers of a random stream, complex64 [count].");
    m.def("uniform",
          &draw_uniform,
          py::arg("seed"),
          py::arg("frame"),
          py::arg("link"),
          py::arg("purpose"),
          py::arg("count"),
          "The first count numbers of a random stream, uniform in (0, 1], float32 "
          "[count].");
}

void bind_core(py::module& m)
{
    bind_estimation(m);
    bind_detection(m);
    bind_channel(m);
    bind_random(m);
}
