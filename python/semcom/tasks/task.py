# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The base of tasks: the truth of a frame, its outcome, and how outcomes are judged.

Everything that depends on the kind of outcome is behind this interface: the runner, sinks, records,
tables and the choice of weights use it, and know no classes, events or words themselves.

A frame's score is a vector of sums (right seconds and seconds; matching words and words), so that
the values of any set of frames follow from the sum of their scores, and an interval from resampling
frames.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Column:
    """A column of the table on screen.

    head  its head
    key   key of the record
    form  format of the value
    """

    def __init__(self, head: str, key: str, form: str = ".3f"):
        self.head, self.key, self.form = head, key, form


class Task(ABC):
    """Base of the tasks: a kind of outcome.

    name      name in the registry and in records
    primary   key of the main value (higher is better), for plots, selection on validation and the
              error-free reference
    label     label of its axis
    unit      unit of a clip for channel uses: a segment (second), a word
    columns   columns of the table on screen, besides those of the chain
    keep      most outcomes that a sink keeps, if they are large; 0: all
    film      content of --render: "decisions" drawn on the sent film; "media": received beside sent
              media; "": none
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
        """The truth of clip ``i`` of a set; None if unknown."""

    @abstractmethod
    def outcome(self, items: np.ndarray):
        """The outcome of a frame from the items of the receiver's output."""

    @abstractmethod
    def score(self, truth, outcome) -> np.ndarray:
        """Score of a frame, sums [S] float64; outcome None: the frame was lost."""

    @abstractmethod
    def errors(self, score: np.ndarray) -> int:
        """Number of errors in a frame's score, for ``--until-errors``."""

    @abstractmethod
    def figures(self, scores: np.ndarray, seed: int) -> dict:
        """{key: value} of a record from scores [N, S] of frames, with 95 % intervals; None without
        frames."""

    @abstractmethod
    def message(self, outcome, classes=()) -> dict:
        """An outcome as a dict, for messages of sinks and records of media.

        classes  names of the classes, if the task has any
        """

    def entry(self, outcome, classes, start: int) -> dict:
        """The keys of a record of media for a clip that begins at second ``start`` of its file."""
        return {"start": start, **self.message(outcome, classes)}

    def length(self, truth) -> int:
        """Number of units of a clip; 0 if its truth is unknown."""
        return 0 if truth is None else len(truth)


def bootstrap(figure, rows: np.ndarray, seed: int, draws: int = 2000) -> list[float] | None:
    """95 % interval of ``figure(sums)`` by the bootstrap over frames (Efron, 1979, percentiles).

    rows  [N, S] scores of the frames, which are independent; parts of a frame share a channel
    """
    if not len(rows):
        return None
    rng = np.random.default_rng(seed)
    picks = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), draws)
    values = [figure(sums) for sums in picks @ rows]
    return [float(end) for end in np.percentile(values, [2.5, 97.5])]
