# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window onto what the receiver understood: the pictures with the event named on them."""

import threading
import time
from dataclasses import dataclass

import numpy as np
import pmt
from PyQt5 import QtCore, QtGui

from ..blocks.guard import guarded
from ..blocks.media_source import shared_store
from ..media.overlay import SMALLEST, View, draw
from ..media.sources import PICTURES, Second
from ..phy.csi import unpack
from .displays import LATE, _Display, _forget

LARGEST = (1920, 1080)  # of what is drawn [pixels]; larger windows show it enlarged
DARK = np.zeros((3, 4, 3), np.uint8)  # where there is no picture
SHOWN = 128  # symbols of a stream


@dataclass
class _Decided:
    """A window of T seconds and what was decided of them; ``seconds`` is empty where the pictures
    are held no more."""

    frame: int
    events: list[str]
    confidence: list[float]
    seconds: list[Second]
    sound: np.ndarray
    truth: list[str] | None

    def shown(self, now: float) -> Second | None:
        """The second that is shown at ``now`` [s]."""
        return self.seconds[min(int(now), len(self.seconds) - 1)] if self.seconds else None

    def place(self, second: Second | None) -> int | None:
        """Where the window has this very second, if it has."""
        return next((t for t, other in enumerate(self.seconds) if other is second), None)

    def view(self, now: float) -> dict:
        """The fields of a View that are the window's, at ``now`` [s]."""
        t, second = min(int(now), len(self.events) - 1), self.shown(now)
        picture = min(int((now - t) * PICTURES), PICTURES - 1)
        return dict(
            picture=DARK if second is None else second.pictures[picture],
            event=self.events[t],
            confidence=self.confidence[t],
            decided=self.events,
            truth=self.truth,
            confidences=self.confidence,
            now=now,
            sound=self.sound,
        )


