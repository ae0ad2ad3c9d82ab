# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Clocks for watchdogs, which stop while the process is stopped; one is slow while it works."""

import time
from collections.abc import Callable
from pathlib import Path

STEP_S = 1.0  # [s] that a look counts at most
BUSY = 0.5  # threads that compute, or wait for a processor, in the mean, from which a process works
PATIENCE = 10.0  # how many times longer one that works may take


class Awake:
    """A clock [s] for those who look at it often: what passes between two looks counts as no more
    than a second.  A process that was stopped (SIGSTOP, a frozen container, a suspended machine)
    has waited for nobody."""

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
    """The same, but ten times slower while the process computes or waits for a processor, as
    it does long on a slow or busy machine; what hangs mostly does neither.

    occupied  [s] that threads of the process have computed or waited for a processor
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
    """[s] of all threads that live; computed alone where the kernel does not count waits."""
    total = 0
    for thread in Path("/proc/self/task").glob("*/schedstat"):
        try:
            computed, waited, _ = thread.read_text().split()
        except (OSError, ValueError):  # it has just ended
            continue
        total += int(computed) + int(waited)
    return total / 1e9 or time.process_time()
