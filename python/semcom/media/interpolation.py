# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Interpolates pictures between key frames by optical flow: Chen et al., Generative Multi-Modal
Mutual Enhancement Video Semantic Communications, 2024, eq. (10).

The flow is OpenCV's dense inverse search (Kroeger et al. 2016), in both directions.  Where forward
and backward flow do not agree, as at occlusions or cuts, the motion is reduced, and the result is a
blend of both key frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..base.errors import SemcomError

SMALLEST = 16  # [pixels] least side of a picture for optical flow
ASTRAY = 4.0  # [pixels] disagreement of the flows that reduces a motion to 1/e


def between(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """``count`` pictures [count, h, w, 3] uint8, evenly spaced between two [h, w, 3] uint8 RGB.

    At the relative time t (0 to 1) both are warped to t and blended with weights 1 - t and t.
    Pictures with a side below 16 pixels are only blended.
    """
    forth, back = _flows(first, last)
    shares = np.arange(1, count + 1) / (count + 1)
    shown = [_blend(_moved(first, forth, t), _moved(last, back, 1 - t), t) for t in shares]
    return np.array(shown, np.uint8).reshape(count, *first.shape)


def filled(keys: np.ndarray, places: Sequence[int], count: int) -> np.ndarray:
    """All pictures [count, h, w, 3] uint8 of a clip from its key frames.

    keys    [k, h, w, 3] uint8 RGB, k at least 1
    places  [k] their numbers in the clip, ascending, 0 to count - 1

    Pictures between two key frames are made by :func:`between`; before the first and after the last
    one, that one is repeated.  SemcomError without a key frame, and for other places.
    """
    steps = np.diff([-1, *places, count])
    if not len(keys) == len(places) > 0 or (steps < 1).any():
        raise SemcomError(
            f"{len(keys)} key frames at {[int(place) for place in places]} of {count} pictures: "
            f"expected ascending places from 0 to {count - 1}, at least one"
        )
    shown = np.empty((count, *keys.shape[1:]), np.uint8)
    shown[: places[0]], shown[places[-1] :] = keys[0], keys[-1]
    for i, (place, after) in enumerate(zip(places, places[1:], strict=False)):
        shown[place] = keys[i]
        shown[place + 1 : after] = between(keys[i], keys[i + 1], after - place - 1)
    return shown


def _flows(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Motion [h, w, 2] float32 in pixels (x, y) from each picture to the other."""
    if min(first.shape[:2]) < SMALLEST:
        still = np.zeros((*first.shape[:2], 2), np.float32)
        return still, still
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, last)]
    forth, back = search.calc(*grey, None), search.calc(*grey[::-1], None)
    return _believed(forth, back), _believed(back, forth)


def _believed(forth: np.ndarray, back: np.ndarray) -> np.ndarray:
    """The forward motion [h, w, 2], reduced by its disagreement with the backward motion."""
    missed = np.linalg.norm(forth + _sampled(back, _grid(forth) + forth), axis=-1)
    return forth * np.exp(-missed / ASTRAY)[..., None]


def _moved(picture: np.ndarray, motion: np.ndarray, share: float) -> np.ndarray:
    """A picture warped by ``share`` of its motion; edge pixels are repeated."""
    return _sampled(picture, _grid(motion) - np.float32(share) * motion)


def _sampled(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values [h, w, ...] at places [h, w, 2] (x, y), by bilinear interpolation; outside, those of
    the edge."""
    return cv2.remap(values, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _grid(motion: np.ndarray) -> np.ndarray:
    """The coordinates (x, y) of all pixels, [h, w, 2] float32."""
    rows, columns = np.indices(motion.shape[:2], np.float32)
    return np.stack([columns, rows], -1)


def _blend(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    return cv2.addWeighted(one, 1 - share, other, share, 0)
