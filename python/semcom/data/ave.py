# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The AVE file layout: ``audio_feature.h5``, ``visual_feature.h5``, ``labels.h5``, ``*_order.h5``.

Each file holds one array under the key ``avadataset`` (or its only key); features in float16,
float32 or float64 are read clip by clip.  ``Annotations.txt``, if present, names the classes and
the clips.  The layout is that of Tian et al., Audio-Visual Event Localization in Unconstrained
Videos (2018).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import replacing
from ..base.optional import h5py
from . import ave_text
from .arrays import KEY, Array
from .ave_text import Annotation
from .clipset import AVE_CLASSES, SPLITS, ClipSet, unnamed


class AveSet:
    """One split of an AVE-layout folder; see :class:`ClipSet`.  The data set is named after the
    folder.

    SemcomError for missing or damaged files, and for files that do not fit each other.
    """

    def __init__(self, folder: str | Path, split: str):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise SemcomError(
                f"{folder}: no such folder; give one in the AVE layout (audio_feature.h5, ...)"
            )
        self.name = self.folder.resolve().name
        self._audio = self._open("audio_feature.h5", ("clips", "T", "d_a"))
        self._visual = self._open("visual_feature.h5", ("clips", "T", "h", "w", "d_v"))
        one_hot = self._open("labels.h5", ("clips", "T", "C"))
        self._check_agreement(one_hot)
        self._labels = self._to_indices(one_hot.whole())
        self._order = self._read_order(order_file(split))
        rows = self._rows()
        self.classes = self._class_names(rows, one_hot.shape[-1])
        self._events = self._read_events()
        self.ids = [rows[i].film if rows else f"row {i}" for i in self._order]

    def __len__(self) -> int:
        return len(self._order)

    def audio(self, i: int) -> np.ndarray:
        """Audio features [T, d_a] float32."""
        return self._clip(self._audio, i).astype(np.float32)

    def visual(self, i: int) -> np.ndarray:
        """Visual feature maps [T, h, w, d_v], float16 if stored so, otherwise float32."""
        maps = self._clip(self._visual, i)
        return maps if maps.dtype == np.float16 else maps.astype(np.float32)

    def labels(self, i: int) -> np.ndarray:
        """Class index of each segment, [T] int64."""
        return self._labels[self._order[i]]

    def event(self, i: int) -> int:
        """Class of the clip's event, from ``mil_labels.h5``; without that file, the first event of
        its segments, or background."""
        return int(self._events[self._order[i]])

    def _read_events(self) -> np.ndarray:
        """The event of each row, [clips] int64, which is the label of weak supervision."""
        count = len(self.classes)
        if not (self.folder / "mil_labels.h5").is_file():
            happens = self._labels != count - 1
            first = self._labels[np.arange(len(happens)), happens.argmax(1)]
            return np.where(happens.any(1), first, count - 1)
        one_hot = self._open("mil_labels.h5", ("clips", "C")).whole()
        whole = one_hot.shape == (len(self._labels), count)
        if not (whole and np.isin(one_hot, (0, 1)).all() and (one_hot.sum(-1) == 1).all()):
            raise SemcomError(
                f"{self.folder / 'mil_labels.h5'}: shape {one_hot.shape}, expected one-hot "
                f"[{len(self._labels)}, {count}], an event a clip; take it from the same release"
            )
        return one_hot.argmax(-1).astype(np.int64)

    def _clip(self, features: Array, i: int) -> np.ndarray:
        row = int(self._order[i])
        clip = features.row(row)
        if clip.dtype.itemsize > 4:
            with np.errstate(over="ignore"):  # such rows are errors below
                clip = clip.astype(np.float32)
        # a float16 map sums to a finite number only if all of it is finite; float64 cannot overflow
        if not np.isfinite(clip.sum(dtype=np.float64)):
            raise SemcomError(
                f"{features.path}: row {row} holds NaN or infinity, expected finite "
                "features; extract this clip again or take it out of the order file"
            )
        return clip

    def _open(self, filename: str, axes: tuple[str, ...]) -> Array:
        return Array(self.folder / filename, axes)

    def _check_agreement(self, one_hot: Array) -> None:
        wanted = self._audio.shape[:2]
        for array in (self._visual, one_hot):
            if array.shape[:2] != wanted:
                raise SemcomError(
                    f"{array.path}: [clips, T] is {array.shape[:2]}, expected "
                    f"{wanted} as in audio_feature.h5; take the files from one release"
                )

    def _to_indices(self, one_hot: np.ndarray) -> np.ndarray:
        if not (np.isin(one_hot, (0, 1)).all() and (one_hot.sum(-1) == 1).all()):
            raise SemcomError(
                f"{self.folder / 'labels.h5'}: rows are not one-hot, expected one 1 per segment; "
                "weak labels belong in mil_labels.h5"
            )
        return one_hot.argmax(-1).astype(np.int64)

    def _read_order(self, filename: str) -> np.ndarray:
        numbers = self._open(filename, ("clips",)).whole()
        if not numbers.size:
            raise SemcomError(f"{self.folder / filename}: names no clips; choose another split")
        with np.errstate(invalid="ignore"):  # NaN
            order = numbers.astype(np.int64)
        if (order != numbers).any():
            raise SemcomError(
                f"{self.folder / filename}: index {numbers[order != numbers][0]:g}, expected whole "
                "row numbers; take the order file of this feature file"
            )
        outside = order[(order < 0) | (order >= len(self._labels))]
        if outside.size:
            raise SemcomError(
                f"{self.folder / filename}: index {outside[0]}, expected 0 to "
                f"{len(self._labels) - 1}; take the order file of this feature file"
            )
        return order

    def _rows(self) -> list[Annotation]:
        """The rows of Annotations.txt, one for each row of the arrays; [] if the file is missing or
        does not fit."""
        path = self.folder / ave_text.FILE
        rows = ave_text.read(path) if path.is_file() else []
        return rows if len(rows) == len(self._labels) else []

    def _class_names(self, rows: list[Annotation], count: int) -> tuple[str, ...]:
        """Class names by index: the category that most rows give to the event in their labels."""
        names = list(AVE_CLASSES) if count == len(AVE_CLASSES) else [*map(unnamed, range(count))]
        names[-1] = "background"
        said = defaultdict(Counter)
        for row, labels in zip(rows, self._labels, strict=False):
            for event in labels[labels != count - 1][:1]:
                said[int(event)][row.category] += 1
        for event, categories in said.items():
            names[event] = categories.most_common(1)[0][0]
        return tuple(names)


