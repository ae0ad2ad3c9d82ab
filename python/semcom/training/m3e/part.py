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
    """config  options.M3ETraining of the part

    What a step draws depends on its number alone: Torch's generator is seeded before it.
    """

    adversary: Adversary | None = None
    against_rate = 0.4  # its learning rate, of that of the networks
    betas = 0.9, 0.98  # of AdamW

    def __init__(self, config):
        self.config = config

    def low(self) -> torch.autocast:
        """In which matrix products are computed."""
        return precision.autocast(self.config.bfloat16)

    @abstractmethod
    def trained(self, net: nn.Module) -> list[tuple[float, list[nn.Module]]]:
        """Networks that learn, and their share of the learning rate."""

    @abstractmethod
    def loss(self, net: nn.Module, step: int) -> Tensor:
        """Of the examples of a step."""

    @abstractmethod
    def score(self, net: nn.Module) -> float:
        """On validation; more is better."""

    def finish(self, net: nn.Module) -> None:  # noqa: B027
        """What is fitted to the best weights on validation."""

    @abstractmethod
    def test(self, net: nn.Module) -> dict:
        """Figures on test, as of training.job.JobRecipe."""


class MediumPart(Part):
    """A part of the networks of pictures or sounds, judged by what it shows."""

    def __init__(self, config, medium: Medium):
        super().__init__(config)
        self.medium = medium

    def own(self, net: nn.Module) -> nn.Module:
        """The networks of the medium, a semcom.nets.m3e.networks.Modality."""
        return getattr(net, self.medium.name)

    def drawn(self, step: int) -> tuple[Tensor, Tensor]:
        """The originals of a step and their classes."""
        return self.medium.batch(self.config.seed, step, self.config.batch)

    def fooled(self, own: nn.Module, step: int, original, shown, told) -> Tensor:
        """The discriminator's part of a loss."""
        maps = (self.medium.maps(each) for each in (original, shown))
        with self.low():
            return self.adversary.against(step, *maps, own.names(told))

    @abstractmethod
    def views(self, net: nn.Module, split: str) -> Iterator[tuple[str, Tensor]]:
        """Name of a point, and what is shown there of all examples held out."""

    @torch.no_grad()
    def figures(self, net: nn.Module, split: str) -> dict[str, dict[str, float]]:
        """``measure`` and share named right, at each point."""
        originals, classes = self.medium.held[split]
        found = {self.medium.measure: {}, "class": {}}
        for point, shown in self.views(net, split):
            found[self.medium.measure][point] = round(self.medium.measured(shown, originals), 4)
            found["class"][point] = round(self.medium.right(shown, classes), 4)
        return found

    def score(self, net: nn.Module) -> float:
        """Likeness and share named right, both added up, the mean over the points."""
        measured, right = self.figures(net, "val").values()
        return (self.medium.sign * sum(measured.values()) + sum(right.values())) / len(right)

    def test(self, net: nn.Module) -> dict:
        """The mean share named right, then everything at each point."""
        found = self.figures(net, "test")
        return {"mean": sum(found["class"].values()) / len(found["class"]), **found}


def in_parts(work, *tensors: Tensor) -> Tensor:
    """What ``work`` makes of tensors of equal length, a few rows at a time."""
    parts = zip(*(each.split(AT_ONCE) for each in tensors), strict=True)
    return torch.cat([work(*part) for part in parts])
