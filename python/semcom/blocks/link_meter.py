# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Measures a link: what was sent beside what was detected, the estimate beside the truth."""

import numpy as np

from ..link import metrics
from ..phy.csi import unpack
from .frame_block import FrameBlock


class link_meter(FrameBlock):
    """Collects the error vector, the peak power, the channel's error and the SNR of a run.

    Inputs 0..K-1   complex64, frames of sent symbols
    Inputs K..2K-1  complex64, the same frames as detected; ``csi`` tags on input K
    Input 2K        complex64, the same frames as the first antenna receives them, pilots and all;
                    a simulated channel tells the truth there, in ``csi_true`` tags

    ``report()`` gives the figures so far; a sent frame that was not detected is left out.
    """

    def __init__(self, streams=2):
        FrameBlock.__init__(self, "link_meter", [np.complex64] * (2 * streams + 1), [])
        self.streams = streams
        for port in (*range(streams), 2 * streams):
            self.limits[port] = np.inf  # what is under way must not block its sender
        self.error, self.power, self.papr = 0.0, 0.0, 0.0
        self.channel_error, self.channel_power = 0.0, 0.0
        self.snr, self.noise_var = [], []

    def match(self):
        streams = self.streams
        early = self.inboxes[:streams] + self.inboxes[2 * streams :]
        batch = []
        while all(box.ready for box in self.inboxes):
            number = self.inboxes[streams].ready[0].number
            if early[0].ready[0].number < number:
                for box in early:
                    box.ready.popleft()
                continue
            batch.append(tuple(box.ready.popleft() for box in self.inboxes))
        return batch

    def process(self, batch):
        for frames in batch:
            sent = np.stack([frame.items for frame in frames[: self.streams]])
            detected = np.stack([frame.items for frame in frames[self.streams : -1]])
            self.error += metrics.error_power(sent, detected)
            self.power += metrics.error_power(sent, np.zeros_like(sent))
            self.papr = max(self.papr, metrics.papr(sent))
            self._compare(frames[self.streams].csi, frames[-1].truth)
        return []

    def _compare(self, estimates: list, truths: list) -> None:
        """The first estimate of the frame, and how far it is from the channel at its first symbol."""
        if not estimates:
            return
        csi = unpack(estimates[0][1])
        self.snr.append(float(csi.snr))
        self.noise_var.append(float(csi.noise_var))
        if truths:
            truth = unpack(truths[0][1]).h.numpy()
            self.channel_error += metrics.error_power(truth, csi.h.numpy())
            self.channel_power += metrics.error_power(truth, np.zeros_like(truth))

    def report(self) -> dict:
        """EVM, PAPR, channel NMSE and mean SNR of a path, each [dB]; None where unknown."""
        return {
            "evm_db": metrics.ratio_db(self.error, self.power),
            "papr_db": metrics.ratio_db(self.papr, 1.0),
            "channel_nmse_db": metrics.ratio_db(self.channel_error, self.channel_power),
            "path_snr_db": metrics.mean_snr_db(self.snr, self.noise_var),
        }