class media_display(_Display):
    """The pictures of the last window that was decided, with what was understood drawn on them.

    Inputs: complex64, the symbols of each of ``streams``, of which the last are shown
    Message port ``events``: dicts of outcome_sink (``frame``, ``events``, ``confidence``)
    Message port ``attention``: dicts of semantic_encoder (``frame``, ``grid`` (T, h, w), ``heat``)
    Message port ``csi``: of ls_estimator_cc or receiver, for the SNR

    store    name of that of the media source, or what has ``window(frame)``: an object whose
             ``seconds`` are media.sources.Second, or None if it is held no more; it may have
             ``truth(frame)``: a list of names, or None
    caption  what is between, for one
    streams  names of the streams of symbols

    Pictures never come as items or messages: they are the store's. A window is played to its end,
    16 pictures a second of real time, and its last picture stays until another is decided; the
    last that was is played next, those in between are not. A window that has the second that is
    shown (sliding windows) goes on there at once.
    """

    def __init__(self, store, caption="", streams=("audio symbols", "video symbols")):
        self.store = shared_store(store) if isinstance(store, str) else store
        if hasattr(self.store, "watch"):
            self.store.watch()
        self.caption, self.looked = caption, {}
        self.symbols = [(name, np.zeros(0, np.complex64)) for name in streams]
        self.playing, self.coming, self.began = None, None, 0.0
        self.csi = None  # (frame, SNR [dB])
        self._lock = threading.Lock()  # of ``coming``
        ports = {
            "events": self._on_event, "csi": self._on_csi, "attention": self._on_attention,
        }  # fmt: skip
        _Display.__init__(self, "media_display", ports, (640, 360), [np.complex64] * len(streams))
        self._timer = QtCore.QTimer(self.widget)
        self._timer.setTimerType(QtCore.Qt.PreciseTimer)
        self._timer.timeout.connect(self.widget.update)
        self._timer.start(1000 // PICTURES)

    def forecast(self, noutput_items, ninputs):
        """Symbols of each stream are taken as they come."""
        return [1] * ninputs

    @guarded
    def general_work(self, input_items, output_items):
        for stream, items in enumerate(input_items):
            name, before = self.symbols[stream]
            self.symbols[stream] = name, np.concatenate([before, items])[-SHOWN:]
            self.consume(stream, len(items))
        return 0

    def set_caption(self, caption: str) -> None:
        """What stands beside the SNR."""
        self.caption = caption

    @guarded
    def _on_event(self, message):
        decided = self._decided(pmt.to_python(message))
        with self._lock:
            self.coming = decided
        self.widget.changed.emit()

    def _decided(self, event: dict) -> _Decided:
        frame, names = event["frame"], list(event["events"])
        if not names or len(event["confidence"]) != len(names):
            raise ValueError(f"frame {frame}: {len(names)} events, {len(event['confidence'])} sure")
        window = self.store.window(frame)
        seconds = window.seconds if window else []
        truth = getattr(self.store, "truth", None)
        return _Decided(
            frame=frame,
            events=names,
            confidence=[float(sure) for sure in event["confidence"]],
            seconds=seconds,
            sound=np.concatenate([np.zeros(0, np.float32), *(s.sound for s in seconds)]),
            truth=truth(frame) if truth else None,
        )

    @guarded
    def _on_csi(self, message):
        vector = np.array(pmt.c32vector_elements(pmt.cdr(message)), np.complex64)
        with np.errstate(divide="ignore"):
            snr_db = float(10 * np.log10(float(unpack(vector).snr)))
        self.csi = pmt.to_uint64(pmt.car(message)), snr_db

    @guarded
    def _on_attention(self, message):
        looked = pmt.to_python(message)
        self.looked[looked["frame"]] = np.reshape(looked["heat"], looked["grid"])
        _forget(self.looked)

    def heat(self, now: float) -> np.ndarray | None:
        """[h, w], where the video terminal looked in what is played, at ``now`` [s]."""
        looked = self.looked.get(self.playing.frame) if self.playing else None
        return None if looked is None else looked[min(int(now), len(looked) - 1)]

    def snr_db(self) -> float | None:
        """[dB] of the last estimate; None where it is older than what is played."""
        csi, playing = self.csi, self.playing
        if csi is None or (playing and playing.frame - csi[0] > LATE):
            return None
        return csi[1]

    def _begin(self, coming: _Decided, now: float) -> float | None:
        """Where in the coming window to go on [s]; None while the other one is played."""
        if self.playing is None:
            return 0.0
        place = coming.place(self.playing.shown(now))
        if place is not None:
            shown = min(int(now), len(self.playing.seconds) - 1)
            return place + min(now - shown, 1.0)
        return 0.0 if now >= len(self.playing.events) else None

    def _advance(self) -> float:
        """Place in the window that is played [s]; takes up the coming one when it is time."""
        at = time.monotonic()
        with self._lock:
            now = at - self.began
            begin = self._begin(self.coming, now) if self.coming else None
            if begin is not None:
                self.playing, self.coming, now = self.coming, None, begin
                self.began = at - begin
        return min(now, len(self.playing.events)) if self.playing else 0.0

    def view(self) -> View:
        """What is shown now; in Qt's thread."""
        now = self._advance()
        shown = self.playing.view(now) if self.playing else dict(picture=DARK)
        symbols = list(self.symbols)
        return View(
            **shown,
            heat=self.heat(now),
            constellations=symbols,
            snr_db=self.snr_db(),
            channel=self.caption,
        )

    def _paint(self, painter, width, height):
        shrunk = min(1, LARGEST[0] / width, LARGEST[1] / height)
        size = [
            max(least, round(n * shrunk))
            for n, least in zip((width, height), SMALLEST, strict=True)
        ]
        shown = draw(self.view(), *size)
        image = QtGui.QImage(shown.data, *size, shown.strides[0], QtGui.QImage.Format_RGB888)
        painter.setRenderHint(QtGui.QPainter.SmoothPixmapTransform)
        painter.drawImage(QtCore.QRectF(0, 0, width, height), image)
