# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The discriminator in a VQGAN's training, which distinguishes decoded from original media (Chen et
al. 2024, eqs. 11 and 12, by the hinge loss of Lim and Ye 2017)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ...nets.m3e.picture import Discriminator

AHEAD = 300  # steps that it learns before it counts, and in which its weight rises


def hinge(real: Tensor, shown: Tensor) -> Tensor:
    """Loss of a discriminator that says so of originals and of what is shown."""
    return F.relu(1 - real).mean() + F.relu(1 + shown).mean()


class Adversary(nn.Module):
    """text, channels  of the :class:`~semcom.nets.m3e.picture.Discriminator`
    weight  in the loss of what it judges;  first  step in which it begins to count"""

    def __init__(self, text: int, channels: int, weight: float, first: int):
        super().__init__()
        self.discriminator = Discriminator(text, channels)
        self.weight, self.first = weight, first
        self.seen = None

    def against(self, step: int, real: Tensor, shown: Tensor, told: Tensor) -> Tensor:
        """What is to be added to the loss of what is shown, maps [B, channels, h, w], beside the
        text [B, text]; both are kept for :meth:`loss`."""
        told = told.detach()
        self.seen = (step, real, shown.detach(), told)
        weight = self.weight * min(1.0, (step - self.first) / AHEAD)
        if weight <= 0:
            return shown.new_zeros(())
        return -weight * self.discriminator(shown, told).float().mean()

    def loss(self) -> Tensor | None:
        """Of the maps that were judged last; None while it rests."""
        step, real, shown, told = self.seen
        if step < self.first - AHEAD:
            return None
        says = (self.discriminator(maps, told).float() for maps in (real, shown))
        return hinge(*says)
