# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Measures a link: detected against sent symbols, estimated against true channel."""

import threading

import numpy as np
from gnuradio import gr

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
    """Collects the error vector, the peak power, the channel's error and the SNR of a run.

    Inputs 0..K-1   complex64, frames of sent symbols
    Inputs K..2K-1  complex64, the same frames as detected; ``csi`` tags on input K
    Input 2K        complex64, the same frames as the first antenna receives them, pilots and all;
                    a simulated channel tells the truth there, in ``csi_true`` tags (the
                    estimate's error counts where the channel stands still over a frame)

    ``report()`` gives the figures so far.  A frame counts once it has come on every input; of a
    stream that the CSI tells to be unknown, the sent symbols are neither waited for nor counted:
    they may come at any time, or never.  Each input is a block of its own, so that what is under
    way never blocks its sender.

    streams  K, how many terminals send
    """

    def __init__(self, streams=2):
        ports = 2 * streams + 1
        signature = gr.io_signature(ports, ports, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "link_meter", signature, gr.io_signature(0, 0, 0))
        self.streams = streams
        self._lock, self._waiting = threading.Lock(), {}
        self._found = {}  # number -> what _measure returned; summed up in the order of the numbers
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
            # frames come in one order, so one before that still waits was lost on some input
            before = list(self._waiting)
            for number in before[: before.index(frame.number) + 1]:
                del self._waiting[number]
            self._found[frame.number] = self._measure(frames, csi, known)

    def _state(self, frames: dict) -> tuple:
        """(CSI of a frame, None without; numbers of the streams that are known, None before the
        frame has been received)."""
        if any(port not in frames for port in range(self.streams, len(self.taps))):
            return None, None
        estimate = frames[self.streams].csi
        csi = None if estimate is None else read(estimate)
        every = np.ones(self.streams, bool)
        return csi, np.flatnonzero(every if csi is None else np.isfinite(csi.no_eff[0])).tolist()

    def _measure(self, frames: dict, csi, known: list) -> tuple:
        """papr, error and power of symbols, error and power of the channel, snr and noise_var of a
        frame; the last two None where unknown.  Those of symbols are of the streams ``known``."""
        papr = error = power = channel_error = channel_power = 0.0
        if known:
            sent = np.stack([frames[k].items for k in known])
            detected = np.stack([frames[self.streams + k].items for k in known])
            papr = metrics.papr(sent)
            error = metrics.error_power(sent, detected)
            power = metrics.error_power(sent, np.zeros_like(sent))
        snr, noise_var = (None, None) if csi is None else (csi.snr, csi.noise_var)
        truth = frames[2 * self.streams].truth
        if csi is not None and truth is not None:
            true = read(truth)
            if len(true.h) == 1:  # a channel that moves differs from payload to pilots
                channel_error = metrics.error_power(true.h[0], csi.h[0])
                channel_power = metrics.error_power(true.h[0], np.zeros_like(true.h[0]))
        return papr, error, power, channel_error, channel_power, snr, noise_var

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """What :meth:`report` follows from, so far: numbers of frames in their order, [n] int64,
        and figures of each, [n, 7] float64, as metrics.link_figures takes them."""
        with self._lock:
            numbers = sorted(self._found)
            found = [self._found[number] for number in numbers]
        return np.array(numbers, np.int64), np.array(found, np.float64).reshape(-1, 7)

    def report(self) -> dict:
        """EVM, PAPR, channel NMSE and mean SNR of a path, each [dB]; None where unknown."""
        return metrics.link_figures(self.measured()[1])
