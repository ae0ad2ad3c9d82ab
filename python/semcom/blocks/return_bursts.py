# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The return link of radios: the receiver's answers as bursts on a carrier of their own.

With a second carrier (FDD) an answer is sent as soon as it is known and needs no time slot.
"""

from collections import deque

import numpy as np
import pmt
from gnuradio import blocks, gr

from .. import core, frame_sync_cc
from ..protocol.burst import BurstFormat
from ..protocol.retransmission import Answer
from .device_time import mark_burst
from .frame_block import FrameBlock
from .guard import guarded

ANSWERS = pmt.intern("answers")
BURSTS = pmt.intern("bursts")
HEADER = ("frame", "terminal", "length", "system", "fragment", "fragments", "attempt")
WAITING = 256  # most answers that wait to be sent; further ones replace the oldest


class answer_transmitter(FrameBlock):
    """Sends the receiver's answers as bursts.

    Message port ``answers``: from semantic_decoder
    Output 0  complex64 samples of unit mean power during a burst, with tx_sob, tx_length and
              tx_eob; without a time: a burst is sent as soon as it comes

    plan    burst format of both ends (semcom.protocol.burst.BurstFormat)
    system  number of the semantic system in the headers

    ``sent`` counts the bursts, ``dropped`` the answers that were dropped since 256 others waited.
    """

    def __init__(self, plan: BurstFormat, system: int):
        FrameBlock.__init__(self, "answer_transmitter", [], [np.complex64])
        self.plan, self.system = plan, system
        self._waiting, self.sent, self.dropped = deque(), 0, 0
        self.message_port_register_in(ANSWERS)
        self.set_msg_handler(ANSWERS, self._on_answer)

    @guarded
    def _on_answer(self, message):
        self._waiting.append(Answer.from_dict(pmt.to_python(message)))
        if len(self._waiting) > WAITING:
            self._waiting.popleft()
            self.dropped += 1

    def advance(self, input_items):
        if not self._waiting:
            return []
        answer = self._waiting.popleft()
        self.sent += 1
        return [(answer.of.number, self.plan.answer(answer, self.system))]

    def open_frame(self, port, at, number, length):
        mark_burst(self, port, at, length)


class _AnswerReader(gr.basic_block):
    """Reads answers from the reports of frame_sync_cc."""

    def __init__(self, system: int):
        gr.basic_block.__init__(self, "answer_reader", [], [])
        self.system, self.heard = system, 0
        self.message_port_register_in(BURSTS)
        self.message_port_register_out(ANSWERS)
        self.set_msg_handler(BURSTS, self._on_burst)

    @guarded
    def _on_burst(self, message):
        told = pmt.to_python(message)
        header = core.FrameHeader(**{name: int(told[name]) for name in HEADER})
        answer = Answer.from_header(header, self.system)
        if answer is not None:
            self.heard += 1
            self.message_port_pub(ANSWERS, pmt.to_pmt(answer.as_dict()))


class answer_receiver(gr.hier_block2):
    """Receives the receiver's answers from the samples of a terminal's antenna.

    Input 0   complex64 samples
    The block ``reader`` has the message port ``answers``, for a repeater.

    plan    burst format of both ends (semcom.protocol.burst.BurstFormat)
    system  number of the semantic system in the headers
    """

    def __init__(self, plan: BurstFormat, system: int):
        c64 = gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self, "answer_receiver", gr.io_signature(1, 1, c64), gr.io_signature(0, 0, 0)
        )
        self.sync = frame_sync_cc(
            1, plan.rows(1), plan.sample_rate, plan.sps, plan.pilot_spacing, "zf",
            core.RETURN_CODE, system, [1], 1,
        )  # fmt: skip
        self.reader = _AnswerReader(system)
        self.connect((self, 0), self.sync, blocks.null_sink(c64))
        self.msg_connect(self.sync, "bursts", self.reader, "bursts")
