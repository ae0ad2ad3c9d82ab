# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The scores of a run, counted frame by frame."""

from __future__ import annotations

from ..data.clipset import clip_number
from ..data.films import Films


class Tally:
    """Scores of the frames of a run, counted as they arrive at the sink.

    task        the task that scores
    clips       the set, or films
    classes     names of the classes
    on_outcome  called with the number and the outcome of each frame

    ``rows`` is number of a frame -> its score; ``entries`` has the keys of a record for each window
    of films.
    """

    def __init__(self, task, clips, classes, on_outcome=lambda number, outcome: None):
        self.task, self.clips, self.classes, self.rows, self.entries = task, clips, classes, {}, {}
        self._on_outcome = on_outcome

    @property
    def seen(self) -> int:
        """Number of frames that are scored."""
        return len(self.rows)

    def judge(self, number: int, outcome) -> None:
        """Score the outcome of a received frame."""
        if number in self.rows:
            return
        if isinstance(self.clips, Films):
            start = self.clips.place(number)[1]
            self.entries[number] = self.task.entry(outcome, self.classes, start)
        self.rows[number] = self.task.score(self.truth(number), outcome)
        self._on_outcome(number, outcome)

    def truth(self, number: int):
        """The truth of a frame."""
        return self.task.truth(self.clips, clip_number(self.clips, number))

    def miss(self, numbers) -> None:
        """Score the frames that were not received."""
        for number in set(numbers) - set(self.rows):
            self.rows[number] = self.task.score(self.truth(number), None)

    def errors(self) -> int:
        """Number of errors in all scored frames, see Task.errors."""
        return sum(self.task.errors(row) for row in self.rows.values())
