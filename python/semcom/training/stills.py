# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Single photographs as M3E-VSC learns from them: squares of 64 pixels with their classes."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from ..data.material_raw import RawMaterial
from ..nets.m3e.picture import SIDE, as_tensor

LARGEST = 112  # [pixels] shorter side that photographs are kept at
LEAST = 0.7  # of the shorter side, of a crop


class Stills:
    """Pictures of one split.

    material  the split's raw material

    ``pictures`` is a list of [h, w, 3] uint8, whose shorter side is at most LARGEST pixels;
    ``classes`` [n] int64 are AVE's.
    """

    def __init__(self, material: RawMaterial):
        pairs = [(c, p) for c, group in sorted(material.pictures.items()) for p in group]
        self.pictures = [_small(picture) for _, picture in pairs]
        self.classes = torch.tensor([event for event, _ in pairs])

    def __len__(self) -> int:
        return len(self.pictures)

    def crops(self, index: Tensor) -> Tensor:
        """Random squares, some mirrored, as [B, 3, 64, 64] float32 in 0 to 1; drawn by Torch's
        generator."""
        draw = torch.rand(len(index), 4).numpy()
        squares = [_crop(self.pictures[i], d) for i, d in zip(index.tolist(), draw, strict=True)]
        return as_tensor(np.stack(squares))

    def middles(self, index: Tensor) -> Tensor:
        """The middle squares, as :meth:`crops`."""
        return as_tensor(np.stack([middle(self.pictures[i]) for i in index.tolist()]))


def _small(picture: np.ndarray) -> np.ndarray:
    factor = LARGEST / min(picture.shape[:2])
    if factor >= 1:
        return picture
    size = [max(LARGEST, round(n * factor)) for n in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def middle(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The largest square in the middle, at ``side`` pixels."""
    short = min(picture.shape[:2])
    top, left = ((n - short) // 2 for n in picture.shape[:2])
    return _resized(picture[top : top + short, left : left + short], side)


def _crop(picture: np.ndarray, draw: np.ndarray) -> np.ndarray:
    short = round(min(picture.shape[:2]) * (LEAST + (1 - LEAST) * draw[0]))
    top, left = (
        int(d * (n - short + 1)) for d, n in zip(draw[1:3], picture.shape[:2], strict=True)
    )
    part = picture[top : top + short, left : left + short]
    return _resized(part[:, ::-1] if draw[3] < 0.5 else part, SIDE)


def _resized(square: np.ndarray, side: int) -> np.ndarray:
    how = cv2.INTER_AREA if len(square) > side else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(square), (side, side), interpolation=how)
