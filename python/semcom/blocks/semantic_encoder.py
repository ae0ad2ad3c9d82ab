# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A block with a terminal's semantic and channel encoder."""

import time

import numpy as np
import pmt

from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM
from .system_block import SystemBlock

ATTENTION = pmt.intern("attention")


class semantic_encoder(SystemBlock):
    """Encodes a terminal's items, and detected sidelink frames, as complex symbols.

    Input 0     items of the terminal (float32 vectors of features, bytes of text, ...), a frame per
                clip
    Inputs 1..  complex64, detected sidelink frames, one input for each terminal to which this one
                listens
    Output 0    complex64, frames of symbols of unit average power, segment after segment; with
                ``aligned``, padded with zeros to the length of the longest terminal's frame

    A clip is encoded without its sidelink frame if that is missing: its number was skipped, it is
    ``sidelink_timeout`` late, or ``go_without(number)`` is true.  ``unguided`` counts these clips.
    A sidelink frame that comes after its clip was sent is dropped; ``late`` counts these.

    Message port ``attention``: a dict per frame with ``frame``, ``grid`` (T, h, w) and ``heat``,
    T*h*w numbers: the attention of each cell, relative to the largest of its second.  Computed only
    while the port is connected, by systems that have attention.  After :meth:`watch` it is also
    kept in the dict ``attention``, by frame, for use after the run, since messages may be lost at
    its end.

    system            name in the registry
    terminal          name in the system's topology
    checkpoint        name or file of the weights; '' is those shipped for the synthetic set
    device            Torch device: cpu, cuda, ...
    sidelink_timeout  [s] time to wait for a sidelink frame; 0: for ever
    go_without        function of a frame's number: whether to encode it without its sidelink frame;
                      None: only the time-out decides
    aligned           pad to the length of the longest terminal's frame, for the aligned uplink
    max_batch         most frames that are encoded together
    """

    def __init__(
        self, system=DEFAULT_SYSTEM, terminal="audio", checkpoint="", device="cpu",
        sidelink_timeout=0.0, go_without=None, aligned=True, max_batch=16,
    ):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        place = net.topology.terminal(terminal)
        self.terminal, self.hears, self.aligned = terminal, place.hears, aligned
        self.sidelink_timeout, self.go_without = sidelink_timeout, go_without
        self.unguided = self.late = 0
        self.attention = None
        self.frames = self.symbols = 0  # numbers sent
        self._waiting_since = None
        SystemBlock.__init__(
            self,
            f"{terminal}_semantic_encoder",
            [net.item(terminal)] + [np.complex64] * len(self.hears),
            [np.complex64],
            system,
            checkpoint,
            device,
            max_batch,
        )
        self.message_port_register_out(ATTENTION)

    def watch(self) -> None:
        """Keep the attention of each frame from now on, [T, h, w] float32, 0 to 1."""
        self.attention = {}

    def _may_go_without(self) -> bool:
        return bool(self.hears and (self.sidelink_timeout or self.go_without))

    def forecast(self, noutput_items, ninputs):
        """If a clip may be encoded without its sidelink frame, no sidelink input is asked for: the
        block has to run while a clip waits."""
        required = SystemBlock.forecast(self, noutput_items, ninputs)
        if self._may_go_without():
            required[1:] = [0] * (ninputs - 1)
        return required

    def match(self):
        """Up to ``max_batch`` clips, each with its frame of every sidelink, or None where it goes
        without one; older sidelink frames are dropped and counted as ``late``."""
        if not self.hears:
            return SystemBlock.match(self)
        clips, *heard = (box.ready for box in self.inboxes)
        batch = []
        while clips and len(batch) < self.max_batch:
            number = clips[0].number
            for link in heard:
                self._drop_late(link, number)
            if not all(heard) and not self._gives_up(number):
                break
            frames = [
                link.popleft() if link and link[0].number == number else None for link in heard
            ]
            batch.append((clips.popleft(), *frames))
            self._waiting_since = None
        self.unguided += sum(None in frames for frames in batch)
        if clips and not batch and self._may_go_without():
            time.sleep(0.002)  # polled: GNU Radio wakes a waiting block only for input
        return batch

    def _drop_late(self, link, number: int) -> None:
        while len(link) > 1 and link[1].number < link[0].number:
            link.popleft()  # the other terminal was restarted, or a number was wrong
            self.late += 1
        while link and link[0].number < number:
            link.popleft()
            self.late += 1

    def _gives_up(self, number: int) -> bool:
        return self._timed_out() or bool(self.go_without and self.go_without(number))

    def _timed_out(self) -> bool:
        if not self.sidelink_timeout:
            return False
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._waiting_since > self.sidelink_timeout

    def infer(self, run):
        """Encoded symbols [n] complex64 of the clips of a batch, in the only list of outputs;
        publishes the attention if anything listens."""
        taken, heard = self.stack(run, 0), {}
        for port, sender in enumerate(self.hears, 1):
            heard[sender] = self._heard(run, port, sender)
        listens = self.is_heard(ATTENTION) or self.attention is not None
        if listens and self.terminal in self.net.looking:
            self._tell([frames[0].number for frames in run], self.net.look(taken, heard))
        sent = self.net.send(self.terminal, taken, heard)
        self.frames += len(sent)
        self.symbols += sum(len(symbols) for symbols in sent)
        return [[self._filled(symbols, len(run[0][0].items)) for symbols in sent]]

    def _heard(self, run: list, port: int, sender: str):
        """Sidelink symbols [B, n] of some frames, without the sender's padding; None: lost."""
        if run[0][port] is None:
            return None
        symbols = self.stack(run, port)
        if self.net.ragged:
            return symbols
        return symbols[:, : self.net.payload(sender, len(run[0][0].items))]

    def _filled(self, symbols, items: int) -> np.ndarray:
        """A frame's symbols, padded with zeros to the length of the longest terminal's frame."""
        symbols, topology = symbols.cpu().numpy(), self.net.topology
        if not self.aligned or len(topology) == 1:
            return symbols
        longest = max(self.net.payload(name, items) for name in topology.names)
        return np.pad(symbols, (0, longest - len(symbols))) if longest > len(symbols) else symbols

    def _tell(self, numbers: list, attention) -> None:
        """Publish the attention [B, T, h, w] of the frames ``numbers``."""
        heat = attention / attention.amax((2, 3), keepdim=True)
        grid = list(attention.shape[1:])
        for number, shares in zip(numbers, heat.cpu().numpy(), strict=True):
            if self.attention is not None:
                self.attention[number] = shares
            told = {"frame": number, "grid": grid, "heat": shares.astype(float).ravel().tolist()}
            self.message_port_pub(ATTENTION, pmt.to_pmt(told))
