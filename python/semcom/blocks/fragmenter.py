# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A block that cuts frames into fragments, each of which fits a burst."""

import numpy as np

from ..protocol.fragments import split
from ..protocol.frames import FrameId
from .frame_block import FrameBlock


class fragmenter(FrameBlock):
    """Cuts frames into fragments; the number of a fragment holds frame and fragment number
    (semcom.protocol.frames).

    Input 0   complex64, frames of symbols
    Output 0  complex64, fragments of at most ``most`` symbols; semantic_decoder puts them together

    most  [symbols] longest fragment
    unit  [symbols] the length of each fragment, except of the last, is a multiple of this
    """

    def __init__(self, most=16384, unit=1):
        split(np.zeros(unit), most, unit)  # checks them
        FrameBlock.__init__(self, "fragmenter", [np.complex64], [np.complex64])
        self.most, self.unit = most, unit

    def process(self, batch):
        fragments = []
        for (frame,) in batch:
            parts = split(frame.items, self.most, self.unit)
            ids = [FrameId(frame.number, i, len(parts)) for i in range(len(parts))]
            fragments += [(of.number, part) for of, part in zip(ids, parts, strict=True)]
        return fragments
