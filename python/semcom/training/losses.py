# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Training losses: eqs (16) to (18) of Yu et al. (arXiv:2412.06208), and that of our own system."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ..nets.layers import l1_rows


def classification(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Eq. (16): cross entropy, averaged over clips and segments.

    The paper divides by the number of classes too, which would only rescale beta.

    logits [B, T, C];  labels [B, T] int64
    """
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def segment_similarity(
    audio: torch.Tensor, visual: torch.Tensor, is_event: torch.Tensor
) -> torch.Tensor:
    """Eq. (17): MSE between the similarity of the modalities over time and where the event is.

    S_cos: cosine of the features, ReLU, l1 over T;  G: event indicator, l1 over T.

    audio, visual [B, T, d];  is_event [B, T] bool
    """
    cosine = F.relu(F.cosine_similarity(audio, visual, dim=-1))
    return F.mse_loss(l1_rows(cosine), l1_rows(is_event.float()))


def single_stream(
    evidence: list[torch.Tensor], labels: torch.Tensor, background: int
) -> torch.Tensor:
    """Cross entropy of what each stream alone says of the event while it happens.

    Trained together only, the streams lean on each other, and each names the event worse than it
    could.

    evidence K tensors [B, T, C - 1];  labels [B, T];  clips without event do not count
    """
    happens = labels != background
    share = happens / happens.sum(1, keepdim=True).clamp_min(1)
    event = labels.gather(1, happens.int().argmax(1, keepdim=True))[:, 0]
    target = torch.where(happens.any(1), event, -1)
    means = [torch.einsum("btc,bt->bc", x, share) for x in evidence]
    total = sum(F.cross_entropy(x, target, ignore_index=-1, reduction="sum") for x in means)
    return total / happens.any(1).sum().clamp_min(1)


def auxiliary(kind: str, features, labels: torch.Tensor, background: int) -> torch.Tensor | float:
    """The loss beside the classification that a system names, in its usual weight.

    "segment_similarity": 100 times eq. (17), as the paper has it;  "single_stream": 0.3 times;
    "": none.  With one terminal there is no similarity.
    """
    if kind == "segment_similarity" and len(features) == 2:
        return 100 * segment_similarity(*features, labels != background)
    if kind == "single_stream" and len(features) == 2:
        return 0.3 * single_stream(features, labels, background)
    return 0.0


def total(kind: str, logits, features, labels, weight: float) -> torch.Tensor:
    """Eq. (18): classification and auxiliary loss; ``weight`` 1 is the paper's beta = 100."""
    background = logits.shape[-1] - 1
    return classification(logits, labels) + weight * auxiliary(kind, features, labels, background)
