# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fusion of the classes recognised in picture and sound (Chen et al., Generative Multi-Modal Mutual
Enhancement Video Semantic Communications, 2024, section 3.1, eq. 3, which leaves the method
open)."""

from __future__ import annotations

import numpy as np

SAME = 0.65  # prior probability that both have one class, beyond chance: the hyper-parameter
"""Found, with the confidences below, by tools/calibrate_recognition.py on the validation split."""
SURE_SEEN, SURE_HEARD = 0.5, 0.45  # confidences from which a class is named


def fused(seen: np.ndarray, heard: np.ndarray, same: float = SAME):
    """Class probabilities [..., C] of the thing seen and of the thing heard, each from its own
    recogniser -> the same probabilities given both, [..., C] twice.

    By Bayes' rule, where classes c and d have the probability

        P(c, d) = same [c = d] / C + (1 - same) / C^2

    a priori.  ``same`` = 0 changes nothing, 1 gives both the same class.  A row of zeros stands for
    nothing seen or heard; then both rows stay as they are.
    """
    classes = seen.shape[-1]
    return tuple(
        _normalised(one * (same * classes * other + (1 - same) * _total(other)), one)
        for one, other in ((seen, heard), (heard, seen))
    )


def _normalised(product: np.ndarray, alone: np.ndarray) -> np.ndarray:
    """The rows of ``product`` scaled to sum 1; the rows of ``alone`` where they are 0."""
    total = _total(product)
    return np.where(total > 0, product / np.where(total > 0, total, 1), alone)


def _total(rows: np.ndarray) -> np.ndarray:
    return rows.sum(-1, keepdims=True)
