# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Picture and sound of a moment correct each other (Chen et al., Generative Multi-Modal Mutual
Enhancement Video Semantic Communications, 2024, section 3.1, eq. 3, which leaves open how)."""

from __future__ import annotations

import numpy as np

SAME = 0.5  # how often both are of one class, beside what chance gives: the hyper-parameter
"""tools/calibrate_recognition.py finds it, and the confidences below, on validation."""
SURE_SEEN, SURE_HEARD = 0.3, 0.3  # confidences from which a class is named


def fused(seen: np.ndarray, heard: np.ndarray, same: float = SAME):
    """Probabilities [..., C] of what is seen and of what is heard, each from its own recogniser ->
    those of each given both, [..., C] twice.

    By Bayes' rule, where classes c and d have the probability

        P(c, d) = same [c = d] / C + (1 - same) / C^2

    before picture and sound are looked at.  ``same`` = 0 leaves both as they are, 1 takes one class
    for both.  A row of 0 stands for nothing to see or hear: it stays, and so does the other.
    """
    classes = seen.shape[-1]
    return tuple(
        _normalised(one * (same * classes * other + (1 - same) * _total(other)), one)
        for one, other in ((seen, heard), (heard, seen))
    )


def _normalised(product: np.ndarray, alone: np.ndarray) -> np.ndarray:
    """Rows with a sum of 1; what was said alone where nothing is left of the product."""
    total = _total(product)
    return np.where(total > 0, product / np.where(total > 0, total, 1), alone)


def _total(rows: np.ndarray) -> np.ndarray:
    return rows.sum(-1, keepdims=True)
