# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Distillation of features: a small network learns the features of a published one on the same
sound or picture, and its class (Hinton et al., arXiv:1503.02531, on features)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...data.clipset import AVE_CLASSES, BACKGROUND
from ..loop import StepRecipe
from ..options import DistillationConfig
from ..small import write_network


@dataclass
class Example:
    """An example of a training.

    seen    the network's input, without the axis of the batch
    taught  the teacher's features of the same input, float32
    label   class index
    """

    seen: np.ndarray
    taught: np.ndarray
    label: int


class Student(nn.Module):
    """The trained network ``net``, whose weights are kept, and layers that only the training uses.

    ``net.stack`` starts from the teacher's weights and learns slowly; all other layers start
    randomly.
    """

    net: nn.Module

    @abstractmethod
    def forward(self, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs [B, ...] -> the estimate of the teacher's features [B, ...], at least 0, and
        logits [B, C] of the classes."""


class Distillation(StepRecipe):
    """Trains a student on examples of a teacher.

    student   the network with the layers that only the training uses
    config    options.DistillationConfig
    draw      generator of random numbers -> an :class:`Example` of the training
    held_out  examples of the validation

    The score is the share of the held-out examples that the trained weights name right; what is
    written are their running averages after the last step.
    """

    Config = DistillationConfig
    score_name = "accuracy of examples"
    state_every = 50
    average, clip = 0.99, None

    def __init__(
        self,
        student: Student,
        config: DistillationConfig,
        draw: Callable[[np.random.Generator], Example],
        held_out: list[Example],
    ):
        self.model, self.config, self.draw, self.held_out = student, config, draw, held_out

    @property
    def kept(self) -> nn.Module:
        """The student's ``net``, without the layers of the training."""
        return self.model.net

    def _rates(self) -> list[float]:
        return [self.config.learning_rate, 4 * self.config.learning_rate]

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW; layers outside ``net.stack`` have four times its learning rate."""
        body = list(self.model.net.stack.parameters())
        rest = [p for p in self.model.parameters() if not any(p is own for own in body)]
        groups = [
            {"params": part, "lr": rate}
            for part, rate in zip((body, rest), self._rates(), strict=True)
        ]
        return {"model": torch.optim.AdamW(groups, weight_decay=0.01)}

    def schedule(self, optimizer: torch.optim.Optimizer):
        """One cycle over all steps, whose first tenth rises (OneCycleLR)."""
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self._rates(), self.config.steps, pct_start=0.1
        )

    def drawn(self, rng: np.random.Generator):
        """A batch as :func:`batch_of` returns it."""
        return batch_of([self.draw(rng) for _ in range(self.config.batch)])

    def loss(self, batch, name: str) -> torch.Tensor:
        """Mean square error of the teacher's features, in units of their own power, plus cross
        entropy of the class: a scalar."""
        seen, taught, labels = batch
        said, logits = self.model(seen)
        distance = functional.mse_loss(said, taught) / taught.square().mean()
        return distance + functional.cross_entropy(logits, labels, label_smoothing=0.1)

    def score(self, kept: nn.Module) -> float:
        """Share, 0 to 1, of ``held_out`` whose class the weights of the last step name; ``kept``
        has no layer for classes and is not used."""
        right = 0
        with torch.inference_mode():
            for start in range(0, len(self.held_out), 64):
                seen, _, labels = batch_of(self.held_out[start : start + 64])
                right += int((self.model(seen)[1].argmax(1) == labels).sum())
        return right / len(self.held_out)

    def write(self, folder: Path, averaged: nn.Module, validation: float, data: str) -> Path:
        """Write the averaged weights as a checkpoint into ``folder``; returns its path.  data: name
        of what they were trained on."""
        classes, metrics = AVE_CLASSES[:BACKGROUND], {"validation": validation}
        return write_network(
            folder, self.kept.name, "features", classes, averaged, self.config, metrics, data
        )


def batch_of(examples: list[Example]) -> list[torch.Tensor]:
    """Tensors of what is seen [B, ...], taught [B, ...] and labelled [B] in all examples."""
    fields = ("seen", "taught", "label")
    return [torch.tensor(np.stack([getattr(e, field) for e in examples])) for field in fields]
