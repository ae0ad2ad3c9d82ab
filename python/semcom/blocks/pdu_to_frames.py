# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A block from PDUs to a stream: a frame of symbols for each message."""

from collections import deque

import numpy as np
import pmt

from .frame_block import FrameBlock
from .guard import guarded


class pdu_to_frames(FrameBlock):
    """Turns PDUs of symbols into a stream of frames, numbered in the order of their arrival.

    Message port ``pdus``: pairs (metadata, c32vector), or the symbol ``done``, which ends the
    stream after the waiting PDUs.
    Output 0: complex64, frames with ``semcom_frame`` tags

    At most ``max_waiting`` PDUs wait.  Messages have no back-pressure: a PDU that comes when the
    queue is full is dropped.  Its number is left out in the stream, and ``dropped`` counts it.

    max_waiting  most PDUs that wait
    """

    def __init__(self, max_waiting=64):
        FrameBlock.__init__(self, "pdu_to_frames", [], [np.complex64])
        self.max_waiting = max_waiting
        self.waiting = deque()
        self.arrived = self.dropped = 0
        self.ending = False
        self.message_port_register_in(pmt.intern("pdus"))
        self.set_msg_handler(pmt.intern("pdus"), self._on_pdu)

    @guarded
    def _on_pdu(self, message):
        if pmt.is_symbol(message) and pmt.symbol_to_string(message) == "done":
            self.ending = True
            return
        if not (pmt.is_pair(message) and pmt.is_c32vector(pmt.cdr(message))):
            raise ValueError("a PDU must be a pair of metadata and a vector of complex symbols")
        number, self.arrived = self.arrived, self.arrived + 1
        if len(self.waiting) >= self.max_waiting:
            self.dropped += 1
            return
        symbols = np.array(pmt.c32vector_elements(pmt.cdr(message)), np.complex64)
        self.waiting.append((number, symbols))

    def advance(self, input_items):
        if self.waiting:
            return [self.waiting.popleft()]
        return None if self.ending else []
