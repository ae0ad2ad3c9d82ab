# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Measures a link: compares detected with sent symbols, and the estimated with the true channel."""

import threading

import numpy as np
from gnuradio import gr

from ..base.errors import SemcomError
from ..chain import metrics
from ..phy.csi import read
from .frame_block import FrameBlock


class _Tap(FrameBlock):
    """Hands the frames of one stream to ``collect(port, frame)``."""

    def __init__(self, port, collect):
        FrameBlock.__init__(self, f"link_meter_{port}", [np.complex64], [])
        self.port, self.collect = port, collect

    def process(self, batch):
        for (frame,) in batch:
            self.collect(self.port, frame)
        return []


class link_meter(gr.hier_block2):
    """Measures EVM, PAPR, channel NMSE and SNR of a run.

    Inputs 0..K-1   complex64, frames of sent symbols
    Inputs K..2K-1  complex64, the detected symbols of the same frames; ``csi`` tags on input K
    Input 2K        complex64, the same frames as the first antenna receives them, with pilots; the
                    ``csi_true`` tags of a simulated channel are read here (the estimation error is
                    measured where the channel is constant within a frame)

    ``report()`` returns the measures so far.  A frame counts once it has come on every input.  The
    sent symbols of a stream without an estimate in the CSI are neither waited for nor counted, as
    they may come at any time, or never.  Each input is a block of its own, so that no input stops
    another's sender.

    streams  number K of terminals that send
    """

    def __init__(self, streams=2):
        if streams < 1:
            raise SemcomError(f"streams {streams}: expected at least 1")
        ports = 2 * streams + 1
        signature = gr.io_signature(ports, ports, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "link_meter", signature, gr.io_signature(0, 0, 0))
        self.streams = streams
        self._lock, self._waiting = threading.Lock(), {}
        self._found = {}  # number -> result of _measure
        self.taps = [_Tap(port, self._collect) for port in range(ports)]
        for port, tap in enumerate(self.taps):
            self.connect((self, port), tap)

    def _collect(self, port: int, frame) -> None:
        with self._lock:
            frames = self._waiting.setdefault(frame.number, {})
            frames[port] = frame
            csi, known = self._state(frames)
            if known is None or any(k not in frames for k in known):
                return
            # frames come in order, so an earlier one that is incomplete was lost on some input
            before = list(self._waiting)
            for number in before[: before.index(frame.number) + 1]:
                del self._waiting[number]
            self._found[frame.number] = self._measure(frames, csi, known)

    def _state(self, frames: dict) -> tuple:
        """(CSI of a frame or None; numbers of the streams with an estimate, None until the frame is
        complete at the receiver)."""
        if any(port not in frames for port in range(self.streams, len(self.taps))):
            return None, None
        estimate = frames[self.streams].csi
        csi = None if estimate is None else read(estimate)
        every = np.ones(self.streams, bool)
        return csi, np.flatnonzero(every if csi is None else np.isfinite(csi.no_eff[0])).tolist()

    def _measure(self, frames: dict, csi, known: list) -> tuple:
        """A frame's PAPR, error and power of symbols, error and power of the channel, SNR and noise
        variance; the last two are None where unknown.  Symbols are those of the streams
        ``known``."""
        papr = error = power = channel_error = channel_power = 0.0
        if known:
            sent = np.stack([frames[k].items for k in known])
            detected = np.stack([frames[self.streams + k].items for k in known])
            papr = metrics.papr(sent)
            error = metrics.error_power(sent, detected)
            power = metrics.power(sent)
        snr, noise_var = (None, None) if csi is None else (csi.snr, csi.noise_var)
        truth = frames[2 * self.streams].truth
        if csi is not None and truth is not None:
            true = read(truth)
            if len(true.h) == 1:  # a channel that varies differs between payload and pilots
                channel_error = metrics.error_power(true.h[0], csi.h[0])
                channel_power = metrics.power(true.h[0])
        return papr, error, power, channel_error, channel_power, snr, noise_var

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the measured frames in order, [n] int64, and the values of each, [n, 7]
        float64, which metrics.link_figures explains."""
        with self._lock:
            numbers = sorted(self._found)
            found = [self._found[number] for number in numbers]
        return np.array(numbers, np.int64), np.array(found, np.float64).reshape(-1, 7)

    def report(self) -> dict:
        """EVM, PAPR, channel NMSE and mean SNR [dB] by name; None where unknown."""
        return metrics.link_figures(self.measured()[1])
