# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The same frames over the same channel draws without GNU Radio: the reference of a run."""

import itertools

import numpy as np
import torch

from .link import TorchLink


def torch_link(point) -> TorchLink:
    """The Torch twin of the flowgraph of ``point``."""
    return TorchLink(
        point.channel,
        point.csi,
        point.detector,
        pilot_kind=point.pilots,
        pilot_length=point.pilot_length,
        pilot_boost_db=point.pilot_boost,
        spacing=point.pilot_spacing,
        interpolation=point.interpolation,
        num_rx=point.antennas,
        rician_k=point.rician_k,
        doppler=point.doppler,
        gain_db=point.gain,
        seed=point.seed,
    )


def evaluate(point, net, clips, numbers, batch: int = 16) -> list:
    """Logits [T, C] of the frames ``numbers``, clip ``number % len(clips)`` each."""
    link = torch_link(point)
    feedback_snr = point.snr if point.feedback_snr is None else point.feedback_snr
    logits = []
    for run in _runs(clips, numbers, batch):
        audio, visual = (
            torch.from_numpy(np.stack([read(n % len(clips)) for n in run])).float().to(point.device)
            for read in (clips.audio, clips.visual)
        )
        snrs = (torch.full((len(run),), snr) for snr in (point.snr, feedback_snr))
        with torch.inference_mode():
            logits += link(net, audio, visual, *snrs, torch.tensor(run))
    return logits


def _runs(clips, numbers, batch: int):
    """Runs of at most ``batch`` frames with equally many segments."""
    for _, equal in itertools.groupby(numbers, lambda n: len(clips.labels(n % len(clips)))):
        while run := list(itertools.islice(equal, batch)):
            yield run
