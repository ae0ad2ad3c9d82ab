# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Puts frames in the order of their numbers if some come late or not at all."""

from __future__ import annotations

AHEAD = 8  # frames that wait for a late one, the window of a radio


class Turns:
    """Takes frames as they come and returns them in order; None for a frame that is missing while
    more than ``ahead`` frames wait for it.  A frame that comes after that is dropped."""

    def __init__(self, ahead: int = AHEAD):
        self.ahead, self.next, self._waiting = ahead, 0, {}

    def take(self, number: int, frame) -> list[tuple]:
        """Add a frame; returns (number, frame or None) of the frames that are next in order."""
        if number >= self.next:
            self._waiting[number] = frame
        due = []
        while self.next in self._waiting or len(self._waiting) > self.ahead:
            due.append(self._give())
        return due

    def rest(self, count: int) -> list[tuple]:
        """The remaining frames at the end, of at least ``count`` frames in all."""
        due = []
        while self._waiting or self.next < count:
            due.append(self._give())
        return due

    def _give(self) -> tuple:
        self.next += 1
        return self.next - 1, self._waiting.pop(self.next - 1, None)
