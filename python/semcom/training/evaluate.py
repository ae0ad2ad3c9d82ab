# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Segment accuracy of a system, over its variant's link, or of a localiser, on one split."""

from __future__ import annotations

import torch

from ..chain.link import NoRadio, TorchLink
from ..data.tensors import Features
from ..nets.heads import background_of
from ..nets.localisers import Localiser


def over(system: torch.nn.Module, clips: Features, link, snr_db: float | list[float], batch: int):
    """(numbers [b], logits [b, T, C]) of all clips sent over a link, a batch at a time, in
    evaluation mode; arguments as of :func:`accuracy`."""
    was_training = system.training
    system.eval()
    snr = torch.as_tensor(snr_db, dtype=torch.float32).reshape(-1)
    for index in torch.arange(len(clips)).split(batch):
        db = snr[index % len(snr)]
        yield index, link(system, clips.batch(index, system), db, db, index)
    system.train(was_training)


@torch.inference_mode()
def accuracy(
    system: torch.nn.Module,
    clips: Features,
    link: TorchLink,
    snr_db: float | list[float] = 0.0,
    batch: int = 32,
) -> float:
    """Share of correct segments; clip i is frame i.

    snr_db  [dB] of uplink and sidelink; the values of a list are used in turn, clip by clip
    """
    right = 0
    for index, logits in over(system, clips, link, snr_db, batch):
        right += int((logits.argmax(-1).cpu() == clips.labels[index]).sum())
    return right / clips.labels.numel()


@torch.inference_mode()
def choose_background(
    system: torch.nn.Module,
    clips: Features,
    links: list,
    snr_db: float | list[float] = 0.0,
    batch: int = 32,
) -> float:
    """Set a weakly trained network's score of background to the best value for ``clips`` over all
    ``links``; returns the accuracy with it.  Other arguments as of :func:`accuracy`.

    Segments whose best event has a lower score become background; the best score of each segment
    is tried as the value.
    """
    winners = []
    for link in links:
        for _, logits in over(system, clips, link, snr_db, batch):
            winners.append(torch.stack([x.double().cpu() for x in logits[..., :-1].max(-1)], -1))
    score, event = torch.cat(winners).flatten(0, 1).unbind(-1)
    truth = clips.labels.flatten().repeat(len(links))
    order = score.argsort(descending=True)
    right = (event == truth)[order].long().cumsum(0)
    empty = (truth == len(system.classes) - 1)[order].long()
    correct = right + empty.sum() - empty.cumsum(0)  # with the first i + 1 segments events
    cut = int(correct.argmax())
    edges = score[order][cut : cut + 2]
    below = float(edges.mean()) if len(edges) == 2 else float(edges[0]) - 1
    background_of(system).fill_(below)
    return int(correct[cut]) / len(truth)


def link_of(system, variant: str, channel: str, detector: str, seed: int) -> TorchLink | NoRadio:
    """The link that a variant is trained and tested on; a localiser needs none."""
    if isinstance(system, Localiser):
        return NoRadio()
    if variant == "error_free":
        return TorchLink("none", seed=seed)
    csi = "none" if variant == "no_estimation" else "ls"
    return TorchLink(channel, csi, detector, seed=seed)
