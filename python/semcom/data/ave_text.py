# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""AVE's text files: events and their times in films (Annotations.txt), and the rows of each split
(trainSet.txt, valSet.txt, testSet.txt).

A line is a row category&id&quality&start&end, with times in seconds.  AVE's header line may come
first, and empty lines are skipped.  A film may have several rows.  Any other line is an error that
names it.  A second has the event if any part of it has: 0.5 to 2.0 s are the seconds 0 and 1.

AVE's format has no ``&`` in names.  Here ``&``, ``%`` and ends of lines, and spaces at a name's
ends, are written as %26, %25, %0A, %0D and %20 and decoded; any other ``%`` stands for itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from .clipset import AVE_CLASSES

FILE = "Annotations.txt"
SETS = {"train": "trainSet.txt", "val": "valSet.txt", "test": "testSet.txt"}
HEADER = ["Category", "VideoID", "Quality", "StartTime", "EndTime"]
ESCAPES = {"%": "%25", "&": "%26", "\n": "%0A", "\r": "%0D"}
AT_ENDS = {" ": "%20", "\t": "%09"}


@dataclass(frozen=True)
class Annotation:
    """A row: an event in the seconds ``start`` to ``end`` - 1 of the film ``film``.

    line  line number in its file, from 1; line and quality do not count when rows are compared
    """

    category: str
    film: str
    start: int
    end: int
    line: int = 0

    @property
    def key(self) -> tuple:
        """(category, film, start, end), without the line."""
        return self.category, self.film, self.start, self.end


def read(path: Path) -> list[Annotation]:
    """The rows of a file, in order; SemcomError with the line for what is not a row."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SemcomError(
            f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8 (iconv -t UTF-8)"
        ) from error
    except OSError as error:
        raise SemcomError(
            f"{path}: cannot be read ({error.strerror}); give the folder of AVE's text files"
        ) from error
    rows = []
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        cells = [cell.strip(" \t") for cell in line.split("&")]
        if cells == [""] or (number == 1 and cells == HEADER):
            continue
        rows.append(_row(f"{path}: line {number}", cells, number))
    return rows


def _row(where: str, cells: list[str], line: int) -> Annotation:
    if len(cells) != len(HEADER):
        raise SemcomError(
            f"{where}: {len(cells)} fields, expected category&id&quality&start&end; write & "
            "in names as %26"
        )
    times = dict(zip(("start", "end"), cells[3:], strict=True))
    start, end = (_seconds(where, what, text) for what, text in times.items())
    if start > end:
        raise SemcomError(f"{where}: ends at {cells[4]} s, before it starts at {cells[3]} s")
    category, film = _unescaped(cells[0]), _unescaped(cells[1])
    if not category or not film:
        raise SemcomError(f"{where}: no {'category' if film else 'id'}, expected a name")
    return Annotation(category, film, math.floor(start), math.ceil(end), line)


def _seconds(where: str, what: str, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", text):
        raise SemcomError(f"{where}: {what} is {text!r}, expected seconds such as 3 or 3.5")
    return float(text)


def escaped(name: str) -> str:
    """A name as it is written into a file."""
    begin, end = len(name) - len(name.lstrip(" \t")), len(name.rstrip(" \t"))
    characters = [ESCAPES.get(c, c) if begin <= i < end else AT_ENDS[c] for i, c in enumerate(name)]
    return "".join(characters)


def _unescaped(text: str) -> str:
    at_ends = r"^(?:%20|%09)+|(?:%20|%09)+$"
    text = re.sub(at_ends, lambda found: _characters(AT_ENDS, found[0]), text)
    return re.sub("%2[56]|%0[AD]", lambda found: _characters(ESCAPES, found[0]), text)


def _characters(table: dict, text: str) -> str:
    back = {code: character for character, code in table.items()}
    return "".join(back[text[i : i + 3]] for i in range(0, len(text), 3))


def write_row(category: str, film: str, start: int, end: int) -> str:
    """A line of Annotations.txt; ``start`` and ``end`` [s]."""
    return f"{escaped(category)}&{escaped(film)}&good&{start}&{end}"


def read_splits(folder: Path) -> dict[str, list[Annotation]]:
    """{split: rows} of those of AVE's trainSet.txt, valSet.txt and testSet.txt that exist."""
    paths = {split: folder / name for split, name in SETS.items()}
    return {split: read(path) for split, path in paths.items() if path.is_file()}


