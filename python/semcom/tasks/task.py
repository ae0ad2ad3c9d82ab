# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The base of tasks: the truth of a frame, its outcome, and how outcomes are judged.

Everything that depends on what an outcome *is* lives behind this interface: the runner, sinks,
records, tables and the choice of weights ask it, and know no class, event or word themselves.

A frame's score is a vector of sums (right seconds and seconds; matching words and words), so that
the figures of any set of frames follow from the sum of their scores, and an interval from drawing
frames again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Column:
    """A column of the table on screen: its head, the key of the record and the format."""

    def __init__(self, head: str, key: str, form: str = ".3f"):
        self.head, self.key, self.form = head, key, form


class Task(ABC):
    """One kind of outcome.

    name      in the registry and in records
    primary   key of the figure, higher is better, that plots show, validation selects by and the
              error-free reference is compared in
    label     of its axis
    unit      of a clip, of which channel uses are counted: a segment (second), a word
    columns   of the table on screen, beside those of the chain
    keep      most outcomes that a sink keeps, of large ones; 0: all
    film      what --render draws of films: "decisions" over what was sent; "media", the outcomes
              beside what was sent; "": nothing
    """

    name: str
    primary: str
    label: str
    unit: str
    columns: tuple[Column, ...]
    keep = 0
    film = ""

    @abstractmethod
    def truth(self, clips, i: int):
        """What clip i of a set really is; None where it is not known."""

    @abstractmethod
    def outcome(self, items: np.ndarray):
        """What the receiver says, from the items of one frame of its output."""

    @abstractmethod
    def score(self, truth, outcome) -> np.ndarray:
        """Sums [S] float64 of one frame; outcome None: it never arrived, and counts as missed."""

    @abstractmethod
    def errors(self, score: np.ndarray) -> int:
        """Errors of a frame's score, which ``--until-errors`` counts."""

    @abstractmethod
    def figures(self, scores: np.ndarray, seed: int) -> dict:
        """Figures of frames with scores [N, S], as they stand in a record, with 95 % intervals;
        values None where there is nothing to judge."""

    @abstractmethod
    def message(self, outcome, classes=()) -> dict:
        """An outcome in words and numbers, as sinks publish it and records of media report it;
        classes: their names, of a task that has any."""

    def entry(self, outcome, classes, start: int) -> dict:
        """What a record of media says of one clip that begins with second ``start`` of its file."""
        return {"start": start, **self.message(outcome, classes)}

    def length(self, truth) -> int:
        """Units of a clip; 0 where its truth is not known."""
        return 0 if truth is None else len(truth)


def bootstrap(figure, rows: np.ndarray, seed: int, draws: int = 2000) -> list[float] | None:
    """95 % interval of ``figure(sums)`` from drawing frames again (Efron, 1979, percentiles).

    rows  [N, S] scores of the frames, which are what is independent: parts of one share a channel
    """
    if not len(rows):
        return None
    rng = np.random.default_rng(seed)
    picks = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), draws)
    values = [figure(sums) for sums in picks @ rows]
    return [float(end) for end in np.percentile(values, [2.5, 97.5])]
