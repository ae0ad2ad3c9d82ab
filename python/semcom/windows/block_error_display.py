# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window that shows which coded blocks of the last frames were lost."""

from dataclasses import dataclass

import numpy as np
import pmt
from PyQt5 import QtCore, QtGui

from ..base.palette import COLOURS
from ..blocks.guard import guarded
from .burst_display import LINES
from .displays import EDGE, NEUTRAL, RECENT, SHOWN, WRONG, _axes, _Display, _line, _write

ROW, LABEL, MARGIN = 24, 18, 10  # [pixels]
RASTER = 0.62  # share of the height below the title; the curves have the rest


@dataclass(frozen=True)
class _Frame:
    """A received frame; ``came``: {stream: [C] bool, whether each block was received}."""

    number: int
    symbols: int
    came: dict[str, np.ndarray]

    def lost(self, name: str) -> int:
        """Number of lost blocks of a stream."""
        return int(np.sum(~self.came[name]))

    def share(self, name: str) -> float:
        """Share of lost blocks of a stream; NaN for a frame without blocks."""
        blocks = len(self.came[name])
        return self.lost(name) / blocks if blocks else np.nan


class block_error_display(_Display):
    """Shows the blocks of the last frames, a column per frame with its first block at the top; lost
    blocks are coloured.  Below is the share of lost blocks.

    Message port ``judgement``: dicts of semantic_decoder with ``frame``, ``symbols`` and ``blocks``
    ({stream: 1 for received, 0 for lost blocks}), as of the system digital

    Frames come in the order of messages; ``frames`` has the last 60.
    """

    def __init__(self):
        self.frames = ()
        ports = {"judgement": self._on_judgement}
        _Display.__init__(self, "block_error_display", ports, (360, 280))

    @guarded
    def _on_judgement(self, message):
        told = pmt.to_python(message)
        if "blocks" not in told:
            raise ValueError(
                f"frame {told['frame']}: a judgement without blocks; connect the receiver of a "
                "system that sends coded blocks, such as digital"
            )
        came = {name: np.array(good, bool) for name, good in sorted(told["blocks"].items())}
        self.frames = (*self.frames, _Frame(told["frame"], told["symbols"], came))[-SHOWN:]
        self.widget.changed.emit()

    def title(self) -> tuple:
        """Two lines of text: the last frame, and the last frames together."""
        if not self.frames:
            return "Blocks: waiting for the first frame", ""
        last, recent = self.frames[-1], self.frames[-RECENT:]
        counts = [f"{name} {last.lost(name)} of {len(came)}" for name, came in last.came.items()]
        lost = sum(frame.lost(name) for frame in recent for name in frame.came)
        blocks = sum(len(came) for frame in recent for came in frame.came.values())
        return (
            f"Frame {last.number}, blocks lost: {', '.join(counts)}",
            f"{last.symbols:,} symbols per stream; last {len(recent)} frames: "
            f"{100 * lost / max(1, blocks):.1f} % lost",
        )

    def _paint(self, painter, width, height):
        frames = self.frames  # read once, since messages replace it
        for line, text in enumerate(self.title()):
            box = (MARGIN, 2 + line * (ROW - 4), width - 2 * MARGIN, ROW)
            _write(painter, box, text, bold=line == 0)
        if not frames:
            return
        names, top, base = list(frames[-1].came), 2 * ROW + 2, height - ROW
        tall = RASTER * (base - top) / len(names)
        for k, name in enumerate(names):
            y = top + k * tall
            _write(painter, (MARGIN, y, width, LABEL), f"{name}: blocks of a frame, first above")
            self._raster(painter, frames, name, width, y + LABEL, tall - LABEL - 4)
        self._curves(painter, frames, width, top + len(names) * tall + 8, base)

    @staticmethod
    def _raster(painter, frames, name, width, top, tall):
        """Draw a column for each frame, the last one at the right."""
        step = (width - MARGIN - EDGE) / SHOWN
        left = EDGE + (SHOWN - len(frames)) * step
        for place, frame in enumerate(frames):
            came = frame.came.get(name, ())
            if len(came):
                box = QtCore.QRectF(left + place * step, top, max(1.0, step - 1), tall)
                painter.drawImage(box, _column(came, max(1, int(tall))))

    @staticmethod
    def _curves(painter, frames, width, top, base):
        """Draw the share of lost blocks of each frame, below its column."""
        at = _axes(painter, np.array([0.0, 100.0]), SHOWN, width, top, base)
        names, first = list(frames[-1].came), SHOWN - len(frames)
        for k, name in enumerate(names):
            shares = [(i, f.share(name)) for i, f in enumerate(frames, first) if name in f.came]
            points = [at(i, 100 * share) for i, share in shares if np.isfinite(share)]
            style = LINES[k % len(LINES)][0]
            _line(painter, points, COLOURS[k % len(COLOURS)], 2, style)
        named = [f"{name} ({LINES[k % len(LINES)][1]})" for k, name in enumerate(names)]
        label = f"blocks lost [%]: {', '.join(named)}"
        _write(painter, (EDGE, base + 2, width - EDGE, ROW - 4), label)


def _column(came: np.ndarray, most: int) -> QtGui.QImage:
    """An image of a frame's blocks [C], one below the other; if there are more than ``most``,
    several share a pixel with a colour by their share of lost blocks."""
    kept, lost = (np.array(QtGui.QColor(name).getRgb()[:3], float) for name in (NEUTRAL, WRONG))
    first = np.arange(min(most, len(came))) * len(came) // min(most, len(came))
    share = np.add.reduceat(~came, first, dtype=float) / np.diff(first, append=len(came))
    rows = np.rint(kept + share[:, None] * (lost - kept)).astype(np.uint8)
    image = QtGui.QImage(rows.tobytes(), 1, len(rows), 3, QtGui.QImage.Format_RGB888)
    return image.copy()  # a copy, since the image refers to the rows' memory