def order_file(split: str) -> str:
    """Name of the file with a split's row numbers: train_order.h5, train_order_match.h5, ..."""
    name, _, task = split.partition("_")
    return f"{name}_order{'_' if task else ''}{task}.h5"


def write(folder: str | Path, splits: Mapping[str, ClipSet]) -> None:
    """Write clip sets, {split: set}, as one AVE-layout folder; features keep their dtype."""
    folder = Path(folder)
    clips = [(clip_set, i) for clip_set in splits.values() for i in range(len(clip_set))]
    first = clips[0][0]
    eye = np.eye(len(first.classes), dtype=np.float32)
    readers = {
        "audio_feature.h5": lambda s, i: s.audio(i),
        "visual_feature.h5": lambda s, i: s.visual(i),
        "labels.h5": lambda s, i: eye[s.labels(i)],
    }
    for filename, read in readers.items():
        example = read(first, 0)
        with replacing(folder / filename) as temporary, h5py.File(temporary, "w") as file:
            shape = (len(clips), *example.shape)
            data = file.create_dataset(KEY, shape, example.dtype, chunks=(1, *example.shape))
            for row, (clip_set, i) in enumerate(clips):
                data[row] = read(clip_set, i)
    at = 0
    for split in SPLITS:
        count = len(splits.get(split, ()))
        path = folder / f"{split}_order.h5"
        with replacing(path) as temporary, h5py.File(temporary, "w") as file:
            file["order"] = np.arange(at, at + count)
        at += count
    lines = [_row(clip_set, i) for clip_set, i in clips]
    with replacing(folder / ave_text.FILE) as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(clip_set: ClipSet, i: int) -> str:
    """The line of Annotations.txt of a clip."""
    labels = clip_set.labels(i)
    events = np.flatnonzero(labels != len(clip_set.classes) - 1)
    start, end = (events[0], events[-1] + 1) if events.size else (0, 0)
    name = clip_set.classes[labels[start]]
    return ave_text.write_row(name, clip_set.ids[i], start, end)
