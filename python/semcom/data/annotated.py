# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""An AVE-layout folder of AVE's real size: AVE's own labels and splits, generated features.

What cannot be had without AVE's feature files - its size, its label statistics, its splits for
cross-modal localisation - can be tried with it; its accuracies say nothing about AVE.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from ..base.errors import SemcomError
from ..base.files import replacing
from . import synthetic
from .ave import KEY, order_file
from .clipset import (
    AVE_CLASSES,
    BACKGROUND,
    MATCH_SPLITS,
    SPLITS,
)

COPIED = ("Annotations.txt", *map(order_file, (*SPLITS, *MATCH_SPLITS)))


def read_annotations(path: Path) -> list[tuple[int, int, int]]:
    """(event, start, end) of each row of AVE's ``Annotations.txt`` (category&id&quality&start&end).

    Class index: the order in which AVE's categories first appear, which is that of AVE_CLASSES.
    """
    if not path.is_file():
        raise SemcomError(f"{path}: missing; give the folder of AVE's annotations")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.strip().split("&")
        if len(fields) != 5 or not fields[3].isdigit():
            if number == 1 or not line.strip():
                continue  # AVE's header
            raise SemcomError(f"{path}: line {number} is no category&id&quality&start&end")
        if fields[0] not in AVE_CLASSES:
            raise SemcomError(f"{path}: line {number}: {fields[0]!r} is none of AVE's categories")
        rows.append((AVE_CLASSES.index(fields[0]), int(fields[3]), int(fields[4])))
    return rows


def write(
    annotations: Path,
    out: Path,
    seed: int = 0,
    dtype: str = "float32",
    on_clip: Callable[[], None] = lambda: None,
) -> int:
    """Write the folder ``out`` for the annotation folder; returns the number of clips.

    dtype: of the visual features; 4.2 GB for AVE's 4143 clips in float32, as AVE's are, half of it
    in float16;  on_clip: called after each clip
    """
    spans = read_annotations(annotations / "Annotations.txt")
    shapes = {
        "audio_feature.h5": ((synthetic.SEGMENTS, synthetic.AUDIO_DIM), "float32"),
        "visual_feature.h5": (
            (synthetic.SEGMENTS, synthetic.GRID, synthetic.GRID, synthetic.VISUAL_DIM),
            dtype,
        ),
    }
    out.mkdir(parents=True, exist_ok=True)
    with (
        replacing(out / "audio_feature.h5") as audio_file,
        replacing(out / "visual_feature.h5") as visual_file,
        h5py.File(audio_file, "w") as audio,
        h5py.File(visual_file, "w") as visual,
    ):
        arrays = [
            file.create_dataset(KEY, (len(spans), *shape), kind, chunks=(1, *shape))
            for file, (shape, kind) in zip((audio, visual), shapes.values(), strict=True)
        ]
        for row, span in enumerate(spans):
            features = synthetic.render(np.random.default_rng([seed, 9, row]), seed, span)
            for array, values in zip(arrays, features, strict=False):
                array[row] = values
            on_clip()
    _write_labels(out, spans)
    for name in COPIED:
        if (annotations / name).is_file():
            shutil.copyfile(annotations / name, out / name)
    return len(spans)


def _write_labels(out: Path, spans: list[tuple[int, int, int]]) -> None:
    """labels.h5 [clips, T, C], one-hot; mil_labels.h5 [clips, C], the clip's event."""
    labels = np.full((len(spans), synthetic.SEGMENTS), BACKGROUND)
    for row, (event, start, end) in enumerate(spans):
        labels[row, start:end] = event
    eye = np.eye(len(AVE_CLASSES), dtype=np.float32)
    events = [event for event, _, _ in spans]
    for name, values in (("labels.h5", eye[labels]), ("mil_labels.h5", eye[events])):
        with replacing(out / name) as temporary, h5py.File(temporary, "w") as file:
            file[KEY] = values
