# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The end of the chain: the event of each second, kept and published."""

import numpy as np
import pmt

from .frame_block import FrameBlock


class event_sink(FrameBlock):
    """Names the event of every segment.

    Input 0  float32 vectors of C probabilities, frames of T items

    ``decisions`` maps a frame's number to its classes [T] and ``confidence`` to their
    probabilities [T]; at most ``keep`` frames are kept, the oldest go first (0 keeps all).
    Message port ``events``: a dict per frame with ``frame``, ``events`` (names) and
    ``confidence``.
    """

    def __init__(self, classes, keep=0):
        FrameBlock.__init__(self, "event_sink", [(np.float32, len(classes))], [])
        self.classes = list(classes)
        self.keep = keep
        self.received = 0
        self.decisions, self.confidence = {}, {}
        self.message_port_register_out(pmt.intern("events"))

    def process(self, batch):
        for (frame,) in batch:
            self.decisions[frame.number] = frame.items.argmax(1)
            self.confidence[frame.number] = frame.items.max(1)
            self._publish(frame.number)
            self.received += 1
            if self.keep and len(self.decisions) > self.keep:
                oldest = next(iter(self.decisions))
                del self.decisions[oldest], self.confidence[oldest]
        return []

    def _publish(self, number: int) -> None:
        names = [self.classes[c] for c in self.decisions[number]]
        event = {
            "frame": number,
            "events": names,
            "confidence": [float(p) for p in self.confidence[number]],
        }
        self.message_port_pub(pmt.intern("events"), pmt.to_pmt(event))
