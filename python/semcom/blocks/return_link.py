# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The simulated return link, which carries the receiver's answers to the terminals."""

import numpy as np
import pmt
import torch
from gnuradio import gr

from .. import core
from ..chain.link import TorchLink
from ..phy.channel import RETURN
from ..phy.framing import frame_length
from ..protocol import mock_presets as presets
from ..protocol.burst import BurstFormat
from ..protocol.retransmission import LOST, ON_AIR, Answer
from ..systems.registry import DEFAULT_SYSTEM
from ..systems.registry import system as entry_of
from .guard import guarded

ANSWERS = pmt.intern("answers")
SILENCE_S = 0.02  # [s] before and after a mock burst: longer than a terminal's start and search
SEED_STEP = 0x9E3779B97F4A7C15  # between the seeds of the mock radios of successive answers


class _ReturnLink(gr.basic_block):
    """Base of the simulated return links: each answer is sent by itself.

    Subclasses define ``carry(answer)``, which returns the answers that are received when one is
    sent, and ``symbols_each``, the number of symbols of one.
    """

    symbols_each: int

    def __init__(self, name: str):
        gr.basic_block.__init__(self, name, [], [])
        self.answers = self.lost = 0
        self.message_port_register_in(ANSWERS)
        self.message_port_register_out(ANSWERS)
        self.set_msg_handler(ANSWERS, self._on_answer)

    def start(self) -> bool:
        self.answers = self.lost = 0
        return True

    @property
    def symbols(self) -> int:
        """Number of symbols of all answers."""
        return self.answers * self.symbols_each

    @guarded
    def _on_answer(self, message):
        answer = Answer.from_dict(pmt.to_python(message))
        if answer.verdict not in ON_AIR:
            raise ValueError(f"answer {answer.verdict!r}: expected {' or '.join(ON_AIR)}")
        heard = self.carry(answer)
        if answer not in heard:
            self.lost += 1
            heard = [*heard, Answer(answer.of, LOST)]
        for each in heard:
            self.message_port_pub(ANSWERS, pmt.to_pmt(each.as_dict()))
        self.answers += 1


class return_link(_ReturnLink):
    """Carries the receiver's answers to the terminals over a simulated 1 x 1 channel.

    Message port ``answers`` (in)   from semantic_decoder
    Message port ``answers`` (out)  received answers, the same dicts; one with the verdict ``lost``
        for each answer that is lost.  It stands for a time-out; as a message, it makes runs
        independent of the scheduler

    Each answer is sent as the header of a burst (version 2, 150 symbols, once) after pilots, and is
    decoded with the channel estimated from them.  ``answers`` counts sent answers, ``lost`` lost
    ones, ``symbols`` their symbols with pilots.

    system          name in the registry, whose number the headers carry
    model           channel model: none, awgn, rayleigh, rician or rician_rank1
    snr_db          [dB] SNR of the return link
    rician_k        Rician K factor, linear
    doppler         [cycles per symbol] Doppler frequency; 0: constant channel within an answer
    gain_db         [dB] gain of the terminal's receiver, which it does not know
    seed            seed of all random numbers
    pilot_kind      pilot sequences: hadamard, zadoff_chu or encoded_sine
    pilot_length    [symbols] length of a pilot row
    pilot_boost_db  [dB] power of the pilots above that of the symbols
    pilot_spacing   [symbols] between pilot rows; 0: one row in front
    csi             channel estimator, see ls_estimator_cc; "none" means ls, and detector zf
    detector        detector: zf or lmmse; "none" means zf, and estimator ls
    interpolation   interpolation of the channel between spaced pilots: nearest or linear
    """

    def __init__(self, system=DEFAULT_SYSTEM, model="rayleigh", snr_db=10.0, rician_k=4.0,
                 doppler=0.0, gain_db=0.0, seed=0, pilot_kind="hadamard", pilot_length=32,
                 pilot_boost_db=0.0, pilot_spacing=0, csi="ls", detector="zf",
                 interpolation="nearest"):  # fmt: skip
        _ReturnLink.__init__(self, "return_link")
        if "none" in (csi, detector):
            csi, detector = "ls", "zf"
        self.link = TorchLink(
            model, csi, detector, pilot_kind=pilot_kind, pilot_length=pilot_length,
            pilot_boost_db=pilot_boost_db, spacing=pilot_spacing, interpolation=interpolation,
            num_rx=1, rician_k=rician_k, doppler=doppler, gain_db=gain_db, seed=seed,
        )  # fmt: skip
        self.system, self.snr_db = entry_of(system).number, snr_db
        self.symbols_each = answer_symbols(pilot_length, pilot_spacing)

    def set_snr_db(self, snr_db):
        """Sets the SNR [dB] of the return link."""
        self.snr_db = snr_db

    def carry(self, answer: Answer) -> list:
        """The answers that are received when ``answer`` is sent."""
        symbols = torch.from_numpy(core.encode_header(answer.header(self.system), 1))
        snr = torch.tensor([float(self.snr_db)])
        frame = torch.tensor([answer.of.number])
        with torch.inference_mode():
            detected, _ = self.link.transfer(symbols[None, None], snr, frame, link=RETURN, num_rx=1)
        header = core.decode_header(detected[0, 0].numpy(), 1)
        heard = Answer.from_header(header, self.system)
        return [] if heard is None else [heard]


