# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Chooses the key frames of a film, from which the other pictures are interpolated.

Pictures are compared by their correlation (Chen et al., Generative Multi-Modal Mutual Enhancement
Video Semantic Communications, 2024, eq. 1), and one that is unlike the last that was kept is kept
(eq. 2; there it has to be unlike all other pictures of the film, which none is where one stands
still).  That makes anything from one to all of them, so the threshold gives way to a budget.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..base.errors import SemcomError


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation of two pictures' grey levels, [h, w] uint8 each, -1 to 1: eq. (1).

    It is blind to brightness and contrast.  A picture of one level has none: 1 between two of the
    same level, else 0.
    """
    return float(_correlations(np.stack([one, other]))[0, 1])


def key_frames(pictures: np.ndarray, threshold=0.9, most=16, gap=16) -> np.ndarray:
    """Pictures [n, h, w, 3] uint8 RGB -> which of them to send: [k] int64, rising.

    The first is kept, then each that correlates with the last kept one by less than ``threshold``,
    or that comes ``gap`` pictures after it.  If those are more than ``most``, the threshold is
    lowered step by step, each time to the largest correlation of a picture that was kept for being
    below it, until they are at most ``most``: the highest threshold that holds the budget.

    Raises SemcomError where ``most`` is less than the gap asks for, ceil(n / gap).
    """
    count = len(pictures)
    if gap < 1 or most < -(-count // gap):
        raise SemcomError(
            f"at most {most} key frames of {count} pictures, one in {gap} at least: cannot be; "
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
    """What is kept at a threshold, and the next lower threshold at which that may change."""
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
    """[n, h, w] -> [n, n]: eq. (1), numerator and denominator times the number of pixels: sums of
    integers, so that equal pictures correlate by 1 and not by almost 1."""
    levels = grey.reshape(len(grey), -1).astype(np.float64)
    sums = levels.sum(1)
    products = levels.shape[1] * (levels @ levels.T) - np.outer(sums, sums)
    spread = products.diagonal()
    scale = np.sqrt(np.outer(spread, spread))
    flat = np.equal.outer(sums, sums) & np.equal.outer(spread, spread)
    return np.where(scale > 0, products / np.where(scale > 0, scale, 1), flat)
