# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The set of clips of extracted films (see extraction): windows of T seconds, with labels from
AVE's text files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from . import ave_text
from .ave_text import Annotation
from .extraction import Job, written


@dataclass(frozen=True)
class Texts:
    """The content of AVE's text files in a folder.

    rows     rows of Annotations.txt; without that file, the rows of all splits
    splits   {split: rows}; empty without trainSet.txt, valSet.txt and testSet.txt
    classes  class names: AVE's, or the rows' own, see ave_text.classes_of
    note     one line if the classes are the rows' own, otherwise ''
    """

    rows: Sequence[Annotation]
    splits: Mapping[str, Sequence[Annotation]]
    classes: Sequence[str]
    note: str


def read_texts(folder: Path, named: bool = False) -> Texts:
    """Read AVE's text files of a folder; all of them are optional, unless ``named``, by the user:
    SemcomError for a folder without any."""
    path, splits = folder / ave_text.FILE, ave_text.read_splits(folder)
    if named and not (splits or path.is_file()):
        files = ", ".join((ave_text.FILE, *ave_text.SETS.values()))
        raise SemcomError(f"--annotations {folder}: has none of {files}; give their folder")
    rows = [row for own in splits.values() for row in own]
    if path.is_file():
        rows = ave_text.read(path)
        _check_splits(folder, {row.key for row in rows}, splits)
    classes, row = ave_text.classes_of(rows), ave_text.foreign(rows)
    note = row and (
        f"classes: {', '.join(classes)}: those of the rows, as {row.category!r} (line {row.line}) "
        "is not a category of AVE"
    )
    return Texts(rows, splits, classes, note or "")


def _check_splits(folder: Path, known: set, splits: Mapping[str, Sequence[Annotation]]) -> None:
    for split, rows in splits.items():
        row = next((row for row in rows if row.key not in known), None)
        if row:
            raise SemcomError(
                f"{folder / ave_text.SETS[split]}: line {row.line}: {row.category} of "
                f"{row.film!r} from {row.start} to {row.end} s is not a row of {ave_text.FILE}; "
                "take both from one release"
            )


def rows_of(jobs: Sequence[Job], rows: Sequence[Annotation]) -> dict[Job, list[Annotation]]:
    """{job: rows of its film}.  A row names a film by its id, or by its file name without suffix if
    that is unique; rows of other films are left out.

    SemcomError for a row that may name several films.
    """
    by_id, by_stem = {job.film: job for job in jobs}, {}
    for job in jobs:
        by_stem.setdefault(written(job.path.stem), []).append(job)
    found = {job: [] for job in jobs}
    for row in rows:
        films = [by_id[row.film]] if row.film in by_id else by_stem.get(row.film, [])
        if len(films) > 1:
            raise SemcomError(
                f"line {row.line} of the annotations: {row.film!r} may be "
                f"{' or '.join(job.film for job in films)}; write one of these"
            )
        for job in films:
            found[job].append(row)
    return found


def without_film(found: Mapping[Job, Sequence[Annotation]], rows: Sequence[Annotation]) -> str:
    """A line for the rows that name no film, '' if all do; SemcomError if none does, since every
    clip would then be background.

    found  the result of :func:`rows_of`
    """
    named = {row for own in found.values() for row in own}
    lost = [row for row in rows if row not in named]
    if not lost:
        return ""
    told = (
        f"{len(lost)} of {len(rows)} rows of the annotations name no film, the first one "
        f"{lost[0].film!r} (line {lost[0].line})"
    )
    if not named:
        ids = ", ".join(repr(job.film) for job in list(found)[:3])
        raise SemcomError(f"{told}; write ids as the films' names without suffix, here {ids}")
    return told


@dataclass(frozen=True)
class Clip:
    """Window ``window`` (from 0) of a film, with the event of one row, or None without event."""

    job: Job
    window: int
    row: Annotation | None


def clips_of(jobs: Sequence[Job], texts: Texts) -> tuple[dict[str, list[Clip]], list[str]]:
    """{split: clips of the films}, and a line for each row that begins after its film's end.

    A window becomes a clip for each row whose event is in it: a film that is annotated twice gives
    two clips.  A window without events is a clip of background in the first split that has its
    film.  Without splits, all films are in test.
    """
    every, taken = rows_of(jobs, texts.rows), set()
    counts = {job: windows_in(job) for job in jobs}
    found, late = {}, []
    for split, rows in (texts.splits or {"test": texts.rows}).items():
        own = rows_of(jobs, rows)
        found[split] = clips = []
        for job in jobs:
            late += [
                f"line {row.line} of the annotations: begins at {row.start} s, behind the end of "
                f"{job.path.name}"
                for row in own[job]
                if row.start >= counts[job] * job.seconds
            ]
            for k in range(counts[job]) if own[job] or not texts.splits else ():
                clips += [Clip(job, k, row) for row in own[job] if _is_in(row, k, job.seconds)]
                empty = not any(_is_in(row, k, job.seconds) for row in every[job])
                if empty and (job, k) not in taken:
                    taken.add((job, k))
                    clips.append(Clip(job, k, None))
    return {split: clips for split, clips in found.items() if clips}, late


def _is_in(row: Annotation, window: int, seconds: int) -> bool:
    """Whether a row's event (also one of length 0) is in window ``window`` of ``seconds`` [s]."""
    last = max(row.start, row.end - 1)
    return row.start // seconds <= window <= last // seconds


def windows_in(job: Job) -> int:
    """Number of windows of an extracted film."""
    with np.load(job.part) as part:
        return len(part["lengths"])


class ExtractedSet:
    """Clips of extracted films as a set; see :class:`ClipSet`.

    Clips of the same window of a film have the same id.
    """

    def __init__(self, name: str, clips: Sequence[Clip], classes: Sequence[str]):
        self.name, self.classes, self._clips = name, tuple(classes), clips
        films = {clip.job.film for clip in clips}
        self.ids = [_id(clip, films) for clip in clips]

    def __len__(self) -> int:
        return len(self._clips)

    def audio(self, i: int) -> np.ndarray:
        """Audio features [T, d_a] float32."""
        return self._load(i, "audio")

    def visual(self, i: int) -> np.ndarray:
        """Visual feature maps [T, h, w, d_v] float16."""
        return self._load(i, "visual")

    def labels(self, i: int) -> np.ndarray:
        """Class index of each second, [T] int64."""
        clip = self._clips[i]
        rows = [clip.row] if clip.row else []
        seconds = clip.job.seconds
        return ave_text.labels_of(rows, clip.window * seconds, seconds, self.classes)

    def _load(self, i: int, what: str) -> np.ndarray:
        clip = self._clips[i]
        with np.load(clip.job.part) as part:
            return part[what][clip.window]


def _id(clip: Clip, films: set[str]) -> str:
    """The film's id; from its second window on, with the number of the window."""
    if not clip.window:
        return clip.job.film
    name = f"{clip.job.film} {clip.window}"
    return f"{clip.job.film}, window {clip.window}" if name in films else name
