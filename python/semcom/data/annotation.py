# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""AVE's text files: what happens when in which clip, and which clips are in which split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from .clipset import AVE_CLASSES, BACKGROUND

FILE = "Annotations.txt"
SETS = {"train": "trainSet.txt", "val": "valSet.txt", "test": "testSet.txt"}
Span = tuple[int, int, int]
"""Class index, first second, one past the last second."""


def read(path: Path) -> dict[str, Span]:
    """Rows category&id&quality&start&end -> id: span."""
    spans = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.split("&")]
        if len(cells) != 5 or not cells[3].isdigit():  # AVE's file has a header line
            continue
        if cells[0] not in AVE_CLASSES:
            raise SemcomError(f"{path}: line {number}: category {cells[0]!r} is none of AVE's")
        spans[cells[1]] = AVE_CLASSES.index(cells[0]), int(cells[3]), int(cells[4])
    return spans


def labels_of(span: Span | None, first: int, seconds: int) -> np.ndarray:
    """Class index of each of ``seconds`` seconds from second ``first`` on, [T] int64; background
    outside the span."""
    labels = np.full(seconds, BACKGROUND, np.int64)
    if span is not None:
        event, start, end = span
        labels[max(start - first, 0) : max(end - first, 0)] = event
    return labels


def splits(folder: Path) -> dict[str, set[str]]:
    """Names of the files in AVE's trainSet.txt, valSet.txt and testSet.txt, where they are."""
    found = {}
    for split, name in SETS.items():
        path = folder / name
        if path.is_file():
            rows = [line.split("&") for line in path.read_text(encoding="utf-8").splitlines()]
            found[split] = {row[1].strip() for row in rows if len(row) > 2}
    return found
