# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Chooses the key frames of a film, from which the other pictures are interpolated.

Pictures are compared by their correlation (Chen et al., Generative Multi-Modal Mutual Enhancement
Video Semantic Communications, 2024, eq. 1).  A picture becomes a key frame if its correlation with
the last key frame is low (eq. 2; there it must be low with all other pictures, which no picture of
a static film fulfils).  The number of key frames can be anything from one to all pictures, so the
threshold is lowered to keep a budget.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..base.errors import SemcomError


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two pictures' grey levels, [h, w] uint8 each, -1 to 1: eq. (1).

    It does not depend on brightness and contrast.  It is undefined for a picture of a single level:
    1 for two of the same level, otherwise 0.
    """
    return float(_correlations(np.stack([one, other]))[0, 1])


def key_frames(pictures: np.ndarray, threshold=0.9, most=16, gap=16) -> np.ndarray:
    """Numbers of the key frames of pictures [n, h, w, 3] uint8 RGB: [k] int64, ascending.

    The first picture is one, then each whose correlation with the last key frame is below
    ``threshold``, or that comes ``gap`` pictures after it.  If there are more than ``most``, the
    threshold is lowered step by step, each time to the largest correlation of a picture that was
    below it, until there are at most ``most``: this is the highest threshold that keeps the budget.

    SemcomError if ``most`` is less than the number that the gap needs, ceil(n / gap).
    """
    count = len(pictures)
    if gap < 1 or most < -(-count // gap):
        raise SemcomError(
            f"at most {most} key frames of {count} pictures, at least one in {gap}: impossible; "
            "allow more key frames or a longer gap"
        )
    if not count:
        return np.zeros(0, np.int64)
    likeness = _correlations(_grey(pictures))
    kept, threshold = _greedy(likeness, threshold, gap)
    while len(kept) > most:
        kept, threshold = _greedy(likeness, threshold, gap)
    return np.array(kept)


def _greedy(likeness: np.ndarray, threshold: float, gap: int) -> tuple[list[int], float]:
    """The key frames at a threshold, and the next lower threshold at which they may change."""
    kept, lower = [0], -np.inf
    for i in range(1, len(likeness)):
        like = likeness[kept[-1], i]
        unlike = like < threshold
        if unlike:
            lower = max(lower, like)
        if unlike or i - kept[-1] == gap:
            kept.append(i)
    return kept, lower


def _grey(pictures: np.ndarray) -> np.ndarray:
    count, height, width, _ = pictures.shape
    column = pictures.reshape(count * height, width, 3)
    return cv2.cvtColor(column, cv2.COLOR_RGB2GRAY).reshape(count, height, width)


def _correlations(grey: np.ndarray) -> np.ndarray:
    """Correlations (eq. 1) of all pairs of pictures [n, h, w] uint8: [n, n].

    Numerator and denominator are multiplied by the number of pixels, which makes them sums of
    integers: equal pictures then have a correlation of exactly 1.
    """
    levels = grey.reshape(len(grey), -1).astype(np.float64)
    sums = levels.sum(1)
    products = levels.shape[1] * (levels @ levels.T) - np.outer(sums, sums)
    spread = products.diagonal()
    scale = np.sqrt(np.outer(spread, spread))
    flat = np.equal.outer(sums, sums) & np.equal.outer(spread, spread)
    return np.where(scale > 0, products / np.where(scale > 0, scale, 1), flat)
