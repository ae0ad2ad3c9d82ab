# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Decides the event of a clip and its first and last segment, for the whole clip at once."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

SMALLEST = 1e-7  # least probability, so that its logarithm is finite


class EventSpan(nn.Module):
    """Posterior over (event, start, end) of a clip, and from it that of each segment.

    The model: a clip has one event that is heard *and* seen in one run of segments [s, e), possibly
    none, a semi-Markov conditional random field with a single segment (Sarawagi and Cohen, NIPS
    2004).  Each terminal k gives evidence x_k[t, c] for event c in segment t.  Inside the run all
    terminals have the event; outside, at most one has it, and it is unknown which:

        inside[t, c]  = p[t] + sum_k x_k[t, c]
        outside[t, c] = log(e^b_0 + sum_k e^(b_k + x_k[t, c]))
        score[c, s, e] = sum_(t in [s, e)) inside[t, c] + sum_(t not in it) outside[t, c]
                         + start (if s > 0) + end (if e < T)      or + empty, if s = e

    p[t] is evidence for any event in segment t; b, start, end and empty are learnt.  A segment's
    probability of event c is the sum of the posterior over all runs that contain it; the rest is
    background.  So the evidence of a stream does not depend on the stream with which it was paired
    in training, and one certain second decides the event of the others.

    The sum assumes independent segments, but the segments of a clip are dependent: a misleading
    sound gives the same wrong evidence ten times.  Scores are therefore divided by ``redundancy``,
    the number of segments that count as one, before they become probabilities.

    Input
        evidence: K tensors [B, T, C - 1];  presence: p, [B, T];  any T, memory grows with T squared
    Output
        log probabilities [B, T, C], background last
    """

    def __init__(self, terminals: int, redundancy: float = 1.0):
        super().__init__()
        self.redundancy = redundancy
        self.alone = nn.Parameter(torch.zeros(terminals + 1))
        self.start, self.end, self.empty = (nn.Parameter(torch.zeros(())) for _ in range(3))

    def forward(self, evidence: list[torch.Tensor], presence: torch.Tensor) -> torch.Tensor:
        """evidence K tensors [B, T, C - 1], presence [B, T] -> log probabilities [B, T, C],
        background last."""
        runs, covered = self._runs(evidence[0].shape[1], evidence[0].device)
        scores = self.scores(evidence, presence, *runs)
        posterior = scores.flatten(1).softmax(1).view_as(scores)
        event = torch.einsum("bnc,nt->btc", posterior, covered)
        background = 1 - event.sum(-1, keepdim=True)
        return torch.cat([event, background], -1).clamp_min(SMALLEST).log()

    def event(self, evidence: list[torch.Tensor], presence: torch.Tensor) -> torch.Tensor:
        """Log score of each event at any time, [B, C - 1]: summed over its runs."""
        runs, _ = self._runs(evidence[0].shape[1], evidence[0].device)
        return self.scores(evidence, presence, *runs)[:, :-1].logsumexp(1)

    def scores(self, evidence, presence, start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
        """Scores [B, n, C - 1] of n runs [start, end), the empty one of each event last."""
        inside = torch.stack(evidence).sum(0) + presence[..., None]
        alone = [x + b for x, b in zip(evidence, self.alone[1:], strict=True)]
        nobody = self.alone[0].expand_as(inside)
        outside = torch.stack([nobody, *alone]).logsumexp(0)
        gain = F.pad((inside - outside).cumsum(1), (0, 0, 1, 0))
        edges = self.start * (start > 0) + self.end * (end < inside.shape[1])
        run = gain[:, end] - gain[:, start] + edges[:, None]
        empty = self.empty.expand_as(run[:, :1])
        return (torch.cat([run, empty], 1) + outside.sum(1, keepdim=True)) / self.redundancy

    @staticmethod
    def _runs(segments: int, device) -> tuple[tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Starts and ends of all runs, and the mask of the segments in each run and the empty
        one."""
        start, end = torch.triu_indices(segments, segments, device=device)
        end = end + 1
        at = torch.arange(segments, device=device)
        covered = (start[:, None] <= at) & (at < end[:, None])
        return (start, end), F.pad(covered.float(), (0, 0, 0, 1))


class SegmentAlone(nn.Module):
    """Decides each segment by itself, by the sum of its evidence, instead of :class:`EventSpan`.

    Input and output as there; the score of background is learnt.
    """

    def __init__(self):
        super().__init__()
        self.nobody = nn.Parameter(torch.zeros(()))

    def forward(self, evidence: list[torch.Tensor], presence: torch.Tensor) -> torch.Tensor:
        """evidence K tensors [B, T, C - 1], presence [B, T] -> log probabilities [B, T, C],
        background last."""
        scores = torch.stack(evidence).sum(0) + presence[..., None]
        background = self.nobody.expand(*scores.shape[:2], 1)
        return torch.cat([scores, background], -1).log_softmax(-1)

    def event(self, evidence: list[torch.Tensor], presence: torch.Tensor) -> torch.Tensor:
        """Score of each event in the clip, [B, C - 1]: its largest score in a segment."""
        return (torch.stack(evidence).sum(0) + presence[..., None]).amax(1)
