# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Single sounds and their classes from several folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .clipset import AVE_CLASSES
from .material_raw import read_sound, rows_of


def recordings(manifests: Sequence[str | Path], split: str) -> dict[int, list[np.ndarray]]:
    """The sounds of one split of several manifests (see ``material_raw``): {class index: list of
    [samples] float32, 16 kHz mono, -1 to 1}."""
    found = {}
    for manifest in map(Path, manifests):
        for row in rows_of(manifest, split):
            if row["kind"] == "audio":
                sound = read_sound(manifest.parent / row["path"])
                found.setdefault(AVE_CLASSES.index(row["class"]), []).append(sound)
    return found
