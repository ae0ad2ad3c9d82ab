/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include <gnuradio/semcom/errors.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_blocks(py::module& m);
void bind_burst(py::module& m);
void bind_burst_receiver(py::module& m);
void bind_coding(py::module& m);
void bind_coding_blocks(py::module& m);
void bind_core(py::module& m);
void bind_mock_radio(py::module& m);
void bind_sync(py::module& m);

PYBIND11_MODULE(semcom_python, m)
{
    m.doc() = "The C++ part of gnuradio.semcom.";
    // GNU Radio's own bindings know the base classes of ours.
    py::module::import("gnuradio.gr");

    bind_blocks(m);
    bind_coding_blocks(m);
    auto core = m.def_submodule(
        "core",
        "Signal processing of the C++ blocks on NumPy arrays, without a flowgraph.\n\n"
        "M is the number of receive antennas, K that of transmitters, P that of pilots.\n"
        "Channel state travels as the complex64 vector of the csi tag:\n"
        "[M+jK, noise_var+j snr, err_var_k+j no_eff_k (K of them), H row by row (M K)],\n"
        "then, for each further piece of the frame, its first symbol n as\n"
        "(n mod 2^20)+j(n div 2^20), err_var_k+j no_eff_k and H. R pieces: 1 + R (1 + K "
        "+ M K).");
    bind_core(core);
    bind_coding(core);
    bind_burst(core);
    bind_sync(core);
    bind_burst_receiver(core);
    bind_mock_radio(core);

    m.def(
        "take_errors",
        &gr::semcom::take_errors,
        "Errors that blocks latched since the last call, 'alias: text', oldest first.\n\n"
        "A block that fails at run time ends its stream; ask here, once the flowgraph\n"
        "has stopped, for such errors. The call clears the list.");
    m.def("report_error",
          &gr::semcom::report_error,
          py::arg("block_alias"),
          py::arg("text"),
          "Latches an error for take_errors(), from any thread.");
}
