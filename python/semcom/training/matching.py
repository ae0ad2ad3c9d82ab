# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Cross-modal localisation: finds the seconds of an event of one modality in the other.

Tian et al. (ECCV 2018), Xue et al. (TMM 2021, III-D).  A window with the number of the event's
seconds in the query modality slides over the other modality; the result is the place of least mean
distance, which is correct if it is the event's exact start.  ``a2v``: the query is sound.

Two ways to embed what is compared:

``paper``       the network sees the clip once, sound and picture in step.  Attention has then
                attended to each second of the picture with the sound of the same second, and the
                                    recurrent layers know its distance from either end: these
                                    features reveal which seconds belong together.
``recomputed``  for each candidate the network sees the query's seconds and the candidate's alone,
                as if they were in step; nothing else of the clip, nor where in it they lie.
"""

from __future__ import annotations

import numpy as np
import torch

from ..data.tensors import Features

MODES = ("a2v", "v2a")
INFERENCE = ("paper", "recomputed")


def spans(labels: torch.Tensor, background: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Start and length of the first event of each clip, labels [N, T] -> [N], [N] int64.

    Length 0: no event.
    """
    happens = labels != background
    start = happens.int().argmax(1)
    after = torch.arange(labels.shape[1]) >= start[:, None]
    length = (happens & ((~happens & after).cumsum(1) == 0) & after).sum(1)
    return start, length


def usable(labels: torch.Tensor, background: int) -> torch.Tensor:
    """Clips whose event is shorter than they are: the others leave nothing to find, [N] bool."""
    length = spans(labels, background)[1]
    return (length > 0) & (length < labels.shape[1])


def distances(embedded) -> list[torch.Tensor]:
    """Euclidean distance between sound and picture of each stream, [..., T]."""
    # sqrt has no gradient at zero
    return [(a - v).square().sum(-1).clamp_min(1e-12).sqrt() for a, v in embedded]


def window_distances(query: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Mean distance of a query [..., l, d] from each window of other [..., T, d] -> [..., T - l +
    1]."""
    windows = other.unfold(-2, query.shape[-2], 1).transpose(-1, -2)  # [..., T - l + 1, l, d]
    return (windows - query[..., None, :, :]).norm(dim=-1).mean(-1)


@torch.inference_mode()
def find(net, audio: torch.Tensor, visual: torch.Tensor, start, length: int, mode: str, how: str):
    """Where the query is found in the other modality: starts [B] int64.

    audio [B, T, d_a], visual [B, T, h, w, d_v];  start [B], length: of the query, the same for all
    """
    if how == "paper":
        found = _in_step(net, audio, visual, start, length, mode)
    else:
        found = _recomputed(net, audio, visual, start, length, mode)
    return found.argmin(-1)


def cut(features: torch.Tensor, start: torch.Tensor, length: int) -> torch.Tensor:
    """Segments [start, start + length) of each clip: [B, T, ...] -> [B, length, ...]."""
    at = start[:, None] + torch.arange(length, device=features.device)
    return features[torch.arange(len(features), device=features.device)[:, None], at]


def _in_step(net, audio, visual, start, length, mode) -> torch.Tensor:
    total = 0
    for heard, seen in net.match(audio, visual):
        query, other = (heard, seen) if mode == "a2v" else (seen, heard)
        total = total + window_distances(cut(query, start, length), other)
    return total


def _recomputed(net, audio, visual, start, length, mode) -> torch.Tensor:
    """The network on the query's seconds and each candidate's: distance [B, T - l + 1]."""
    columns = []
    for offset in range(audio.shape[1] - length + 1):
        candidate = torch.full_like(start, offset)
        heard_at, seen_at = (start, candidate) if mode == "a2v" else (candidate, start)
        embedded = net.match(cut(audio, heard_at, length), cut(visual, seen_at, length))
        columns.append(torch.stack(distances(embedded)).mean((0, -1)))
    return torch.stack(columns, -1)


def answers(
    net, clips: Features, mode: str, how: str = "recomputed", batch: int = 64
) -> dict[int, tuple[int, int, int]]:
    """Clip number -> start, length and where it was found, for every usable clip."""
    was_training = net.training
    net.eval()
    background = len(net.classes) - 1
    start, length = spans(clips.labels, background)
    good = usable(clips.labels, background)
    result = {}
    for same in sorted(set(length[good].tolist())):
        for index in (good & (length == same)).nonzero()[:, 0].split(batch):
            audio, visual = clips.batch(index, net).values()
            found = find(net, audio, visual, start[index].to(audio.device), same, mode, how)
            for number, answer in zip(index.tolist(), found.tolist(), strict=True):
                result[number] = (int(start[number]), same, answer)
    net.train(was_training)
    return result


def accuracy(net, clips: Features, mode: str, how: str = "recomputed") -> float:
    """Share of usable clips whose event was found at its exact start."""
    found = answers(net, clips, mode, how).values()
    return float(np.mean([start == answer for start, _, answer in found]))


def chance(labels: torch.Tensor, background: int) -> float:
    """Accuracy of a random answer: the mean of 1 / (T - l + 1)."""
    length = spans(labels, background)[1][usable(labels, background)]
    return float((1.0 / (labels.shape[1] - length + 1)).mean())


def position_prior(train: torch.Tensor, test: torch.Tensor, background: int) -> float:
    """Accuracy on labels ``test`` of the start that is most frequent in ``train`` for an event of
    that length: what can be said without looking or listening."""
    start, length = spans(train, background)
    likely = {
        int(n): int(start[length == n].bincount().argmax()) for n in length[length > 0].unique()
    }
    start, length = (x[usable(test, background)] for x in spans(test, background))
    pairs = zip(start.tolist(), length.tolist(), strict=True)
    return float(np.mean([likely.get(n, 0) == s for s, n in pairs]))
