# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Measures a link: what was sent beside what was detected, the estimate beside the truth."""

import numpy as np
import pmt

from ..link import metrics
from ..phy.csi import unpack
from .frame_block import FrameBlock
from .guard import guarded


class link_meter(FrameBlock):
    """Collects the error vector, the peak power, the channel's error and the SNR of a run.

    Inputs 0..K-1   complex64, frames of sent symbols
    Inputs K..2K-1  complex64, the same frames as detected
    Message ports ``csi`` (from the estimator) and ``channel`` (from a simulated channel)

    ``report()`` gives the figures so far; a sent frame that was not detected is left out.
    """

    def __init__(self, streams=2):
        FrameBlock.__init__(self, "link_meter", [np.complex64] * 2 * streams, [])
        self.streams = streams
        self.limits[:streams] = [np.inf] * streams  # what is under way must not block the sender
        self.error, self.power, self.papr = 0.0, 0.0, 0.0
        self.estimates, self.truths = {}, {}
        for port, store in (("csi", self._on_csi), ("channel", self._on_channel)):
            self.message_port_register_in(pmt.intern(port))
            self.set_msg_handler(pmt.intern(port), store)

    def match(self):
        sent, detected = self.inboxes[: self.streams], self.inboxes[self.streams :]
        batch = []
        while all(box.ready for box in self.inboxes):
            number = detected[0].ready[0].number
            if sent[0].ready[0].number < number:
                for box in sent:
                    box.ready.popleft()
                continue
            batch.append(tuple(box.ready.popleft() for box in self.inboxes))
        return batch

    def process(self, batch):
        for frames in batch:
            sent = np.stack([frame.items for frame in frames[: self.streams]])
            detected = np.stack([frame.items for frame in frames[self.streams :]])
            self.error += metrics.error_power(sent, detected)
            self.power += metrics.error_power(sent, np.zeros_like(sent))
            self.papr = max(self.papr, metrics.papr(sent))
        return []

    @guarded
    def _on_csi(self, message):
        self._store(self.estimates, message)

    @guarded
    def _on_channel(self, message):
        self._store(self.truths, message)

    @staticmethod
    def _store(where: dict, message) -> None:
        number = pmt.to_uint64(pmt.car(message))
        where[number] = unpack(np.array(pmt.c32vector_elements(pmt.cdr(message)), np.complex64))

    def report(self) -> dict:
        """EVM [dB], PAPR [dB], channel NMSE [dB] and mean SNR of a path [dB]; None if unknown."""
        both = sorted(self.estimates.keys() & self.truths.keys())
        estimates = [self.estimates[number] for number in both]
        return {
            "evm_db": metrics.ratio_db(self.error, self.power),
            "papr_db": metrics.ratio_db(self.papr, 1.0),
            "channel_nmse_db": metrics.channel_nmse_db(
                [csi.h.numpy() for csi in estimates], [self.truths[n].h.numpy() for n in both]
            ),
            "path_snr_db": metrics.mean_snr_db(
                [float(csi.snr) for csi in self.estimates.values()],
                [float(csi.noise_var) for csi in self.estimates.values()],
            ),
        }
