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
SILENCE_S = 0.02  # [s] before and after a mock burst: more than a terminal's start, and the search
SEED_STEP = 0x9E3779B97F4A7C15  # to another mock radio for each answer


class _ReturnLink(gr.basic_block):
    """Carries each answer by itself, and says what came of it.

    Subclasses define ``carry(answer)``, the answers that are heard when one is sent, and
    ``symbols_each``, what one takes.
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
        """[symbols] that all answers took."""
        return self.answers * self.symbols_each

    @guarded
    def _on_answer(self, message):
        answer = Answer.from_dict(pmt.to_python(message))
        if answer.verdict not in ON_AIR:
            raise ValueError(f"answer {answer.verdict!r}: {' or '.join(ON_AIR)} expected")
        heard = self.carry(answer)
        if answer not in heard:
            self.lost += 1
            heard = [*heard, Answer(answer.of, LOST)]
        for each in heard:
            self.message_port_pub(ANSWERS, pmt.to_pmt(each.as_dict()))
        self.answers += 1


class return_link(_ReturnLink):
    """Carries the receiver's answers to the terminals over a simulated 1 x 1 channel.

    Message port ``answers`` (in)   of semantic_decoder
    Message port ``answers`` (out)  what a terminal hears, the same dicts; one of the verdict
        ``lost`` for each answer that does not come: a time-out, which here is an event and no
        time, so that no scheduler changes what happens

    Each answer is sent as the header of a burst (version 2, 150 symbols, once) behind pilots, and
    decoded with the channel estimated from them.  ``answers`` counts those sent, ``lost`` those
    that did not come, ``symbols`` what they took, pilots and all.

    system          name in the registry, whose number the headers carry
    model           none, awgn, rayleigh, rician or rician_rank1
    snr_db          [dB] of the return link
    rician_k        K factor, linear
    doppler         [cycles per symbol]; 0: one fade an answer
    gain_db         [dB] of the terminal's receiver, unknown to it
    seed            of every draw
    pilot_kind      of the pilot rows: hadamard, zadoff_chu or encoded_sine
    pilot_length    [symbols] of a row
    pilot_boost_db  [dB] power of the pilots above that of the symbols
    pilot_spacing   [symbols] between pilot rows; 0: one row in front
    csi             estimator, see ls_estimator_cc; with none it is ls, and the detector zf
    detector        zf or lmmse; with none it is zf, and the estimator ls
    interpolation   of the channel between spaced pilots: nearest or linear
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
        """SNR [dB] of the return link."""
        self.snr_db = snr_db

    def carry(self, answer: Answer) -> list:
        """What is heard of an answer."""
        symbols = torch.from_numpy(core.encode_header(answer.header(self.system), 1))
        snr = torch.tensor([float(self.snr_db)])
        frame = torch.tensor([answer.of.number])
        with torch.inference_mode():
            detected, _ = self.link.transfer(symbols[None, None], snr, frame, link=RETURN, num_rx=1)
        header = core.decode_header(detected[0, 0].numpy(), 1)
        heard = Answer.from_header(header, self.system)
        return [] if heard is None else [heard]


def answer_symbols(pilot_length: int, pilot_spacing: int) -> int:
    """Symbols of an answer over a channel, its pilots with it."""
    return frame_length(core.HEADER_SYMBOLS, pilot_length, pilot_spacing)


class mock_return(_ReturnLink):
    """The return link of a mock radio, in a flowgraph whose streams can go in no circle.

    Message port ``answers`` (in)   of semantic_decoder
    Message port ``answers`` (out)  what the terminal hears; the verdict ``lost`` for each answer
        that does not come

    Each answer is a burst from the receiver's device over a mock radio of its own to the terminal's
    antenna, and is heard by a burst receiver: equal seeds, equal results.  ``answers`` counts those
    sent, ``lost`` those that did not come, ``symbols`` what they took.

    plan    what both ends agree on (semcom.protocol.burst.BurstFormat)
    system  number of the semantic system, for the headers
    preset  name of a preset of the mock radio, or path of a JSON file
    snr_db  [dB] of the samples at the terminal's antenna
    seed    of all that is random
    """

    def __init__(self, plan: BurstFormat, system: int, preset="indoor", snr_db=10.0, seed=0):
        _ReturnLink.__init__(self, "mock_return")
        self.plan, self.system = plan, system
        self.preset, self.snr_db, self.seed = presets.load(preset), snr_db, seed
        self.symbols_each = plan.answer_length()

    def carry(self, answer: Answer) -> list:
        """What is heard of an answer."""
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
        """A mock radio whose sender is the receiver's device, and who hears it the terminal's."""
        return presets.return_settings(
            presets.settings(self.preset, self.plan.sample_rate, self.snr_db, None, self.seed),
            seed,
        )
