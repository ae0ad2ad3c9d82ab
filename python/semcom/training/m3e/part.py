# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The interface of the parts of m3e_vsc for the recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from .. import precision
from .adversary import Adversary
from .media import Medium

AT_ONCE = 64  # examples where nothing is learnt


class Part(ABC):
    """A part of m3e_vsc that is trained by itself.

    config  options.M3ETraining of the part

    adversary     its discriminator; None without
    against_rate  learning rate of the discriminator, as a share of that of the networks
    betas         beta_1 and beta_2 of the networks' AdamW

    What a step draws depends on its number alone: Torch's generator is seeded before it.
    """

    adversary: Adversary | None = None
    against_rate = 0.4  # its learning rate, of that of the networks
    betas = 0.9, 0.98  # of AdamW

    def __init__(self, config):
        self.config = config

    def low(self) -> torch.autocast:
        """The autocast in which matrix products are computed: bfloat16 where the options allow it
        and it is faster, else float32."""
        return precision.autocast(self.config.bfloat16)

    @abstractmethod
    def trained(self, net: nn.Module) -> list[tuple[float, list[nn.Module]]]:
        """(share of the learning rate, networks) of everything that is trained; all other networks
        of ``net``, an M3EVSC, do not change."""

    @abstractmethod
    def loss(self, net: nn.Module, step: int) -> Tensor:
        """Loss of a training step, a scalar with gradients."""

    @abstractmethod
    def score(self, net: nn.Module) -> float:
        """Score on val; larger is better."""

    def finish(self, net: nn.Module) -> None:  # noqa: B027
        """Fit to val what is fitted to the best weights; nothing by default."""

    @abstractmethod
    def test(self, net: nn.Module) -> dict:
        """Figures on the test split, {name: number} or {name: {point: number}}, the first one a
        number; see training.job.JobRecipe.test."""


class MediumPart(Part):
    """A part of the networks of pictures or sounds, scored by what is decoded.

    config  options.M3ETraining of the part
    medium  the pictures or sounds
    """

    def __init__(self, config, medium: Medium):
        super().__init__(config)
        self.medium = medium

    def own(self, net: nn.Module) -> nn.Module:
        """The networks of the medium, a semcom.nets.m3e.networks.Modality."""
        return getattr(net, self.medium.name)

    def drawn(self, step: int) -> tuple[Tensor, Tensor]:
        """The originals [batch, ...] of a training step and their classes [batch] int64."""
        return self.medium.batch(self.config.seed, step, self.config.batch)

    def fooled(self, own: nn.Module, step: int, original, shown, told) -> Tensor:
        """The discriminator's part of the loss, a scalar (:meth:`Adversary.against`), for original
        and decoded media [B, ...] and the class [B] int64 in the text."""
        maps = (self.medium.maps(each) for each in (original, shown))
        with self.low():
            return self.adversary.against(step, *maps, own.names(told))

    @abstractmethod
    def views(self, net: nn.Module, split: str) -> Iterator[tuple[str, Tensor]]:
        """(name of a point, decoded media [n, ...]) for all n examples of a split, "val" or
        "test"."""

    @torch.no_grad()
    def figures(self, net: nn.Module, split: str) -> dict[str, dict[str, float]]:
        """{measure: {point: mean}, "class": {point: share named right}} of a split, to four
        decimals."""
        originals, classes = self.medium.held[split]
        found = {self.medium.measure: {}, "class": {}}
        for point, shown in self.views(net, split):
            found[self.medium.measure][point] = round(self.medium.measured(shown, originals), 4)
            found["class"][point] = round(self.medium.right(shown, classes), 4)
        return found

    def score(self, net: nn.Module) -> float:
        """Mean over the points of val: the medium's measure, with the sign that makes larger
        better, plus the share of examples named right."""
        measured, right = self.figures(net, "val").values()
        return (self.medium.sign * sum(measured.values()) + sum(right.values())) / len(right)

    def test(self, net: nn.Module) -> dict:
        """Figures on the test split: "mean", the mean over the points of the share named right, 0
        to 1; then those of :meth:`figures`."""
        found = self.figures(net, "test")
        return {"mean": sum(found["class"].values()) / len(found["class"]), **found}


def in_parts(work, *tensors: Tensor) -> Tensor:
    """``work`` applied to tensors of equal length [n, ...], AT_ONCE rows at a time, and its results
    joined to [n, ...]."""
    parts = zip(*(each.split(AT_ONCE) for each in tensors), strict=True)
    return torch.cat([work(*part) for part in parts])
