# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A sink that keeps every frame, by its number, for inspection after the run."""

import numpy as np

from .frame_block import FrameBlock


class frame_collector(FrameBlock):
    """Keeps the items of every frame of a stream in the dict ``frames``, by frame number.

    Input 0  items of ``dtype``, frames

    dtype  NumPy type of the items
    """

    def __init__(self, dtype=np.complex64):
        FrameBlock.__init__(self, "frame_collector", [dtype], [])
        self.frames = {}

    def process(self, batch):
        for (frame,) in batch:
            self.frames[frame.number] = frame.items
        return []
