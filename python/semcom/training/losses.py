# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Training losses of Yu et al. (arXiv:2412.06208), eqs (16) to (18)."""

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


def total(logits, features, labels, beta: float) -> torch.Tensor:
    """Eq. (18): classification + beta * segment similarity (with two terminals); background
    last."""
    loss = classification(logits, labels)
    if len(features) == 2:
        background = logits.shape[-1] - 1
        loss = loss + beta * segment_similarity(*features, labels != background)
    return loss
