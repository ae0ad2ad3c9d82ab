# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A block with the receiver's channel and semantic decoders."""

import numpy as np
import pmt
import torch

from ..phy.csi import expand_no_eff
from ..protocol import fragments
from ..protocol.frames import FrameId
from ..protocol.retransmission import AGAIN, WINDOW, Answer, Receiver, whole
from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM
from .system_block import SystemBlock

ANSWERS = pmt.intern("answers")
JUDGEMENT = pmt.intern("judgement")


def noise_of(frame, streams: int) -> torch.Tensor:
    """Effective noise variance of each symbol of a frame, [K, n] float32, from its ``csi`` tag.

    Zero without a tag (a receiver without channel estimation).
    """
    length = len(frame.items)
    if frame.csi is None:
        return torch.zeros(streams, length)
    return torch.from_numpy(expand_no_eff(frame.csi, length))


class semantic_decoder(SystemBlock):
    """Decodes detected symbols to the outcome of each frame.

    Inputs    K complex64 streams, frames of symbols with one ``csi`` tag each on input 0
    Output 0  items of the system's outcome, frames of the same numbers: of the task events
              float32 vectors of C probabilities, one for each second
    Message port ``answers``: with ``attempts`` above 1 or fragments, for each transmission a dict
        with ``frame``, ``fragment``, ``fragments``, ``attempt`` and ``verdict`` (accepted, again)
    Message port ``judgement``: for each outcome a dict with ``frame``, ``share`` (expected share of
        correct items, System.judged) and the system's further keys (System.told): of digital
        ``blocks`` (received ones), ``symbols`` and ``media``.  Computed only while the port is
        connected

    system      name in the registry
    checkpoint  name or file of the weights; '' is those shipped for the synthetic set
    device      Torch device: cpu, cuda, ...
    attempts    most transmissions of a frame; above 1 its attempts are combined symbol by symbol,
                and its outcome is put out when it is accepted: when its expected share of correct
                items reaches ``ask_below``, or at the last attempt
    ask_below   expected share of correct items (System.judged), 0 to 1, below which a repetition is
                requested
    window      most unanswered frames of the sender, see repeater
    max_batch   most frames that are decoded together

    Fragments are joined first; the system gets missing fragments of an abandoned frame as unknown.
    ``transmissions`` counts received frames or fragments, ``answers`` the answers.
    """

    def __init__(
        self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", attempts=1, ask_below=0.9,
        window=WINDOW, max_batch=16,
    ):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        SystemBlock.__init__(
            self,
            "semantic_decoder",
            [np.complex64] * len(net.topology),
            [net.outcome_item],
            system,
            checkpoint,
            device,
            max_batch,
        )
        self.ask_below = ask_below
        self.combined = Receiver(attempts, window)
        self.transmissions = self.answers = 0
        self.message_port_register_out(ANSWERS)
        self.message_port_register_out(JUDGEMENT)

    def start(self) -> bool:
        self.combined = Receiver(self.combined.attempts, self.combined.window)
        self.transmissions = self.answers = 0
        return SystemBlock.start(self)

    def process(self, batch):
        """Outcomes of a batch; with repetitions or fragments those of the frames that are
        accepted."""
        in_parts = any(FrameId.of(frames[0].number).fragments > 1 for frames in batch)
        if self.combined.attempts == 1 and not in_parts:
            return SystemBlock.process(self, batch)
        results = []
        with self._swap, torch.inference_mode():
            for run in apart(batch):
                results += self._combine(run)
                self.transmissions += len(run)
        return results

    def leftovers(self) -> list:
        """(frame number, outcome) of the frames that were not accepted when the flowgraph ended."""
        with self._swap, torch.inference_mode():
            return self._as_they_are(self.combined.abandoned(over=True))

    def infer(self, run):
        """Outcomes of a batch, arrays [items, ...], in the only list of outputs; publishes
        judgements if anything listens."""
        streams = len(self.net.topology)
        ports = [self.stack(run, port) for port in range(streams)]
        noise = [noise_of(frames[0], streams).to(self.device) for frames in run]
        if self.net.ragged:
            symbols = [torch.stack(frame) for frame in zip(*ports, strict=True)]
        else:
            symbols, noise = torch.stack(ports, 1), per_frame(noise)
        if self.is_heard(JUDGEMENT):
            numbers = [frames[0].number for frames in run]
            outcomes, _ = self._judged(numbers, symbols, noise)
        else:
            outcomes = self.net.outcome(symbols, noise)
        return [[items.cpu().numpy() for items in outcomes]]

    def _judged(self, numbers: list, symbols, noise) -> tuple:
        """Outcomes and expected shares of correct items of frames; publishes the judgements."""
        if not self.is_heard(JUDGEMENT):
            return self.net.judged(symbols, noise)
        outcomes, shares, known = self.net.told(symbols, noise)
        for number, share, more in zip(numbers, shares.tolist(), known, strict=True):
            told = {"frame": number, "share": share, **more}
            self.message_port_pub(JUDGEMENT, pmt.to_pmt(told))
        return outcomes, shares

    def _combine(self, run: list) -> list:
        """(frame number, outcome) of the frames that the transmissions in ``run`` complete."""
        streams, ready = len(self.net.topology), []
        for frames in run:
            of = FrameId.of(frames[0].number)
            if not self.combined.wants(of):
                self._publish(self.combined.judge(of, good=True))
                continue
            symbols = np.stack([frame.items for frame in frames])
            noise = noise_of(frames[0], streams).numpy()
            parts = self.combined.take(of, symbols, noise)
            gaps = fragments.missing(parts, of.fragments)
            if not gaps:
                ready.append((whole(of), *fragments.join(parts, of.fragments)))
            elif of.fragment == of.fragments - 1:
                for gap in gaps:
                    lost = FrameId(of.frame, gap, of.fragments, of.attempt)
                    self._publish(Answer(lost, AGAIN))
        results = self._as_they_are(self.combined.abandoned())
        for of, items, share in self._decode(ready):
            answer = self.combined.judge(of, share >= self.ask_below)
            self._publish(answer)
            if answer.verdict != AGAIN:
                results.append((of.frame, items))
        return results

    def _as_they_are(self, abandoned: list) -> list:
        """(frame number, outcome) of abandoned frames from the fragments that came."""
        left = [(of, *fragments.join(parts, of.fragments)) for of, parts in abandoned]
        return [(of.frame, items) for of, items, _ in self._decode(left)]

    def _decode(self, frames: list) -> list:
        """Frames (id, symbols, noise) -> (id, items of the outcome, expected share of correct
        items)."""
        return [item for group in equal_lengths(frames) for item in self._decode_equal(group)]

    def _decode_equal(self, group: list) -> list:
        ids, symbols, noise = zip(*group, strict=True)
        symbols = [torch.from_numpy(each).to(self.device) for each in symbols]
        noise = [torch.from_numpy(each).to(self.device) for each in noise]
        if not self.net.ragged:
            symbols, noise = torch.stack(symbols), per_frame(noise)
        numbers = [of.frame for of in ids]
        outcomes, confidence = self._judged(numbers, symbols, noise)
        items = [each.cpu().numpy() for each in outcomes]
        return list(zip(ids, items, confidence.tolist(), strict=True))

    def _publish(self, answer: Answer) -> None:
        self.message_port_pub(ANSWERS, pmt.to_pmt(answer.as_dict()))
        self.answers += 1


def per_frame(noise: list) -> torch.Tensor:
    """Noise [K, n] of B frames -> [B, K, n], or [B, K] if it is constant within each frame."""
    noise = torch.stack(noise)
    return noise[..., 0] if (noise == noise[..., :1]).all() else noise


def apart(batch: list) -> list:
    """Cut a batch into runs in which no frame occurs twice."""
    runs, seen = [[]], set()
    for frames in batch:
        frame = FrameId.of(frames[0].number).frame
        if frame in seen:
            runs.append([])
            seen.clear()
        seen.add(frame)
        runs[-1].append(frames)
    return runs


def equal_lengths(ready: list) -> list:
    """Frames (id, symbols, noise) in runs of one length."""
    runs = []
    for item in ready:
        if not runs or runs[-1][0][1].shape != item[1].shape:
            runs.append([])
        runs[-1].append(item)
    return runs
