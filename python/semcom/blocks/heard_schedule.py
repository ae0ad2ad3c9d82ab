# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The transmission schedule that the blocks of a terminal share; the sidelink receiver feeds it."""

import threading

from ..protocol.schedule import Schedule


class HeardSchedule:
    """A :class:`Schedule` that the threads of several blocks ask; see there what they ask.

    schedule  of the terminal
    sync      the frame_sync_cc that hears the sidelink bursts
    """

    def __init__(self, schedule: Schedule, sync):
        self._schedule, self._sync = schedule, sync
        self._lock = threading.RLock()

    def look(self) -> None:
        """Take what the receiver of the sidelink reported meanwhile."""
        with self._lock:
            until = self._sync.received_until()  # first: what comes between is in the reports
            self._schedule.update(self._sync.take_reports(), until)

    def go_without(self, number: int) -> bool:
        """As of the schedule, by the latest reports."""
        with self._lock:
            self.look()
            return self._schedule.go_without(number)

    def reset(self) -> None:
        """Forget what was heard and counted."""
        with self._lock:
            self._schedule.reset()

    def due(self, number: int):
        """[s] at which a frame's uplink burst starts; None if nothing tells."""
        with self._lock:
            return self._schedule.due(number)

    def settle(self, number: int) -> None:
        """The frame was sent, or given up."""
        with self._lock:
            self._schedule.settle(number)

    def next_due(self):
        """(number, [s]) of the first frame to be sent; None if there is none."""
        with self._lock:
            return self._schedule.next_due()

    def settled_until(self) -> float:
        """[s] before which no burst becomes due that is not known yet."""
        with self._lock:
            return self._schedule.settled_until()

    @property
    def repeated(self) -> int:
        """Frames that were heard by a repetition."""
        return self._schedule.repeated

    @property
    def missed(self) -> int:
        """Frames that were sent without guidance."""
        return self._schedule.missed
