/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include <own/frame_power.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

PYBIND11_MODULE(own, m)
{
    py::module::import("gnuradio.gr"); // knows the base classes
    using gr::own::frame_power;
    py::class_<frame_power,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<frame_power>>(m, "frame_power")
        .def(py::init(&frame_power::make), "Tells the mean power of each frame.");
}
