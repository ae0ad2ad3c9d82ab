# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The multi-frame check: what is recognised in the key frames of a clip, made consistent (Chen et
al., Generative Multi-Modal Mutual Enhancement Video Semantic Communications, 2024, section 3.1 and
eq. 4: "a recurrent network integrated with attention networks and pooling").
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..names import AVE_CLASSES

NAMES = len(AVE_CLASSES)
WIDTH = 48
FLOOR = 1e-4  # probabilities below it are as good as none
UNTOLD = -1  # label of a frame that shows, or plays, nothing
STEADY = 1.0  # weight of the term for change


class Check(nn.Module):
    """Probabilities of the key frames of clips, in their order, [B, F, 58] (29 of what is seen, 29
    of what is heard, rows of 0 for nothing) -> logits [B, F, 29] of both.

    A gated recurrent unit in both directions, attention of each frame to all, and the mean and the
    maximum over all frames; what they say is added to the logarithms of what was recognised, and is
    0 before training.
    """

    name = "check"

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2 * NAMES, WIDTH)
        self.recurrent = nn.GRU(WIDTH, WIDTH, batch_first=True, bidirectional=True)
        self.attend = nn.Linear(2 * WIDTH, 3 * WIDTH)
        self.last = nn.Linear(5 * WIDTH, 2 * NAMES)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, both: Tensor) -> tuple[Tensor, Tensor]:
        steps, _ = self.recurrent(torch.relu(self.first(_taken(both))))
        attended = F.scaled_dot_product_attention(*self.attend(steps).chunk(3, -1))
        pooled = torch.cat([attended.mean(1), attended.amax(1)], -1)
        pooled = pooled[:, None].expand(-1, both.shape[1], -1)
        changed = self.last(torch.cat([steps, attended, pooled], -1))
        return (both.clamp_min(FLOOR).log() + changed).chunk(2, -1)


def _taken(both: Tensor) -> Tensor:
    """Probabilities on a scale of logarithms from 0, none, to 1, sure."""
    return torch.log1p(both / FLOOR) / math.log1p(1 / FLOOR)


def loss(logits: tuple[Tensor, Tensor], labels: Tensor) -> Tensor:
    """logits  [B, F, 29] of what is seen and of what is heard
    labels  [B, F, 2] int64: the class of each, or UNTOLD

    Eq. (4) with one label a frame and modality: cross entropy, the mean over told frames of both
    modalities.  And ``STEADY`` times the mean of |(P_t - P_t-1) - (Y_t - Y_t-1)|^2 over neighbours
    that are told, of their probabilities P and labels Y as rows of 0 and 1: confidence that changes
    while nothing else does, or stays where the film changes.
    """
    logits = torch.stack(tuple(logits), 2)
    told = labels != UNTOLD
    entropy = F.cross_entropy(logits[told], labels[told])
    off = logits.softmax(-1) - F.one_hot(labels.clamp_min(0), NAMES)
    change = off.diff(dim=1).square().sum(-1)[told[:, 1:] & told[:, :-1]]
    return entropy + STEADY * change.sum() / max(1, len(change))
