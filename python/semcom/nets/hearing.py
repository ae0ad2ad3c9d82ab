# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A small network that classifies a second of sound, trained from labels only.

Senders recognise sounds with it, and training losses compare sounds by its features.  It shares
nothing with the networks of the independent judges.

Residual layers (He et al., Deep Residual Learning, 2016, Fig. 2) over log-mel spectra.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOUDNESS = 3.0, 3.0  # (log-mel + the first) / the second is about -1 to 2
SIZES = (24, 48, 96, 192)  # channels at 1/2, 1/4, 1/8 and 1/16 of the input
DEPTHS = (1, 1, 2, 1)  # residual layers at each


class Block(nn.Module):
    """Residual block of two 3 x 3 convolutions, [N, inputs, h, w] -> [N, outputs, h/s, w/s]."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(2))
        self.beside = nn.Identity()
        if stride > 1:
            shrink = nn.AvgPool2d(2, ceil_mode=True)
            self.beside = nn.Sequential(shrink, nn.Conv2d(inputs, outputs, 1))

    def forward(self, maps: Tensor) -> Tensor:
        inner = F.relu(self.norms[0](self.first(maps)))
        return F.relu(self.beside(maps) + self.norms[1](self.second(inner)))


class Hearing(nn.Module):
    """Log-mel spectra of a second (``media.phase.seconds_of``), [N, 100, 64] float32 -> features
    [N, 384], at least 0, and logits [N, classes].

    classes  number of classes
    """

    name = "hearing"
    features = 2 * SIZES[-1]

    def __init__(self, classes: int):
        super().__init__()
        self.first = nn.Conv2d(1, SIZES[0], 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(SIZES[0])
        stages, channels = [], SIZES[0]
        for size, depth in zip(SIZES, DEPTHS, strict=True):
            blocks = [Block(channels, size, 1 if size == channels else 2)]
            blocks += [Block(size, size, 1) for _ in range(depth - 1)]
            stages.append(nn.Sequential(*blocks))
            channels = size
        self.stages = nn.ModuleList(stages)
        self.dropout = nn.Dropout(0.3)
        self.classify = nn.Linear(self.features, classes)
        self.to(memory_format=torch.channels_last)

    def maps(self, spectra: Tensor) -> list[Tensor]:
        """Log-mel [N, 100, 64] -> maps [N, c, h, w], at least 0, of each stage; the last has the
        shape [N, 192, 7, 4]."""
        x = ((spectra + LOUDNESS[0]) / LOUDNESS[1])[:, None]
        x = F.relu(self.norm(self.first(x.to(memory_format=torch.channels_last))))
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def pooled(self, last: Tensor) -> tuple[Tensor, Tensor]:
        """The last map -> features [N, 384], its mean and its maximum, and logits [N, classes]."""
        features = torch.cat([last.mean((2, 3)), last.amax((2, 3))], 1)
        return features, self.classify(self.dropout(features))

    def forward(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mel [N, 100, 64] -> features [N, 384] and logits [N, classes]."""
        return self.pooled(self.maps(spectra)[-1])
