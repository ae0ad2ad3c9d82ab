# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The multi-frame check, which makes the recognition of a clip's key frames consistent (Chen et
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
FLOOR = 1e-4  # probability below which the input is 0
UNTOLD = -1  # label of a frame in which nothing is seen, or heard
STEADY = 1.0  # weight of the term for changes


class Check(nn.Module):
    """Class probabilities of the key frames of clips in order, [B, F, 58] (29 of the thing seen, 29
    of the thing heard; rows of 0 for nothing) -> logits [B, F, 29] of both.

    A bidirectional gated recurrent unit, attention of each frame to all, and the mean and the
    maximum over all frames; their result is added to the logarithms of the probabilities and is
    initially 0.
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
    """Probabilities on a logarithmic scale from 0 (FLOOR) to 1 (certain)."""
    return torch.log1p(both / FLOOR) / math.log1p(1 / FLOOR)


def loss(logits: tuple[Tensor, Tensor], labels: Tensor) -> Tensor:
    """The training loss of the check.

    logits  [B, F, 29] of the thing seen and of the thing heard
    labels  [B, F, 2] int64: the class of each, or UNTOLD

    Eq. (4) with one label per frame and modality: cross entropy, averaged over the labelled frames
    of both modalities.  Added is ``STEADY`` times the mean over labelled neighbours of |(P_t -
    P_t-1) - (Y_t - Y_t-1)|^2, with probabilities P and one-hot labels Y: it penalises probabilities
    that change without a change of the label, or do not change with it.
    """
    logits = torch.stack(tuple(logits), 2)
    told = labels != UNTOLD
    entropy = F.cross_entropy(logits[told], labels[told])
    off = logits.softmax(-1) - F.one_hot(labels.clamp_min(0), NAMES)
    change = off.diff(dim=1).square().sum(-1)[told[:, 1:] & told[:, :-1]]
    return entropy + STEADY * change.sum() / max(1, len(change))
