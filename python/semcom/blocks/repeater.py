# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The sender's part of automatic repeat, and the link on which the receiver's answers come."""

import time

import numpy as np
import pmt
import torch
from gnuradio import gr

from .. import core
from ..chain.link import TorchLink
from ..phy.channel import RETURN
from ..phy.framing import frame_length
from ..protocol.frames import FrameId
from ..protocol.retransmission import LOST, ON_AIR, WINDOW, Answer, Sender
from ..systems.registry import DEFAULT_SYSTEM
from ..systems.registry import system as entry_of
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

    It ends when its input has ended and all frames are accepted or given up.

    streams   how many: those of all terminals, which share one time on an aligned uplink
    attempts  most transmissions of a frame
    window    most frames under way; while as many are, no new one is taken
    """

    def __init__(self, streams=1, attempts=3, window=WINDOW):
        FrameBlock.__init__(self, "repeater", [np.complex64] * streams, [np.complex64] * streams)
        self.attempts, self.window = attempts, window
        self._reset()
        self.message_port_register_in(ANSWERS)
        self.set_msg_handler(ANSWERS, self._on_answer)

    def start(self) -> bool:
        self._reset()
        return FrameBlock.start(self)

    def _reset(self) -> None:
        self.sender = Sender(self.attempts, self.window)
        self.frames = self.repeated_symbols = 0  # new frames; [symbols] of repeats on stream 0

    @guarded
    def _on_answer(self, message):
        self.sender.answer(Answer.from_dict(pmt.to_python(message)))

    def forecast(self, noutput_items, ninputs):
        """While frames are under way no input is required: a block that requires what will not
        come any more is ended."""
        if self.sender.open:
            return [0] * ninputs
        return FrameBlock.forecast(self, noutput_items, ninputs)

    def advance(self, input_items):
        self._read(input_items)
        if due := self.sender.next_due():
            of, arrays = due
            self.repeated_symbols += len(arrays[0])
            return [(of.number, *arrays)]
        results = []
        while self.sender.has_room and (frames := self.next_frames()):
            arrays = [frame.items for frame in frames]
            self.sender.sent(FrameId.of(frames[0].number), arrays)
            self.frames += 1
            results.append((frames[0].number, *arrays))
        if not results and self.sender.open:
            time.sleep(NAP_S)
        return results


class return_link(gr.basic_block):
    """The receiver's answers over a 1 x 1 channel to the terminals.

    Message port ``answers`` (in)   of semantic_decoder
    Message port ``answers`` (out)  what a terminal hears, the same dicts; one of the verdict
        ``lost`` for each answer that does not come: a time-out, which here is an event and no
        time, so that no scheduler changes what happens

    Each answer is sent as the header of a burst (version 2, 150 symbols, once) behind pilots, and
    decoded with the channel estimated from them.  ``answers`` counts those sent, ``lost`` those
    that did not come, ``symbols`` what they took, pilots and all.

    system         name in the registry, whose number the headers carry
    model, snr_db, rician_k, doppler, gain_db, seed  of the channel: see simulated_channel
    pilot_kind, pilot_length, pilot_boost_db, pilot_spacing, csi, detector, interpolation
                   see terminal; without an estimator (csi none) it has ls and zf
    """

    def __init__(self, system=DEFAULT_SYSTEM, model="rayleigh", snr_db=10.0, rician_k=4.0,
                 doppler=0.0, gain_db=0.0, seed=0, pilot_kind="hadamard", pilot_length=32,
                 pilot_boost_db=0.0, pilot_spacing=0, csi="ls", detector="zf",
                 interpolation="nearest"):  # fmt: skip
        gr.basic_block.__init__(self, "return_link", [], [])
        if "none" in (csi, detector):
            csi, detector = "ls", "zf"
        self.link = TorchLink(
            model, csi, detector, pilot_kind=pilot_kind, pilot_length=pilot_length,
            pilot_boost_db=pilot_boost_db, spacing=pilot_spacing, interpolation=interpolation,
            num_rx=1, rician_k=rician_k, doppler=doppler, gain_db=gain_db, seed=seed,
        )  # fmt: skip
        self.system, self.snr_db = entry_of(system).number, snr_db
        self._length = frame_length(core.HEADER_SYMBOLS, pilot_length, pilot_spacing)
        self.answers = self.lost = 0
        self.message_port_register_in(ANSWERS)
        self.message_port_register_out(ANSWERS)
        self.set_msg_handler(ANSWERS, self._on_answer)

    @property
    def symbols(self) -> int:
        """[symbols] that all answers took."""
        return self.answers * self._length

    def set_snr_db(self, snr_db):
        """SNR [dB] of the return link."""
        self.snr_db = snr_db

    @guarded
    def _on_answer(self, message):
        answer = Answer.from_dict(pmt.to_python(message))
        if answer.verdict not in ON_AIR:
            raise ValueError(f"answer {answer.verdict!r}: {' or '.join(ON_AIR)} expected")
        heard = self._carry(answer)
        self.answers += 1
        if heard is not None:
            self._publish(heard)
        if heard != answer:
            self.lost += 1
            self._publish(Answer(answer.of, LOST))

    def _publish(self, answer: Answer) -> None:
        self.message_port_pub(ANSWERS, pmt.to_pmt(answer.as_dict()))

    def _carry(self, answer: Answer) -> Answer | None:
        """What is heard of an answer."""
        symbols = torch.from_numpy(core.encode_header(answer.header(self.system), 1))
        snr = torch.tensor([float(self.snr_db)])
        frame = torch.tensor([answer.of.number])
        with torch.inference_mode():
            detected, _ = self.link.transfer(symbols[None, None], snr, frame, link=RETURN, num_rx=1)
        header = core.decode_header(detected[0, 0].numpy(), 1)
        return Answer.from_header(header, self.system)
