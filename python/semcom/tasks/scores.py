# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Scores of decided segments against their truth, as functions of arrays."""

import numpy as np

from ..base.runs import runs


def clip_bootstrap(correct: np.ndarray, draws: int = 2000, seed: int = 0) -> tuple:
    """95 % interval of the accuracy from resampling clips.

    correct  [N] share of correct segments in each clip.  The segments of a clip share a channel and
             a recording, so only clips are independent.
    """
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(correct), (draws, len(correct)))
    low, high = np.percentile(np.asarray(correct)[picks].mean(1), [2.5, 97.5])
    return float(low), float(high)


def confusion(truth: np.ndarray, decided: np.ndarray, classes: int) -> np.ndarray:
    """Confusion matrix [C, C] int64: number of segments of each class (row) by decision
    (column)."""
    pairs = np.ravel(truth) * classes + np.ravel(decided)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_accuracy(matrix: np.ndarray) -> list:
    """Share of correct segments of each class, [C]; None for a class without segments."""
    total = matrix.sum(1)
    return [float(matrix[c, c] / n) if n else None for c, n in enumerate(total)]


def events_of(labels: np.ndarray, background: int) -> list:
    """Runs of segments of one event in a clip, labels [T] -> [(class, start, end), ...]."""
    return [(event, s, e) for s, e, event in runs(labels.tolist()) if event != background]


def overlap(one: tuple, other: tuple) -> float:
    """Intersection over union of two runs (class, start, end); 0 if the classes differ."""
    if one[0] != other[0]:
        return 0.0
    shared = min(one[2], other[2]) - max(one[1], other[1])
    return max(0, shared) / (max(one[2], other[2]) - min(one[1], other[1]))


def event_f1(truth: np.ndarray, decided: np.ndarray, background: int, least: float = 0.5) -> float:
    """F1 of whole events over a set (Tian et al., ECCV 2020): a decided run of segments is right if
    it overlaps a true run of its class by an intersection over union of at least ``least``.

    truth, decided [N, T].  Each true run is matched once.
    """
    right = named = there = 0
    for labels, answer in zip(truth, decided, strict=True):
        wanted = events_of(labels, background)
        found = events_of(answer, background)
        named, there = named + len(found), there + len(wanted)
        for run in found:
            best = max(wanted, key=lambda other: overlap(run, other), default=None)
            if best is not None and overlap(run, best) >= least:
                right += 1
                wanted.remove(best)
    return 2 * right / (named + there) if named + there else 1.0


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error (Guo et al., 2017, eq. 3): the difference between the share of
    correct decisions and the mean confidence, averaged over bins of equal width by their counts.

    confidence  [n], 0 to 1
    right       [n] bool; 0 if n is 0
    """
    rows = reliability(confidence, right, bins)
    counts = rows[:, 2]
    return float(np.abs(rows[:, 0] - rows[:, 1]) @ counts / max(counts.sum(), 1))


def least_calibration_error(
    confidence: np.ndarray, together: bool, bins: int = 15, draws: int = 200
) -> float:
    """Mean :func:`calibration_error` of a system whose confidences are true, which is above 0
    because the seconds are few.

    confidence  [clips, seconds], 0 to 1
    together    whether the seconds of a clip are right together, each as often as its confidence
                says, or independently of each other
    """
    rng = np.random.default_rng(0)
    shape = (len(confidence), 1) if together else confidence.shape
    right = (rng.random(shape) < confidence for _ in range(draws))
    return float(np.mean([calibration_error(confidence, each, bins) for each in right]))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> np.ndarray:
    """The points of a reliability diagram, [m, 3]: mean confidence, share of correct decisions and
    count of each nonempty bin."""
    confidence, right = (np.ravel(v).astype(float) for v in (confidence, right))
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    there = np.unique(place)
    return np.array(
        [(confidence[place == k].mean(), right[place == k].mean(), (place == k).sum())
         for k in there]
    ).reshape(-1, 3)  # fmt: skip
