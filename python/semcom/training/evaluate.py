# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Segment accuracy of a system over a link: knows one split, and never trains."""

from __future__ import annotations

import torch

from ..link.torch_link import TorchLink
from .features import Features


@torch.inference_mode()
def accuracy(
    system: torch.nn.Module,
    clips: Features,
    link: TorchLink,
    snr_db: float | list[float] = 0.0,
    batch: int = 32,
) -> float:
    """Share of segments named right; clip i is frame i.

    snr_db: of uplink and feedback link; a list is cycled through clip by clip.
    """
    was_training = system.training
    system.eval()
    snr = torch.as_tensor(snr_db, dtype=torch.float32).reshape(-1)
    right = 0
    for index in torch.arange(len(clips)).split(batch):
        db = snr[index % len(snr)]
        logits = link(system, *clips.batch(index, system), db, db, index)
        right += int((logits.argmax(-1).cpu() == clips.labels[index]).sum())
    system.train(was_training)
    return right / clips.labels.numel()