def answer_symbols(pilot_length: int, pilot_spacing: int) -> int:
    """Number of symbols of an answer, with its pilots."""
    return frame_length(core.HEADER_SYMBOLS, pilot_length, pilot_spacing)


class mock_return(_ReturnLink):
    """The return link of a mock radio, by messages, since streams in a flowgraph cannot form a
    loop.

    Message port ``answers`` (in)   from semantic_decoder
    Message port ``answers`` (out)  received answers; one with the verdict ``lost`` for each answer
        that is lost

    Each answer is a burst from the receiver's device to the terminal's antenna over a mock radio of
    its own, received by frame synchronisation: equal seeds give equal results.  ``answers`` counts
    sent answers, ``lost`` lost ones, ``symbols`` their symbols.

    plan    burst format of both ends (semcom.protocol.burst.BurstFormat)
    system  number of the semantic system in the headers
    preset  name of a preset of the mock radio, or path of a JSON file
    snr_db  [dB] SNR of the samples at the terminal's antenna
    seed    seed of all random numbers
    """

    def __init__(self, plan: BurstFormat, system: int, preset="indoor", snr_db=10.0, seed=0):
        _ReturnLink.__init__(self, "mock_return")
        self.plan, self.system = plan, system
        self.preset, self.snr_db, self.seed = presets.load(preset), snr_db, seed
        self.symbols_each = plan.answer_length()

    def carry(self, answer: Answer) -> list:
        """The answers that are received when ``answer`` is sent."""
        plan = self.plan
        seed = (self.seed + SEED_STEP * (answer.of.number + 1)) % 2**64
        radio = core.mock_radio(self._settings(seed), {presets.SIDELINK})
        silence = np.zeros(round(SILENCE_S * plan.sample_rate), np.complex64)
        burst = np.concatenate([silence, plan.answer(answer, self.system), silence])
        receiver = core.BurstReceiver(
            plan.layout(1, core.RETURN_CODE), [np.array(plan.rows(1)[0], np.complex64)],
            num_rx=1, pulse=plan.pulse, max_payload=1,
        )  # fmt: skip
        while len(burst):
            burst = burst[radio.push(0, burst) :]
            while (samples := radio.pull(presets.SIDELINK, 1 << 16)).shape[-1]:
                receiver.push(samples.reshape(1, -1))
        receiver.finish()
        heard = [Answer.from_header(burst.header, self.system) for burst in receiver.take()]
        return [each for each in heard if each is not None]

    def _settings(self, seed: int):
        """Settings of a mock radio in which the receiver's device sends and the terminal's
        receives."""
        return presets.return_settings(
            presets.settings(self.preset, self.plan.sample_rate, self.snr_db, None, self.seed),
            seed,
        )
