# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""An AVE-layout folder of AVE's real size: AVE's own labels and splits, generated features.

It has AVE's size, label statistics and splits for cross-modal localisation, so that programs can be
tried without AVE's feature files.  Accuracies on it say nothing about AVE.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import replacing
from ..base.optional import h5py
from . import ave_text, synthetic
from .arrays import KEY
from .ave import order_file
from .clipset import (
    AVE_CLASSES,
    BACKGROUND,
    MATCH_SPLITS,
    SPLITS,
)

COPIED = (ave_text.FILE, *map(order_file, (*SPLITS, *MATCH_SPLITS)))


def read_spans(folder: Path) -> list[tuple[int, int, int]]:
    """(event, start, end) of each row of AVE's Annotations.txt in a folder.

    Classes are numbered in the order in which AVE's categories first appear, as in AVE_CLASSES.
    """
    path = folder / ave_text.FILE
    rows = ave_text.read(path)
    if row := ave_text.foreign(rows):
        raise SemcomError(
            f"{path}: line {row.line}: {row.category!r} is not a category of AVE; give AVE's file"
        )
    return [(AVE_CLASSES.index(row.category), row.start, row.end) for row in rows]


def write(
    texts: Path,
    out: Path,
    seed: int = 0,
    dtype: str = "float32",
    on_clip: Callable[[], None] = lambda: None,
) -> int:
    """Write the folder ``out`` for the folder ``texts`` of AVE's text files; returns the number of
    clips.

    dtype    of the visual features: 4.2 GB for AVE's 4143 clips in float32, AVE's own dtype, half
             of that in float16
    on_clip  called after each clip
    """
    spans = read_spans(texts)
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
        if (texts / name).is_file():
            shutil.copyfile(texts / name, out / name)
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