def classes_of(rows: Sequence[Annotation]) -> tuple[str, ...]:
    """Class names by index, background last: AVE's if the rows have no other categories, otherwise
    the rows' own in order of first appearance."""
    own = dict.fromkeys(row.category for row in rows if row.category != AVE_CLASSES[-1])
    return AVE_CLASSES if set(own) <= set(AVE_CLASSES) else (*own, AVE_CLASSES[-1])


def foreign(rows: Sequence[Annotation], classes: Sequence[str] = AVE_CLASSES) -> Annotation | None:
    """The first row whose category is not in ``classes``; None if there is none."""
    return next((row for row in rows if row.category not in classes), None)


def labels_of(
    rows: Sequence[Annotation], first: int, seconds: int, classes: Sequence[str] = AVE_CLASSES
) -> np.ndarray:
    """Class index of each of ``seconds`` seconds from second ``first`` on, [T] int64; background
    outside the rows.  Where rows overlap, the first one in the file counts."""
    labels = np.full(seconds, len(classes) - 1, np.int64)
    for row in reversed(rows):
        labels[max(row.start - first, 0) : max(row.end - first, 0)] = classes.index(row.category)
    return labels


class Truths:
    """The true events of media files, from an Annotations.txt in the folder of each.

    names    files or devices; the files of annotations are read at once, with SemcomError for
             errors
    classes  class names of the system.  The truth of a film with other categories is unknown:
             ``notes`` has a line for each file of annotations with such films
    """

    def __init__(self, names: Sequence, classes: Sequence[str] = AVE_CLASSES):
        self.classes, self.notes, self._all, self._rows = tuple(classes), [], {}, {}
        for path in dict.fromkeys(_beside(name) for name in names):
            if path.is_file():
                self._all[path] = read(path)
                self._rows[path] = self._known(path, self._all[path])

    def _known(self, path: Path, rows: list[Annotation]) -> dict[str, list[Annotation]]:
        """{film: rows}, without the films that have a category outside ``classes``."""
        films = {}
        for row in rows:
            films.setdefault(row.film, []).append(row)
        unknown = {film for film, own in films.items() if foreign(own, self.classes)}
        row = foreign(rows, self.classes)
        if row:
            self.notes.append(
                f"{path}: line {row.line}: {row.category!r} is not a class of the system; "
                f"the truth of {len(unknown)} of {len(films)} films is unknown"
            )
        return {film: own for film, own in films.items() if film not in unknown}

    def keys(self, name) -> list[tuple]:
        """The keys of the rows of a file, also of those in other categories than ``classes``."""
        rows = self._all.get(_beside(name), ())
        return [row.key for row in rows if row.film == Path(name).stem]

    def rows(self, name) -> list[Annotation] | None:
        """The rows of a file; None if its truth is unknown."""
        return self._rows.get(_beside(name), {}).get(Path(name).stem)

    def labels(self, name, start: int, seconds: int) -> np.ndarray | None:
        """Class index of each of ``seconds`` seconds of a file from second ``start`` on, [T] int64;
        None if unknown."""
        rows = self.rows(name)
        return None if rows is None else labels_of(rows, start, seconds, self.classes)

    def of(self, name, start: int, seconds: int) -> list[str] | None:
        """Names of the events of ``seconds`` seconds of a file from second ``start`` on; None if
        unknown."""
        labels = self.labels(name, start, seconds)
        return None if labels is None else [self.classes[label] for label in labels]


def _beside(name) -> Path:
    return Path(name).parent / FILE
