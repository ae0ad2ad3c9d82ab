# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Qt windows onto the link: the ten seconds of a clip, and the channel of a frame.

Each block holds a ``widget`` to be laid out by the flowgraph.  Messages come in GNU Radio's threads
and cross to Qt's by a signal; what comes faster than it can be drawn is drawn once.
"""

import numpy as np
import pmt
from gnuradio import gr
from PyQt5 import QtCore, QtGui, QtWidgets

from ..link.report import COLOURS
from ..phy.csi import unpack
from .guard import guarded

HISTORY = 200  # frames of SNR that are shown


class _Canvas(QtWidgets.QWidget):
    """A widget that draws with ``paint(painter, width, height)`` whenever it is told to."""

    changed = QtCore.pyqtSignal()

    def __init__(self, paint, smallest):
        super().__init__()
        self._paint = paint
        self.setMinimumSize(*smallest)
        self.changed.connect(self.update)

    def paintEvent(self, _event):
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.Antialiasing)
        painter.fillRect(self.rect(), QtCore.Qt.white)
        self._paint(painter, self.width(), self.height())
        painter.end()


class _Display(gr.basic_block):
    """A block without streams that listens on message ports and redraws."""

    def __init__(self, name, ports, smallest):
        gr.basic_block.__init__(self, name=name, in_sig=[], out_sig=[])
        self.widget = _Canvas(self._paint, smallest)
        for port, handler in ports.items():
            self.message_port_register_in(pmt.intern(port))
            self.set_msg_handler(pmt.intern(port), handler)


class event_timeline(_Display):
    """The seconds of the last clip: what happened, what the receiver says, and how sure it is.

    Message port ``events``: dicts of event_sink (``frame``, ``events``, ``confidence``)
    Message port ``truth``: dicts of clip_source (``frame``, ``events``); without it the row stays
    empty
    """

    def __init__(self):
        self.truth, self.event = {}, None
        ports = {"events": self._on_event, "truth": self._on_truth}
        _Display.__init__(self, "event_timeline", ports, (700, 170))

    @guarded
    def _on_truth(self, message):
        clip = pmt.to_python(message)
        self.truth[clip["frame"]] = list(clip["events"])
        while len(self.truth) > HISTORY:
            del self.truth[next(iter(self.truth))]

    @guarded
    def _on_event(self, message):
        self.event = pmt.to_python(message)
        self.widget.changed.emit()

    def _paint(self, painter, width, height):
        if self.event is None:
            painter.drawText(20, 30, "waiting for the first clip")
            return
        decided, confidence = list(self.event["events"]), list(self.event["confidence"])
        truth = self.truth.get(self.event["frame"], [])
        right = sum(a == b for a, b in zip(decided, truth, strict=False))
        title = f"clip {self.event['frame']}"
        painter.drawText(
            10, 18, f"{title}: {right} of {len(truth)} seconds right" if truth else title
        )
        left, top, bottom = 90, 28, height - 22
        step, row = (width - left - 10) / len(decided), (bottom - top) / 3
        for y, label in enumerate(("true", "decided", "confidence")):
            painter.drawText(10, int(top + (y + 0.55) * row), label)
        for t, name in enumerate(decided):
            x = left + t * step
            if t < len(truth):
                self._cell(painter, QtCore.QRectF(x, top, step - 2, row - 3), truth[t])
            self._cell(painter, QtCore.QRectF(x, top + row, step - 2, row - 3), name)
            bar = confidence[t] * (row - 4)
            box = QtCore.QRectF(x, bottom - bar, step - 2, bar)
            painter.fillRect(box, QtGui.QColor("#555555"))
            painter.drawText(int(x + step / 2) - 8, height - 6, f"{t} s")

    @staticmethod
    def _cell(painter, box, name):
        colour = QtGui.QColor("#dddddd")
        if name != "background":
            colour = QtGui.QColor.fromHsv(47 * sum(map(ord, name)) % 360, 110, 245)
        painter.fillRect(box, colour)
        painter.drawText(box, QtCore.Qt.AlignCenter | QtCore.Qt.TextWordWrap, name.split(",")[0])


class channel_display(_Display):
    """The channel as the receiver estimates it: |H| of every path, and the SNR from the pilots.

    Message port ``csi``: of ls_estimator_cc or ave_receiver
    Message port ``channel``: of a simulated channel, the truth (a line on each bar)
    """

    def __init__(self):
        self.csi = None
        self.truth, self.snr_db = {}, []
        ports = {"csi": self._on_csi, "channel": self._on_channel}
        _Display.__init__(self, "channel_display", ports, (420, 170))

    @staticmethod
    def _unpack(message):
        vector = np.array(pmt.c32vector_elements(pmt.cdr(message)), np.complex64)
        return pmt.to_uint64(pmt.car(message)), unpack(vector)

    @guarded
    def _on_channel(self, message):
        frame, csi = self._unpack(message)
        self.truth[frame] = np.abs(csi.h.numpy())
        while len(self.truth) > HISTORY:
            del self.truth[next(iter(self.truth))]

    @guarded
    def _on_csi(self, message):
        frame, csi = self._unpack(message)
        with np.errstate(divide="ignore"):
            self.snr_db = [*self.snr_db, float(10 * np.log10(float(csi.snr)))][-HISTORY:]
        self.csi = frame, np.abs(csi.h.numpy())
        self.widget.changed.emit()

    def _paint(self, painter, width, height):
        if self.csi is None:
            painter.drawText(20, 30, "waiting for the first estimate")
            return
        frame, h = self.csi
        self._bars(painter, h, self.truth.get(frame), width * 0.45, height)
        self._snr(painter, width * 0.5, width - 10, height)

    @staticmethod
    def _bars(painter, h, truth, width, height):
        painter.drawText(10, 18, "|H| estimated (bar), true (line)")
        paths = [(m, k) for m in range(h.shape[0]) for k in range(h.shape[1])]
        full = max(2.0, float(h.max()) * 1.1)
        step, base, tall = (width - 10) / len(paths), height - 22, height - 50
        for i, (m, k) in enumerate(paths):
            x, bar = 10 + i * step, h[m, k] / full * tall
            box = QtCore.QRectF(x, base - bar, step - 6, bar)
            painter.fillRect(box, QtGui.QColor(COLOURS[k % len(COLOURS)]))
            painter.drawText(int(x), height - 6, f"h{m}{k}")
            if truth is not None and truth.shape == h.shape:
                y = int(base - truth[m, k] / full * tall)
                painter.setPen(QtGui.QPen(QtCore.Qt.black, 2))
                painter.drawLine(int(x), y, int(x + step - 6), y)
                painter.setPen(QtGui.QPen(QtCore.Qt.black, 1))

    def _snr(self, painter, left, right, height):
        finite = [value for value in self.snr_db if np.isfinite(value)]
        if not finite:
            return
        mean = 10 * np.log10(np.mean(10 ** (np.array(finite) / 10)))
        painter.drawText(int(left), 18, f"SNR from pilots {finite[-1]:.1f} dB, mean {mean:.1f} dB")
        low, high = min(*finite, mean - 5), max(*finite, mean + 5)
        top, base = 30, height - 22
        points = [
            QtCore.QPointF(
                left + (right - left) * i / max(1, len(finite) - 1),
                base - (base - top) * (value - low) / (high - low),
            )
            for i, value in enumerate(finite)
        ]
        painter.setPen(QtGui.QPen(QtGui.QColor(COLOURS[0]), 2))
        painter.drawPolyline(QtGui.QPolygonF(points))
        painter.setPen(QtGui.QPen(QtCore.Qt.black, 1))
        painter.drawText(
            int(left), height - 6, f"{low:.0f} to {high:.0f} dB, last {HISTORY} frames"
        )
