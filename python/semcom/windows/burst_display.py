# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window that shows the received bursts of each terminal and the counts of lost ones."""

import numpy as np
import pmt
from PyQt5 import QtCore

from ..base.palette import COLOURS
from ..blocks.guard import guarded
from .displays import (
    CENTRE,
    EDGE,
    SHOWN,
    _axes,
    _Display,
    _line,
    _write,
)

COLUMNS = ("SNR [dB]", "carrier [Hz]", "clock [ppm]", "delay [µs]")
COUNTS = {  # count of frame_sync_cc -> its name in the window
    "frames": "frames",
    "lost": "lost",
    "duplicated": "duplicated",
    "restarts": "restarts",
    "false_alarms": "false alarms",
    "overflows": "overflows",
}
LINES = ((QtCore.Qt.SolidLine, "solid"), (QtCore.Qt.DashLine, "dashed"))
NOT_HEARD = "\N{EM DASH}"
ROW, MARGIN, CURVES = 26, 10, 120  # [pixels]


class burst_display(_Display):
    """Shows the last burst of each terminal, its SNR over time, and the counts since the start.

    Message port ``bursts``: from frame_sync_cc or a hier block around it

    terminals  names of the received terminals

    Carrier and clock are relative to those of this radio, with a positive clock for longer symbols;
    the delay is relative to the time of the burst.
    """

    def __init__(self, terminals=("audio", "video")):
        self.terminals = tuple(terminals)
        self.burst = None
        self.snr_db = np.zeros((len(self.terminals), 0))  # of the last bursts; NaN: not detected
        smallest = (480, MARGIN + (4 + len(self.terminals)) * ROW + CURVES)
        _Display.__init__(self, "burst_display", {"bursts": self._on_burst}, smallest)

    @guarded
    def _on_burst(self, message):
        self.burst = pmt.to_python(message)
        snr = np.where(self.burst["detected"], self.burst["snr_db"], np.nan)
        self.snr_db = np.column_stack([self.snr_db, snr])[:, -SHOWN:]
        self.widget.changed.emit()

    def title(self) -> str:
        """Number of the burst, and its time by this radio."""
        if self.burst is None:
            return "Bursts: none received yet"
        at = self.burst["seconds"] + self.burst["fraction"]
        return f"Burst of frame {self.burst['frame']} at {at:.3f} s"

    def rows(self) -> list:
        """The values of each terminal as text, in the order of COLUMNS."""
        if self.burst is None:
            return [[NOT_HEARD] * len(COLUMNS) for _ in self.terminals]
        b = self.burst
        figures = zip(b["detected"], b["snr_db"], b["cfo"], b["clock"], b["delay"], strict=True)
        return [
            [f"{snr:.1f}", f"{cfo:.0f}", f"{clock:.1f}", f"{round(1e6 * delay, 1) + 0.0:.1f}"]
            if heard
            else [NOT_HEARD] * len(COLUMNS)
            for heard, snr, cfo, clock, delay in figures
        ]

    def counts(self) -> str:
        """The counts as a text."""
        counts = self.burst["counts"] if self.burst else dict.fromkeys(COUNTS, 0)
        return ", ".join(f"{counts[key]} {name}" for key, name in COUNTS.items())

    def _paint(self, painter, width, height):
        _write(painter, (MARGIN, MARGIN, width - 2 * MARGIN, ROW), self.title(), bold=True)
        below = self._table(painter, width, MARGIN + ROW)
        _write(painter, (MARGIN, below, width - 2 * MARGIN, ROW), self.counts())
        snr_db = self.snr_db
        if np.isfinite(snr_db).any():
            self._curves(painter, snr_db, width, below + 2 * ROW, height - ROW)

    def _table(self, painter, width, top) -> float:
        """Draw the table of values; returns the position of its end [pixels]."""
        left, step = MARGIN + 80, (width - 2 * MARGIN - 80) / len(COLUMNS)
        table = [("", COLUMNS), *zip(self.terminals, self.rows(), strict=True)]
        for line, (name, texts) in enumerate(table):
            y = top + line * ROW
            _write(painter, (MARGIN, y, 80, ROW), name)
            for column, text in enumerate(texts):
                _write(painter, (left + column * step, y, step, ROW), text, CENTRE)
        end = top + len(table) * ROW
        for y in (top + ROW, end):
            _line(painter, [(MARGIN, y), (width - MARGIN, y)])
        return end

    def _curves(self, painter, snr_db, width, top, base):
        """Draw the SNR of the last bursts, without those in which a terminal was not detected."""
        count = snr_db.shape[1]
        at = _axes(painter, snr_db[np.isfinite(snr_db)], count, width, top, base)
        for k, row in enumerate(snr_db):
            points = [at(i, value) for i, value in enumerate(row) if np.isfinite(value)]
            _line(painter, points, COLOURS[k % len(COLOURS)], 2, LINES[k % len(LINES)][0])
        names = [f"{name} ({LINES[k % len(LINES)][1]})" for k, name in enumerate(self.terminals)]
        label = f"SNR [dB], the last {count} bursts: {', '.join(names)}"
        _write(painter, (EDGE, base + 4, width - EDGE, ROW - 4), label)
