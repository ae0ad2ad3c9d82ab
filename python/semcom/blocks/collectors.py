# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sinks that keep every frame, by its number, for inspection after the run."""

import numpy as np

from .frame_block import FrameBlock


class frame_collector(FrameBlock):
    """Keeps the items of every frame of a stream in ``frames``, by their numbers."""

    def __init__(self, dtype=np.complex64):
        FrameBlock.__init__(self, "frame_collector", [dtype], [])
        self.frames = {}

    def process(self, batch):
        for (frame,) in batch:
            self.frames[frame.number] = frame.items
        return []
