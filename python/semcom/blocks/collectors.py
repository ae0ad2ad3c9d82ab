# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sinks that keep what passes, by its frame's number, for whoever looks after the run."""

import numpy as np
import pmt
from gnuradio import gr

from .frame_block import FrameBlock
from .guard import guarded


class frame_collector(FrameBlock):
    """Keeps the items of every frame of a stream in ``frames``, by their numbers."""

    def __init__(self, dtype=np.complex64):
        FrameBlock.__init__(self, "frame_collector", [dtype], [])
        self.frames = {}

    def process(self, batch):
        for (frame,) in batch:
            self.frames[frame.number] = frame.items
        return []


class attention_collector(gr.basic_block):
    """Keeps where a terminal looked, ``heat[number]`` [T, h, w] in 0 to 1.

    Message port ``attention``: of semantic_encoder
    """

    def __init__(self):
        gr.basic_block.__init__(self, "attention_collector", [], [])
        self.heat = {}
        self.message_port_register_in(pmt.intern("attention"))
        self.set_msg_handler(pmt.intern("attention"), self._keep)

    @guarded
    def _keep(self, message):
        told = pmt.to_python(message)
        heat = np.array(told["heat"], np.float32)
        self.heat[told["frame"]] = heat.reshape([int(n) for n in told["grid"]])
