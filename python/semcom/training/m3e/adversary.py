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
    """Hinge loss of the discriminator (Lim and Ye 2017), a scalar, from its scores of originals
    (``real``) and of decoded media (``shown``), of any shape: the mean of max(0, 1 - real) plus the
    mean of max(0, 1 + shown)."""
    return F.relu(1 - real).mean() + F.relu(1 + shown).mean()


class Adversary(nn.Module):
    """The discriminator of a training, with the step at which it begins and its weight.

    text      size of the vector of the text, see :class:`~semcom.nets.m3e.picture.Discriminator`
    channels  channels of the maps that it judges
    weight    weight of its score in the loss of the networks, after a rise of AHEAD steps
    first     step from which its score counts; it is itself trained from AHEAD steps before
    """

    def __init__(self, text: int, channels: int, weight: float, first: int):
        super().__init__()
        self.discriminator = Discriminator(text, channels)
        self.weight, self.first = weight, first
        self.seen = None

    def against(self, step: int, real: Tensor, shown: Tensor, told: Tensor) -> Tensor:
        """The adversarial part of the networks' loss, a scalar: minus the weight times the mean
        score of the decoded maps; 0 until the step ``first``.  real, shown: maps [B, channels, h,
        w] of originals and of decoded media; told [B, text]: the vectors of the text.  All are kept
        for :meth:`loss`."""
        told = told.detach()
        self.seen = (step, real, shown.detach(), told)
        weight = self.weight * min(1.0, (step - self.first) / AHEAD)
        if weight <= 0:
            return shown.new_zeros(())
        return -weight * self.discriminator(shown, told).float().mean()

    def loss(self) -> Tensor | None:
        """The discriminator's own loss (:func:`hinge`), a scalar, of the maps given to
        :meth:`against` last; None more than AHEAD steps before the step ``first``."""
        step, real, shown, told = self.seen
        if step < self.first - AHEAD:
            return None
        says = (self.discriminator(maps, told).float() for maps in (real, shown))
        return hinge(*says)
