# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The transmission times of the second terminal, from received sidelink bursts."""

import math
from collections import OrderedDict

from .burst import LATENESS_S, SIDELINK_TERMINAL, BurstFormat

KEPT = 100  # latest frames whose times are kept
JITTER_SYMBOLS = 16  # largest difference of successive periods for a prediction: a part of the gap


class Schedule:
    """Times at which uplink bursts are due [s of device time], from reports of frame_sync_cc.

    If all sidelink bursts of a frame are lost, its time is predicted from the period of the three
    frames before, if that is constant (the other terminal sends without pauses).

    plan     the burst format
    symbols  payload of a sidelink burst, until one is received
    system   number of the semantic system; reports of others are ignored

    ``repeated`` counts frames whose first sidelink burst was lost and a repetition received;
    ``missed`` counts frames that are sent without any.
    """

    def __init__(self, plan: BurstFormat, symbols: int, system=0):
        plan.check_payload(symbols)
        self.plan, self.system = plan, system
        self.jitter_s = JITTER_SYMBOLS * plan.sps / plan.sample_rate
        self._set_length(symbols)
        self._starts = OrderedDict()  # number -> start of the first sidelink burst [s]
        self._open = {}  # the same for frames that are not sent yet
        self._until = 0.0
        self.repeated = self.missed = 0

    def reset(self) -> None:
        """Forget the received bursts and the counts, when the flowgraph starts again."""
        self._starts.clear()
        self._open.clear()
        self._until, self.repeated, self.missed = 0.0, 0, 0

    def _set_length(self, symbols: int) -> None:
        """Set the payload [symbols] of the sidelink bursts."""
        self.copy_s = self.plan.sidelink_length(symbols) / self.plan.sample_rate
        self.late_s = self.plan.copies * self.copy_s + LATENESS_S

    def update(self, reports: list, received_until: float) -> None:
        """Add new reports; ``received_until`` [s] is the time until which all bursts were
        reported."""
        for report in reports:
            if report.system != self.system:
                continue
            copy = report.terminal - SIDELINK_TERMINAL
            if not 0 <= copy < self.plan.copies:
                continue
            self._set_length(report.length)
            start = report.seconds + report.fraction - copy * self.copy_s
            known = self._starts.get(report.frame)
            if known is None or abs(known - start) > self.plan.turnaround:
                self._put(report.frame, start)
                self.repeated += copy > 0
        self._until = received_until

    def due(self, number: int):
        """Time [s] at which a frame's uplink burst (its first symbol) starts; None if unknown."""
        start = self._starts.get(number)
        return None if start is None else start + self.plan.turnaround

    def go_without(self, number: int) -> bool:
        """Whether a frame's sidelink burst was lost: it is overdue by the period of the bursts.

        Always true once the reception has ended (received_until is infinite).
        """
        start = None if number in self._starts else self._predicted(number)
        if start is not None and self._until > start + self.late_s:
            self._put(number, start)
        elif self._until < math.inf:
            return False
        self.missed += 1
        return True

    def settle(self, number: int) -> None:
        """Note that the frame was sent or given up."""
        self._open.pop(number, None)

    def next_due(self):
        """(number, time [s]) of the next frame to be sent; None if there is none."""
        if not self._open:
            return None
        number = min(self._open, key=self._open.get)
        return number, self._open[number] + self.plan.turnaround

    def settled_until(self) -> float:
        """Time [s] until which all due bursts are known.

        A burst of which only the last copy, or none, is received is known ``late_s`` later.
        """
        return self._until + self.plan.turnaround - self.late_s

    def _put(self, number: int, start: float) -> None:
        self._starts.pop(number, None)
        self._starts[number] = self._open[number] = start
        while len(self._starts) > KEPT:
            self._open.pop(self._starts.popitem(last=False)[0], None)

    def _predicted(self, number: int):
        """Predicted start [s] of a frame's sidelink burst from the last two periods; None if they
        differ."""
        if len(self._starts) < 3:
            return None
        (first, one), (second, two), (third, three) = list(self._starts.items())[-3:]
        if not first < second < third < number:
            return None
        period = (three - two) / (third - second)
        if abs(period - (two - one) / (second - first)) > self.jitter_s:
            return None
        return three + (number - third) * period
