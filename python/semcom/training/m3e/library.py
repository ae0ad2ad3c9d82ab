# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The photographs and recordings that a training draws from: those of a folder of raw material, or
drawn ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...data.clipset import SPLITS
from ...data.material_drawn import DrawnMaterial
from ...data.material_raw import RawMaterial

DRAWN = {"train": 40, "val": 8, "test": 8}  # of each event


class Drawn:
    """Pictures and sounds of ten events drawn by a program, with the attributes of
    :class:`~semcom.data.material_raw.RawMaterial`: ``pictures`` and ``sounds``, class index -> list
    of [h, w, 3] uint8 and of [samples] float32.

    split  "train", "val" or "test"; decides the seed
    kinds  "image", "audio" or both
    count  examples of each event
    """

    def __init__(self, split: str, kinds: tuple[str, ...], count: int):
        material, rng = DrawnMaterial(), np.random.default_rng(SPLITS.index(split))
        makes = {"image": lambda event: _shown(material, rng, event),
                 "audio": lambda event: material.sound(rng, event)}  # fmt: skip
        made = {
            kind: {event: [make(event) for _ in range(count)] for event in material.events()}
            for kind, make in makes.items()
            if kind in kinds
        }
        self.pictures, self.sounds = made.get("image", {}), made.get("audio", {})


def _shown(material: DrawnMaterial, rng, event: int) -> np.ndarray:
    """A drawn picture before a background, [h, w, 3] uint8."""
    drawn = material.picture(rng, event)
    height, width = drawn.shape[:2]
    opaque = drawn[..., 3:] / 255
    behind = material.scene(rng)[:height, :width]
    return (drawn[..., :3] * opaque + behind * (1 - opaque)).astype(np.uint8)


def library(path: str | Path | None, split: str, kind: str, limit: int | None = None):
    """The pictures ("image") or sounds ("audio") of a split, a RawMaterial or :class:`Drawn`.

    path   folder of raw material; None: drawn pictures and sounds
    split  "train", "val" or "test"
    kind   "image" or "audio"
    limit  most examples of each class; None: all
    """
    if path is None:
        return Drawn(split, (kind,), min(limit or DRAWN[split], DRAWN[split]))
    found = RawMaterial(path, split, (kind,))
    for files in (found.pictures, found.sounds):
        for event in files:
            files[event] = files[event][:limit]
    return found
