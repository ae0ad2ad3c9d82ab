# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Qt windows that show the link: the seconds of a clip, the channel of a frame, the symbols.

Each block has a ``widget``, which the flowgraph lays out.  Messages come in GNU Radio's threads and
are passed to Qt's thread by a signal; only the latest state is drawn.  Colours are Okabe and Ito's.
No information is in colour alone: wrong decisions are hatched and crossed, streams have markers or
labels.
"""

from collections import deque

import numpy as np
import pmt
from gnuradio import gr, qtgui
from PyQt5 import QtCore, QtGui, QtWidgets, sip

from ..base.palette import COLOURS
from ..base.runs import runs
from ..blocks.guard import guarded
from ..chain.metrics import mean_db
from ..media.timeline import said
from ..phy.csi import unpack

HISTORY = 200  # latest frames that are kept
SHOWN = 60  # frames in the curve of the SNR
RECENT = 20  # clips in the running share of right seconds
LATE = 2  # frames by which an estimate may be later than the true channel
TEXT, FAINT, NEUTRAL = "#202020", "#b0b0b0", "#e6e6e6"
RIGHT, WRONG, EVENT = COLOURS[2], COLOURS[1], COLOURS[5]
EDGE = 40  # beside a curve, for the values [pixels]
PLOT = (330, 280)  # smallest size of a constellation [pixels]
MARKERS = (0, 2)  # of qtgui: circle, diamond
CENTRE, LEFT, RIGHT_SIDE = (
    side | QtCore.Qt.AlignVCenter
    for side in (QtCore.Qt.AlignHCenter, QtCore.Qt.AlignLeft, QtCore.Qt.AlignRight)
)


class _Canvas(QtWidgets.QWidget):
    """A widget that is drawn by ``paint(painter, width, height)``."""

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
        painter.setPen(QtGui.QColor(TEXT))
        self._paint(painter, self.width(), self.height())
        painter.end()


class _Window:
    """Base of blocks with a window: a widget that the block paints, and message ports."""

    def _open(self, ports, smallest):
        self.widget = _Canvas(self._paint, smallest)
        for port, handler in ports.items():
            self.message_port_register_in(pmt.intern(port))
            self.set_msg_handler(pmt.intern(port), handler)


class _Display(_Window, gr.basic_block):
    """Base of displays with message ports, which redraw after each message."""

    def __init__(self, name, ports, smallest, inputs=()):
        gr.basic_block.__init__(self, name=name, in_sig=list(inputs), out_sig=[])
        self._open(ports, smallest)


def _forget(frames: dict) -> None:
    """Keep the newest frames only."""
    while len(frames) > HISTORY:
        del frames[next(iter(frames))]


def _write(painter, box, text, side=LEFT, bold=False) -> None:
    """Write one line of text inside ``box`` (x, y, width, height), shortened if it does not fit."""
    font = painter.font()
    font.setBold(bold)
    painter.setFont(font)
    shown = painter.fontMetrics().elidedText(text, QtCore.Qt.ElideRight, int(box[2]))
    painter.drawText(QtCore.QRectF(*box), side, shown)
    font.setBold(False)
    painter.setFont(font)


def _fill(painter, box, colour, hatched=False) -> None:
    """Draw a filled box (x, y, width, height) with an outline; hatching is visible in print,
    too."""
    box, outline = QtCore.QRectF(*box), QtGui.QColor(colour)
    tint = QtGui.QColor(colour)
    tint.setAlphaF(0.35)
    painter.fillRect(box, tint)
    if hatched:
        painter.fillRect(box, QtGui.QBrush(outline, QtCore.Qt.BDiagPattern))
    painter.setPen(QtGui.QPen(outline, 1.5))
    painter.drawRect(box)
    painter.setPen(QtGui.QColor(TEXT))


def _line(painter, points, colour=FAINT, width=1.0, style=QtCore.Qt.SolidLine) -> None:
    """A line through points (x, y)."""
    painter.setPen(QtGui.QPen(QtGui.QColor(colour), width, style))
    painter.drawPolyline(QtGui.QPolygonF([QtCore.QPointF(*point) for point in points]))
    painter.setPen(QtGui.QColor(TEXT))


def _axes(painter, values, count, width, top, base):
    """Lines at round values around ``values``; at(i, value) -> (x, y), i below ``count``."""
    low = 10 * int(np.floor(values.min() / 10))
    high = max(10 * int(np.ceil(values.max() / 10)), low + 10)

    def at(i, value):
        x = EDGE + (width - 10 - EDGE) * i / max(1, count - 1)
        return x, base - (base - top) * (value - low) / (high - low)

    for level in (low, (low + high) / 2, high):
        y = at(0, level)[1]
        _line(painter, [(EDGE, y), (width - 10, y)])
        _write(painter, (0, y - 9, EDGE - 6, 18), f"{level:g}", RIGHT_SIDE)
    return at


class event_timeline(_Display):
    """Shows the seconds of the last clip: true events, the receiver's decisions, their confidence.

    Message port ``events``: dicts of outcome_sink (``frame``, ``events``, ``confidence``)
    Message port ``truth``: dicts of clip_source (``frame``, ``events``); without it the row stays
    empty and no decision is marked
    """

    LABELS, TOP, FOOT = 100, 30, 24  # pixels beside, above and below the rows

    def __init__(self):
        self.truth, self.event = {}, None
        self.recent = deque(maxlen=RECENT)  # (seconds right, seconds) of the last clips
        ports = {"events": self._on_event, "truth": self._on_truth}
        _Display.__init__(self, "event_timeline", ports, (700, 200))

    @guarded
    def _on_truth(self, message):
        clip = pmt.to_python(message)
        self.truth[clip["frame"]] = list(clip["events"])
        _forget(self.truth)

    @guarded
    def _on_event(self, message):
        self.event = pmt.to_python(message)
        right = self.marks()
        if None not in right:
            self.recent.append((sum(right), len(right)))
        self.widget.changed.emit()

    def marks(self) -> list:
        """Whether each second of the last clip is right (True), wrong (False) or unknown (None)."""
        decided = list(self.event["events"])
        truth = self.truth.get(self.event["frame"], [None] * len(decided))
        return [
            None if true is None else true == name
            for true, name in zip(truth, decided, strict=True)
        ]

    def share(self):
        """Share of the seconds of the last clips that were right; None before the first."""
        seconds = sum(count for _, count in self.recent)
        return sum(right for right, _ in self.recent) / seconds if seconds else None

    def title(self) -> tuple:
        """Two lines of text: the clip, and the last clips together."""
        text, right, share = f"Clip {self.event['frame']}", self.marks(), self.share()
        if None in right:
            return text, ""
        text = f"{text}: {sum(right)} of {len(right)} seconds right"
        if share is None:  # the truth came after the decision
            return text, ""
        return text, f"last {len(self.recent)} clips: {100 * share:.0f} % of the seconds right"

    def _paint(self, painter, width, height):
        if self.event is None:
            _write(painter, (20, 10, width, 30), "Timeline: waiting for the first clip")
            return
        left, right = self.title()
        _write(painter, (10, 4, width / 2, 22), left, bold=True)
        _write(painter, (width / 2, 4, width / 2 - 12, 22), right, RIGHT_SIDE)
        decided, marks = list(self.event["events"]), self.marks()
        truth = self.truth.get(self.event["frame"], [])
        step = (width - self.LABELS - 14) / len(decided)
        row = (height - self.TOP - self.FOOT) / 3
        self._names(painter, "true", runs((name, None) for name in truth), 0, step, row)
        shown = map(said, decided, self.event["confidence"])
        self._names(painter, "decided", runs(zip(shown, marks, strict=True)), 1, step, row)
        self._confidence(painter, marks, step, row)
        foot = self.TOP + 3 * row
        _write(painter, (10, foot, self.LABELS, self.FOOT), "time [s]")
        for t in range(len(decided) + 1):
            _write(painter, (self.LABELS + t * step - 20, foot, 40, self.FOOT), str(t), CENTRE)

    def _names(self, painter, label, spans, row_number, step, row):
        top = self.TOP + row_number * row
        _write(painter, (10, top, self.LABELS, row - 6), label)
        for start, end, (name, right) in spans:
            box = (self.LABELS + start * step + 1, top, (end - start) * step - 3, row - 6)
            colour = {None: EVENT, True: RIGHT, False: WRONG}[right]
            _fill(painter, box, FAINT if name == "background" and right is None else colour)
            mark = {None: "", True: "\N{CHECK MARK} ", False: "\N{BALLOT X} "}[right]
            if right is False:
                self._hatch(painter, box)
            _write(painter, box, mark + name.split(",")[0], CENTRE, bold=right is False)

    @staticmethod
    def _hatch(painter, box):
        """Draw stripes at both ends of a wrong decision, beside its name."""
        for x in (box[0], box[0] + box[2] - 9):
            brush = QtGui.QBrush(QtGui.QColor(WRONG), QtCore.Qt.BDiagPattern)
            painter.fillRect(QtCore.QRectF(x, box[1], 9, box[3]), brush)

    def _confidence(self, painter, marks, step, row):
        top, tall = self.TOP + 2 * row + 2, row - 4
        _write(painter, (10, top, self.LABELS, tall), "confidence")
        for level in (0, 0.5, 1):
            y = top + tall * (1 - level)
            _line(painter, [(self.LABELS, y), (self.LABELS + len(marks) * step, y)])
        for t, (sure, right) in enumerate(zip(self.event["confidence"], marks, strict=True)):
            x, bar = self.LABELS + t * step, sure * tall
            colour = {None: EVENT, True: RIGHT, False: WRONG}[right]
            box = (x + step / 4, top + tall - bar, step / 2, bar)
            _fill(painter, box, colour, hatched=right is False)
            self._percent(painter, f"{100 * sure:.0f} %", x + step / 2, top + tall / 2)

    @staticmethod
    def _percent(painter, text, x, y):
        """Write text around (x, y) on a light plate, legible over bars and hatches."""
        wide = painter.fontMetrics().horizontalAdvance(text) + 6
        plate = QtGui.QColor(QtCore.Qt.white)
        plate.setAlphaF(0.8)
        painter.fillRect(QtCore.QRectF(x - wide / 2, y - 8, wide, 16), plate)
        _write(painter, (x - wide / 2, y - 8, wide, 16), text, CENTRE)


class channel_display(_Display):
    """Shows the estimated channel, |H| of every path, and the SNR from the pilots.

    Message port ``csi``: from ls_estimator_cc, mimo_receiver_cc or receiver
    Message port ``channel``: from a simulated channel, the truth (a line on each bar)

    terminals  names of the streams

    The SNR is the mean over the paths; its dashed mean is that of the powers of the shown frames.
    """

    def __init__(self, terminals=("audio", "video")):
        self.terminals = tuple(terminals)
        self.csi, self.newest = None, -1
        self.truth, self.snr_db = {}, []
        ports = {"csi": self._on_csi, "channel": self._on_channel}
        _Display.__init__(self, "channel_display", ports, (340, 240))

    @staticmethod
    def _unpack(message):
        vector = np.array(pmt.c32vector_elements(pmt.cdr(message)), np.complex64)
        return pmt.to_uint64(pmt.car(message)), unpack(vector)

    @guarded
    def _on_channel(self, message):
        self.newest, csi = self._unpack(message)
        self.truth[self.newest] = np.abs(csi.h.numpy())
        _forget(self.truth)
        self.widget.changed.emit()

    @guarded
    def _on_csi(self, message):
        frame, csi = self._unpack(message)
        with np.errstate(divide="ignore"):
            self.snr_db = [*self.snr_db, float(10 * np.log10(float(csi.snr)))][-HISTORY:]
        self.csi = frame, np.abs(csi.h.numpy())
        self.widget.changed.emit()

    def waiting(self) -> bool:
        """Whether there is no estimate of the last frames."""
        return self.csi is None or self.newest - self.csi[0] > LATE

    def title(self) -> str:
        """The SNR from the pilots as a text."""
        finite = self._finite()
        if self.waiting() or not len(finite):
            return "SNR from the pilots: unknown"
        return f"SNR from the pilots: {finite[-1]:.1f} dB, mean {mean_db(finite):.1f} dB"

    def _finite(self) -> np.ndarray:
        shown = np.array(self.snr_db[-SHOWN:])
        return shown[np.isfinite(shown)]

    def _paint(self, painter, width, height):
        self._bars(painter, width, height * 0.56)
        top = height * 0.56
        _write(painter, (10, top, width - 20, 22), self.title(), bold=True)
        if len(self._finite()):
            self._curve(painter, self._finite(), width, top + 28, height - 24)

    def _bars(self, painter, width, height):
        if self.waiting():
            _write(painter, (10, 4, width, 22), "|H|: no channel estimate", bold=True)
            _write(painter, (10, 26, width - 10, 22), "waiting, or estimation or detection is off")
            return
        frame, h = self.csi
        truth = self.truth.get(frame)
        _write(painter, (10, 4, width - 10, 22), "|H|: estimate (bar), truth (line)", bold=True)
        full = max(2.0, float(h.max()) * 1.05)
        left, top, tall = 40, 34, height - 34 - 40
        for level in (0, full / 2, full):
            y = top + tall * (1 - level / full)
            _line(painter, [(left, y), (width - 10, y)])
            _write(painter, (0, y - 9, left - 6, 18), f"{level:.1f}", RIGHT_SIDE)
        step = (width - 10 - left) / h.size
        for i, (m, k) in enumerate(np.ndindex(h.shape)):
            x, bar = left + i * step + 8, h[m, k] / full * tall
            _fill(painter, (x, top + tall - bar, step - 16, bar), COLOURS[k % len(COLOURS)])
            if truth is not None and truth.shape == h.shape:
                y = top + tall * (1 - min(truth[m, k] / full, 1))
                _line(painter, [(x - 4, y), (x + step - 12, y)], TEXT, 2.5)
            self._path(painter, m, k, x - 8, top + tall, step)

    def _path(self, painter, m, k, x, y, width):
        """Write the names of a path's ends below its bar."""
        name = self.terminals[k] if k < len(self.terminals) else f"stream {k}"
        _write(painter, (x, y + 2, width, 18), name, CENTRE)
        _write(painter, (x, y + 18, width, 18), f"antenna {m}", CENTRE)

    @staticmethod
    def _curve(painter, values, width, top, base):
        at = _axes(painter, values, len(values), width, top, base)
        _line(painter, [at(i, value) for i, value in enumerate(values)], COLOURS[0], 2)
        mean = mean_db(values)
        _line(painter, [at(0, mean), at(len(values) - 1, mean)], TEXT, 1.5, QtCore.Qt.DashLine)
        label = f"[dB], the last {len(values)} frames, their mean (dashed)"
        _write(painter, (EDGE, base + 4, width - EDGE, 20), label)


def constellation(title: str, labels: list, points: int, span: float, first_colour: int = 0):
    """A qtgui.const_sink_c with a stream for each of ``labels``, and axes from -span to span.

    points        symbols of each stream that are shown at a time
    first_colour  index of the first stream's colour in base.palette.COLOURS
    """
    sink = qtgui.const_sink_c(points, title, len(labels), None)
    sip.wrapinstance(sink.qwidget(), QtWidgets.QWidget).setMinimumSize(*PLOT)
    sink.set_update_time(0.1)
    sink.set_x_axis(-span, span)
    sink.set_y_axis(-span, span)
    sink.enable_grid(True)
    for stream, label in enumerate(labels):
        sink.set_line_label(stream, label)
        sink.set_line_color(stream, COLOURS[(first_colour + stream) % len(COLOURS)])
        sink.set_line_marker(stream, MARKERS[stream % len(MARKERS)])
        sink.set_line_style(stream, 0)
        sink.set_line_width(stream, 1)
        sink.set_line_alpha(stream, 0.7)
    return sink
