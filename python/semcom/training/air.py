# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sends payloads of one terminal over the simulated link; draws links and SNRs for trainings."""

from __future__ import annotations

import torch
from torch import Tensor

from ..chain.link import TorchLink
from ..phy.channel import UPLINK
from ..phy.csi import symbol_no_eff


def carried(link: TorchLink, payload: Tensor, snr_db: Tensor, frame: Tensor):
    """Payloads [B, n] at SNRs [B] as frames [B] through pilots, channel, estimation and detection
    at 1x1 -> symbols [B, n] and their noise variance [B, n]."""
    detected, no_eff = link.transfer(payload[:, None], snr_db, frame, link=UPLINK, num_rx=1)
    return detected[:, 0], symbol_no_eff(no_eff, payload.shape[1])[:, 0]


def drawn_link(config) -> TorchLink:
    """A link with a random channel and detector of a training's configuration, all equally likely,
    by Torch's random generator."""
    channel, detector = (
        known[int(torch.randint(len(known), ()))] for known in (config.channels, config.detectors)
    )
    return TorchLink(channel, "ls", detector, num_rx=1, seed=config.seed + 1)


def drawn_snr(config, count: int, wide: float) -> Tensor:
    """SNRs [count] in dB: a share ``wide`` uniform over all of ``config.snr``, the others over
    ``config.focus``; by Torch's generator."""
    place, half = torch.rand(2, count)
    over_all, in_focus = (low + (high - low) * place for low, high in (config.snr, config.focus))
    return torch.where(half < wide, over_all, in_focus)
