# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Heads that decide from the features of each segment, one for each way of training.

A head maps fused features [B, T, d] to (logits [B, T, C], extras): the decision of a segment is its
largest logit, and the extras are further inputs of the loss (``training.losses``).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from .layers import dense

RELEVANT = 0.7  # probability from which a segment has an event (VSCG's tau_b)


class SegmentHead(nn.Module):
    """Decides each segment by itself: a dense layer and a score of each class.

    [B, T, dim] -> logits [B, T, classes]; no extras
    """

    def __init__(self, dim: int, units: int, classes: int, bias: bool = True):
        super().__init__()
        self.layers = dense(dim, units, classes, last_relu=False, bias=bias)

    def forward(self, fused: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """Fused features [B, T, dim] -> logits [B, T, classes], {}."""
        return self.layers(fused), {}


class EventHead(nn.Module):
    """Decides whether a segment has an event, and which event the clip has (VSCG, eqs 14, 15).

    [B, T, dim] -> logits [B, T, C].  Extras: "relevance" o_t [B, T], "category" o_c [B, C - 1] from
    the maximum over the clip.  The logits are such that a segment is background unless sigmoid(o_t)
    > 0.7.
    """

    def __init__(self, dim: int, classes: int):
        super().__init__()
        self.relevance = nn.Linear(dim, 1)
        self.category = nn.Linear(dim, classes - 1)

    def forward(self, fused: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """Fused features [B, T, dim] -> logits [B, T, C], extras."""
        relevance, category = self.relevance(fused)[..., 0], self.category(fused.amax(1))
        share = (category - category.amax(-1, keepdim=True))[:, None]
        events = share + relevance[..., None]
        background = torch.full_like(events[..., :1], math.log(RELEVANT / (1 - RELEVANT)))
        logits = torch.cat([events, background], -1)
        return logits, {"relevance": relevance, "category": category}


class VideoHead(nn.Module):
    """Scores of segments that are trained by the label of the clip alone.

    Each segment's C scores (with ``gated`` weighted by a gate of the segment, Zhou et al., PSP:
    ReLU, then a sigmoid of one score) are averaged over the clip: extras "clip" [B, C], logits of
    the clip's label.  Clip labels do not train the score of background, which is therefore the
    constant ``background``, set on the validation split: a segment whose best event is below it is
    background.  With the ``proportions`` of the labels, which include background, the score of
    background is the network's own.
    """

    def __init__(
        self, dim: int, units: int, classes: int, *, bias: bool, gated: bool, proportions: bool
    ):
        super().__init__()
        self.hidden = dense(dim, units, bias=bias)
        self.scores = nn.Linear(units, classes, bias=bias)
        self.gate = nn.Linear(classes, 1) if gated else None
        if not proportions:
            self.register_buffer("background", torch.tensor(NEVER))

    def forward(self, fused: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """Fused features [B, T, dim] -> logits [B, T, C], extras."""
        scores = self.scores(self.hidden(fused))
        if self.gate is not None:
            scores = scores * torch.sigmoid(self.gate(F.relu(scores)))
        return below_background(self, scores), {"clip": scores.mean(1)}


NEVER = -1e4  # a background score below all events, representable in float16


def below_background(module: nn.Module, scores: torch.Tensor) -> torch.Tensor:
    """Scores [B, T, C] with that of background replaced by the module's, if it has one."""
    if not hasattr(module, "background"):
        return scores
    background = module.background.expand(*scores.shape[:-1], 1)
    return torch.cat([scores[..., :-1], background], -1)


def background_of(net: nn.Module) -> torch.Tensor | None:
    """The buffer with a network's constant score of background (see :class:`VideoHead`); None if
    the score is trained."""
    named = {name.rpartition(".")[-1]: value for name, value in net.named_buffers()}
    return named.get("background")
