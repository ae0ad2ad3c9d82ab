# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sends the same frames over the same channel draws without GNU Radio: the reference of a run."""

import itertools

import numpy as np
import torch

from .link import TorchLink


def torch_link(point) -> TorchLink:
    """The chain of ``point`` in Torch, with the flowgraph's channels."""
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


def outcomes(point, net, clips, numbers, batch: int = 16) -> list[np.ndarray]:
    """The outcomes (items) of the frames ``numbers``; frame n carries clip n % len(clips)."""
    link, found = torch_link(point), []
    sidelink_snr = point.snr if point.sidelink_snr is None else point.sidelink_snr
    for run in _runs(net, clips, numbers, 1 if net.ragged else batch):
        taken = {
            place.name: _taken(clips, place.takes, run, point.device) for place in net.topology
        }
        snr, sidelink = (torch.full((len(run),), float(x)) for x in (point.snr, sidelink_snr))
        frame = torch.tensor(run)
        with torch.inference_mode():
            sent = link.send(net, taken, sidelink, frame)
            found += net.outcome(*link.uplink(sent, snr, frame))
    return [items.cpu().numpy() for items in found]


def _taken(clips, kind: str, run: list, device: str) -> torch.Tensor:
    """The input of a terminal (``kind``) for the clips of some frames, [B, items, ...]."""
    read = getattr(clips, kind)
    items = torch.from_numpy(np.stack([read(n % len(clips)) for n in run])).to(device)
    return items.float() if items.is_floating_point() else items


def _runs(net, clips, numbers, batch: int):
    """Groups of at most ``batch`` successive frames of equal length."""
    read = getattr(clips, net.topology.terminals[0].takes)
    for _, equal in itertools.groupby(numbers, lambda n: len(read(n % len(clips)))):
        while run := list(itertools.islice(equal, batch)):
            yield run
