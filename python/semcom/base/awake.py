# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Clocks for watchdogs: both stop while the process is stopped, one is slow while it computes."""

import time
from collections.abc import Callable
from pathlib import Path

STEP_S = 1.0  # [s] longest step of the clock between two readings
BUSY = 0.5  # mean number of threads that compute or wait for a processor: the process is busy
PATIENCE = 10.0  # the factor by which the clock of a busy process is slower


class Awake:
    """A clock [s] that is read often: the time between two readings counts as 1 s at most.

    A process that was stopped (SIGSTOP, a frozen container, a suspended machine) so does not run
    into a time-out when it goes on.
    """

    def __init__(self):
        self._seconds, self._at = 0.0, time.monotonic()

    def __call__(self) -> float:
        self._seconds += self._step()
        return self._seconds

    def _step(self) -> float:
        now = time.monotonic()
        passed, self._at = now - self._at, now
        return min(passed, STEP_S)


class Idle(Awake):
    """An :class:`Awake` clock that is ten times slower while the process is busy.

    A slow or loaded machine computes for a long time; a process that hangs mostly does not compute.

    occupied  function: time [s] that the threads of the process have computed or waited for a
              processor; None: read from /proc
    """

    def __init__(self, occupied: Callable[[], float] | None = None):
        super().__init__()
        self._occupied = occupied or _occupied
        self._before, self._open = self._occupied(), 0.0

    def __call__(self) -> float:
        self._open += self._step()
        if self._open >= STEP_S:
            after = self._occupied()
            works = after - self._before > BUSY * self._open
            self._seconds += self._open / PATIENCE if works else self._open
            self._before, self._open = after, 0.0
        return self._seconds


def _occupied() -> float:
    """Time [s] that all living threads computed or waited for a processor; without the waits where
    the kernel does not count them."""
    total = 0
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        try:
            computed, waited, _ = thread.read_text().split()
        except (OSError, ValueError):  # the thread has just ended
            continue
        total += int(computed) + int(waited)
    return total / 1e9 or time.process_time()
