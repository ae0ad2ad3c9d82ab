# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The sender's block for automatic repeat requests (ARQ)."""

import math
import time

import numpy as np
import pmt

from ..protocol.frames import FrameId
from ..protocol.retransmission import LOST, WINDOW, Answer, Sender, whole
from .frame_block import FrameBlock
from .guard import guarded

ANSWERS = pmt.intern("answers")
NAP_S = 0.001  # [s] between two checks for answers, without other work


class repeater(FrameBlock):
    """Passes frames on, keeps them until they are accepted, and repeats them at request.

    Inputs   complex64 streams, frames of equal numbers, with or without pilots
    Outputs  the same frames, and their repetitions, with the attempt in the frame number
             (semcom.protocol.frames); all streams of a frame are repeated together
    Message port ``answers``: answers from the return link, see return_link

    It ends when its input has ended and all frames are accepted or given up.  ``frames`` counts
    new frames, ``repeats`` repetitions, ``repeated_symbols`` the symbols of the repetitions on the
    last stream.  Inputs are read in their order: a stream that another block makes from one of the
    others has to come after that one, so that frames of any length pass.

    streams   number of streams: those of all terminals, which send at once on an aligned uplink
    attempts  most transmissions of a frame
    window    most unanswered frames, from the oldest number to the latest; no new frame is read
              while there are as many
    timeout   [s] time without an answer after which a frame is repeated; 0: never
    overdue   function of the number of the latest frame, for window 1, called while its answer is
              missing; True: the answer will not come.  For radios whose time advances with the
              samples
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
        self.repeated_symbols = 0  # on the last stream

    @guarded
    def _on_answer(self, message):
        self.sender.answer(Answer.from_dict(pmt.to_python(message)), time.monotonic())

    def forecast(self, noutput_items, ninputs):
        """Asks for no input while answers are missing: GNU Radio ends a block that asks for input
        after its input has ended."""
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
        """Give the latest frame up if its answer is overdue twice: an answer that has come is read
        in between."""
        if not (self.overdue and self.sender.open):
            return
        if self._was_overdue:
            self.sender.answer(Answer(whole(self._last), LOST))
            self._was_overdue = False
        else:
            self._was_overdue = self.overdue(self._last.number)
