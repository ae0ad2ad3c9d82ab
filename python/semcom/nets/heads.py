# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Heads: they turn the features of each segment into a decision, one head for each way of training.

A head turns fused features [B, T, d] into (logits [B, T, C], extras): the decision of a segment is
its largest logit, the extras are what the loss (``training.losses``) wants besides.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from .layers import dense

RELEVANT = 0.7  # probability from which a segment holds an event (VSCG's tau_b)


class SegmentHead(nn.Module):
    """Each segment for itself: a dense layer and one score for each class."""

    def __init__(self, dim: int, units: int, classes: int, bias: bool = True):
        super().__init__()
        self.layers = dense(dim, units, classes, last_relu=False, bias=bias)

    def forward(self, fused: torch.Tensor) -> tuple[torch.Tensor, dict]:
        return self.layers(fused), {}


class EventHead(nn.Module):
    """Is there an event in the segment, and which event is it that the clip has (VSCG, eqs 14, 15).

    Extras: "relevance" o_t [B, T], "category" o_c [B, C - 1] from the maximum over the clip.  The
    logits are such that a segment is background unless sigmoid(o_t) > 0.7.
    """

    def __init__(self, dim: int, classes: int):
        super().__init__()
        self.relevance = nn.Linear(dim, 1)
        self.category = nn.Linear(dim, classes - 1)

    def forward(self, fused: torch.Tensor) -> tuple[torch.Tensor, dict]:
        relevance, category = self.relevance(fused)[..., 0], self.category(fused.amax(1))
        share = (category - category.amax(-1, keepdim=True))[:, None]
        events = share + relevance[..., None]
        background = torch.full_like(events[..., :1], math.log(RELEVANT / (1 - RELEVANT)))
        logits = torch.cat([events, background], -1)
        return logits, {"relevance": relevance, "category": category}


class VideoHead(nn.Module):
    """Scores of segments that are trained by the label of the clip alone.

    Each segment's C scores, weighed by a gate of its own (Zhou et al., PSP: ReLU, then a sigmoid of
    one score) where ``gated``, are averaged over the clip: extras "clip" [B, C], logits of the
    clip's label.  The label never names a second without the event, so nothing teaches the score of
    background: in its place stands ``background``, one number that validation sets, below which
    the winning event is not believed.  Trained with the ``proportions`` of the labels, which do
    say how many seconds are background, the score of background is the network's own.
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
        scores = self.scores(self.hidden(fused))
        if self.gate is not None:
            scores = scores * torch.sigmoid(self.gate(F.relu(scores)))
        return below_background(self, scores), {"clip": scores.mean(1)}


NEVER = -1e4  # a background score that no event falls below; float16 holds it


def below_background(module: nn.Module, scores: torch.Tensor) -> torch.Tensor:
    """Scores [B, T, C] with that of background replaced by the module's, if it has one."""
    if not hasattr(module, "background"):
        return scores
    background = module.background.expand(*scores.shape[:-1], 1)
    return torch.cat([scores[..., :-1], background], -1)


def background_of(net: nn.Module) -> torch.Tensor | None:
    """The buffer with the score of background of a network, where training does not tell it (see
    :class:`VideoHead`)."""
    named = {name.rpartition(".")[-1]: value for name, value in net.named_buffers()}
    return named.get("background")
