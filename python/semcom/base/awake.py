# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A clock for watchdogs that stops while the process is stopped."""

import time

STEP_S = 1.0  # [s] that a look counts at most


class Awake:
    """A clock [s] for those who look at it often: what passes between two looks counts as no more
    than a second.  A process that was stopped (SIGSTOP, a frozen container, a suspended machine)
    has waited for nobody."""

    def __init__(self):
        self._seconds, self._at = 0.0, time.monotonic()

    def __call__(self) -> float:
        now = time.monotonic()
        self._seconds += min(now - self._at, STEP_S)
        self._at = now
        return self._seconds
