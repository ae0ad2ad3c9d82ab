# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Puts frames in the order of their numbers, where some come late or not at all."""

from __future__ import annotations

AHEAD = 8  # frames that wait for one that is late, as many as a radio has under way


class Turns:
    """Takes frames as they come and gives each in its turn; for one that is still missing when more
    than ``ahead`` wait for it, None.  One that comes after its turn is dropped."""

    def __init__(self, ahead: int = AHEAD):
        self.ahead, self.next, self._waiting = ahead, 0, {}

    def take(self, number: int, frame) -> list[tuple]:
        """(number, frame or None) of those whose turn it is."""
        if number >= self.next:
            self._waiting[number] = frame
        due = []
        while self.next in self._waiting or len(self._waiting) > self.ahead:
            due.append(self._give())
        return due

    def rest(self, count: int) -> list[tuple]:
        """What is left when all is over, of ``count`` frames that there were at least."""
        due = []
        while self._waiting or self.next < count:
            due.append(self._give())
        return due

    def _give(self) -> tuple:
        self.next += 1
        return self.next - 1, self._waiting.pop(self.next - 1, None)
