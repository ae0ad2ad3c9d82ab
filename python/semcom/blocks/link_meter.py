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

    ``report()`` gives the figures so far; a frame counts once it has come on every input.  Each
    input is a block of its own, so that what is under way never blocks its sender.

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
            if len(frames) == len(self.taps):
                # frames come in one order, so one before that still waits was lost on some input
                before = list(self._waiting)
                for number in before[: before.index(frame.number) + 1]:
                    del self._waiting[number]
                self._found[frame.number] = self._measure(
                    [frames[p] for p in range(len(self.taps))]
                )

    def _measure(self, frames: list) -> tuple:
        """papr, error and power of symbols, error and power of the channel, snr and noise_var of a
        frame; the last two None where unknown."""
        sent = np.stack([frame.items for frame in frames[: self.streams]])
        detected = np.stack([frame.items for frame in frames[self.streams : -1]])
        estimate, truth = frames[self.streams].csi, frames[-1].truth
        papr, snr, noise_var = metrics.papr(sent), None, None
        channel_error = channel_power = 0.0
        csi = None if estimate is None else read(estimate)
        if csi is not None:  # a stream that is said to be unknown is no error
            known = np.isfinite(csi.no_eff[0])
            sent, detected = sent[known], detected[known]
            snr, noise_var = csi.snr, csi.noise_var
        error = metrics.error_power(sent, detected)
        power = metrics.error_power(sent, np.zeros_like(sent))
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
