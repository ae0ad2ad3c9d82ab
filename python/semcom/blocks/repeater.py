# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The sender's part of automatic repeat."""

import math
import time

import numpy as np
import pmt

from ..protocol.frames import FrameId
from ..protocol.retransmission import LOST, WINDOW, Answer, Sender, whole
from .frame_block import FrameBlock
from .guard import guarded

ANSWERS = pmt.intern("answers")
NAP_S = 0.001  # [s] between looks at the answers, once there is nothing else to do


class repeater(FrameBlock):
    """Sends frames on, keeps them until they are accepted, and sends again what is asked for.

    Inputs   complex64 streams, frames of equal numbers, whatever they hold (pilots too)
    Outputs  the same frames, and repeats of them with the attempt in their numbers
             (semcom.protocol.frames); all streams of a frame are repeated together
    Message port ``answers``: what came over the return link, see return_link

    It ends when its input has ended and all frames are accepted or given up.  ``frames`` counts
    those that were new, ``repeats`` what was sent again, ``repeated_symbols`` its symbols on the
    last stream.  Streams are waited for in their order: one that another block makes of a stream
    beside it comes behind that, so that frames of any length pass.

    streams   how many: those of all terminals, which share one time on an aligned uplink
    attempts  most transmissions of a frame
    window    most frames under way, from the oldest number to the newest; while as many are, no new
              one is taken
    timeout   [s] after which what was not answered is sent again; 0: never
    overdue   called with the number of what was sent last, of window 1, while its answer has not
              come; True: it will not come.  For radios whose time goes on with the samples
    """

    def __init__(self, streams=1, attempts=3, window=WINDOW, timeout=0.0, overdue=None):
        FrameBlock.__init__(self, "repeater", [np.complex64] * streams, [np.complex64] * streams)
        self.attempts, self.window, self.timeout = attempts, window, timeout or math.inf
        self.overdue, self._last, self._was_overdue = overdue, None, False
        self._reset()
        self.message_port_register_in(ANSWERS)
        self.set_msg_handler(ANSWERS, self._on_answer)

    def start(self) -> bool:
        self._reset()
        return FrameBlock.start(self)

    def _reset(self) -> None:
        self.sender = Sender(self.attempts, self.window, self.timeout)
        self._last, self._was_overdue = None, False
        self.frames = self.repeats = 0
        self.repeated_symbols = 0  # of the last stream

    @guarded
    def _on_answer(self, message):
        self.sender.answer(Answer.from_dict(pmt.to_python(message)), time.monotonic())

    def forecast(self, noutput_items, ninputs):
        """While frames are under way no input is required: a block that requires what will not
        come any more is ended."""
        if self.sender.open:
            return [0] * ninputs
        return FrameBlock.forecast(self, noutput_items, ninputs)

    def advance(self, input_items):
        self._read(input_items)
        self._look_at_last()
        if due := self.sender.next_due(time.monotonic()):
            of, arrays = due
            self.repeats += 1
            self.repeated_symbols += len(arrays[-1])
            self._last, self._was_overdue = of, False
            return [(of.number, *arrays)]
        results = []
        while self.sender.has_room and (frames := self.next_frames()):
            arrays = [frame.items for frame in frames]
            of = FrameId.of(frames[0].number)
            self.sender.sent(of, arrays, time.monotonic())
            self._last, self._was_overdue = of, False
            self.frames += of.fragment == 0
            results.append((frames[0].number, *arrays))
        if not results and self.sender.open:
            time.sleep(NAP_S)
        return results

    def _look_at_last(self) -> None:
        """Two looks, between which an answer that has come is taken in."""
        if not (self.overdue and self.sender.open):
            return
        if self._was_overdue:
            self.sender.answer(Answer(whole(self._last), LOST))
            self._was_overdue = False
        else:
            self._was_overdue = self.overdue(self._last.number)
