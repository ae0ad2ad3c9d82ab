# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The transmission schedule that the blocks of a terminal share; the sidelink receiver feeds it."""

import threading

from ..protocol.schedule import Schedule


class HeardSchedule:
    """A :class:`Schedule` that several blocks' threads share; its methods are documented there.

    schedule  the terminal's schedule
    sync      the frame_sync_cc that receives the sidelink bursts
    """

    def __init__(self, schedule: Schedule, sync):
        self._schedule, self._sync = schedule, sync
        self._lock = threading.RLock()

    def look(self) -> None:
        """Read the new reports of the sidelink receiver."""
        with self._lock:
            until = self._sync.received_until()  # first: later bursts are in the reports
            self._schedule.update(self._sync.take_reports(), until)

    def go_without(self, number: int) -> bool:
        """``Schedule.go_without`` after the latest reports."""
        with self._lock:
            self.look()
            return self._schedule.go_without(number)

    def reset(self) -> None:
        """Forget the received bursts and the counts."""
        with self._lock:
            self._schedule.reset()

    def due(self, number: int):
        """Time [s] at which a frame's uplink burst starts; None if it is unknown."""
        with self._lock:
            return self._schedule.due(number)

    def settle(self, number: int) -> None:
        """Note that the frame was sent or given up."""
        with self._lock:
            self._schedule.settle(number)

    def next_due(self):
        """(number, time [s]) of the next frame to be sent; None if there is none."""
        with self._lock:
            return self._schedule.next_due()

    def settled_until(self) -> float:
        """Time [s] until which all due bursts are known."""
        with self._lock:
            return self._schedule.settled_until()

    @property
    def repeated(self) -> int:
        """Number of frames of which only a repeated sidelink burst was received."""
        return self._schedule.repeated

    @property
    def missed(self) -> int:
        """Number of frames that were sent without guidance."""
        return self._schedule.missed
