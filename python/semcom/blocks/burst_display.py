# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window onto the bursts that come over the air: how each terminal is heard, what is lost."""

import pmt

from .displays import CENTRE, _Display, _line, _write
from .guard import guarded

COLUMNS = ("SNR [dB]", "carrier [Hz]", "clock [ppm]", "delay [µs]")
COUNTS = {  # of frame_sync_cc, and what a reader calls them
    "frames": "frames",
    "lost": "lost",
    "duplicated": "duplicated",
    "restarts": "restarts",
    "false_alarms": "false alarms",
    "overflows": "overflows",
}
NOT_HEARD = "\N{EM DASH}"
ROW, MARGIN = 26, 10  # [pixels]


class burst_display(_Display):
    """The last burst of each terminal, measured, and what was counted since the start.

    Message port ``bursts``: of frame_sync_cc or a hier block around it

    ``terminals`` names those that are heard.  Carrier and clock are the terminal's against those
    of this radio, a positive clock for longer symbols; the delay is against the time of the burst.
    """

    def __init__(self, terminals=("audio", "video")):
        self.terminals = tuple(terminals)
        self.burst = None
        smallest = (480, MARGIN + (4 + len(self.terminals)) * ROW)
        _Display.__init__(self, "burst_display", {"bursts": self._on_burst}, smallest)

    @guarded
    def _on_burst(self, message):
        self.burst = pmt.to_python(message)
        self.widget.changed.emit()

    def title(self) -> str:
        """Which burst, and when by the time of this radio."""
        if self.burst is None:
            return "Bursts: none heard yet"
        at = self.burst["seconds"] + self.burst["fraction"]
        return f"Burst of frame {self.burst['frame']} at {at:.3f} s"

    def rows(self) -> list:
        """For each terminal its figures as text, in the order of COLUMNS."""
        if self.burst is None:
            return [[NOT_HEARD] * len(COLUMNS) for _ in self.terminals]
        b = self.burst
        figures = zip(b["detected"], b["snr_db"], b["cfo"], b["clock"], b["delay"], strict=True)
        return [
            [f"{snr:.1f}", f"{cfo:.0f}", f"{clock:.1f}", f"{1e6 * delay:z.1f}"]
            if heard
            else [NOT_HEARD] * len(COLUMNS)
            for heard, snr, cfo, clock, delay in figures
        ]

    def counts(self) -> str:
        """What was counted, in words."""
        counts = self.burst["counts"] if self.burst else dict.fromkeys(COUNTS, 0)
        return ", ".join(f"{counts[key]} {name}" for key, name in COUNTS.items())

    def _paint(self, painter, width, _height):
        left, step = MARGIN + 80, (width - 2 * MARGIN - 80) / len(COLUMNS)
        _write(painter, (MARGIN, MARGIN, width - 2 * MARGIN, ROW), self.title(), bold=True)
        table = [("", COLUMNS), *zip(self.terminals, self.rows(), strict=True)]
        for line, (name, texts) in enumerate(table, 1):
            top = MARGIN + line * ROW
            _write(painter, (MARGIN, top, 80, ROW), name)
            for column, text in enumerate(texts):
                _write(painter, (left + column * step, top, step, ROW), text, CENTRE)
        for line in (2, len(table) + 1):
            y = MARGIN + line * ROW
            _line(painter, [(MARGIN, y), (width - MARGIN, y)])
        below = MARGIN + (len(table) + 1) * ROW
        _write(painter, (MARGIN, below, width - 2 * MARGIN, ROW), self.counts())
