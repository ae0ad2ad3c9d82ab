# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The base of windows that play clips in real time, one after another."""

import threading
import time

import numpy as np
from PyQt5 import QtCore, QtGui

from ..media.sources import PICTURES

LARGEST = (1920, 1080)  # [pixels] largest drawn picture; larger windows show it enlarged


class _Player:
    """Plays a clip to its end, 16 pictures per second in real time; its last picture stays until
    another clip comes.  Then the latest clip is played; those in between are skipped.

    A clip is an object with ``length()`` [s].  ``playing`` is the present one, ``coming`` the next
    one; ``began`` is the start of the present one by the clock [s].
    """

    def _open_player(self) -> None:
        """Start the timer that draws each picture; called once the widget exists."""
        self.playing, self.coming, self.began = None, None, 0.0
        self._lock = threading.Lock()  # of ``coming``
        self._timer = QtCore.QTimer(self.widget)
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.timeout.connect(self.widget.update)
        self._timer.start(1000 // PICTURES)

    def _offer(self, clip) -> None:
        """Play a clip next; from any thread."""
        with self._lock:
            self.coming = clip
        self.widget.changed.emit()

    def _begin(self, coming, now: float) -> float | None:
        """Position [s] at which the coming clip starts now; None while the present one is
        played."""
        return 0.0 if self.playing is None or now >= self.playing.length() else None

    def _advance(self) -> float:
        """Position [s] in the played clip; starts the coming clip when the present one has
        ended."""
        at = time.monotonic()
        with self._lock:
            now = at - self.began
            begin = self._begin(self.coming, now) if self.coming else None
            if begin is not None:
                self.playing, self.coming, now = self.coming, None, begin
                self.began = at - begin
        return min(now, self.playing.length()) if self.playing else 0.0


def size_of_view(width: int, height: int, smallest) -> list[int]:
    """Size [pixels] of the drawn picture for a window of ``width`` x ``height`` [pixels]."""
    shrunk = min(1, LARGEST[0] / width, LARGEST[1] / height)
    return [
        max(least, round(n * shrunk)) for n, least in zip((width, height), smallest, strict=True)
    ]


def show_view(painter, view: np.ndarray, width: int, height: int) -> None:
    """Draw a view [h, w, 3] uint8 over the whole window."""
    tall, wide = view.shape[:2]
    image = QtGui.QImage(view.data, wide, tall, view.strides[0], QtGui.QImage.Format_RGB888)
    painter.setRenderHint(QtGui.QPainter.SmoothPixmapTransform)
    painter.drawImage(QtCore.QRectF(0, 0, width, height), image)
