# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window that plays the sent pictures with the receiver's decisions drawn on them."""

from dataclasses import dataclass

import numpy as np
import pmt

from ..blocks.guard import guarded
from ..blocks.media_source import shared_store
from ..media.overlay import SMALLEST, View, draw
from ..media.sources import PICTURES, Second
from ..phy.csi import unpack
from .displays import LATE, _Display, _forget
from .player import _Player, show_view, size_of_view

DARK = np.zeros((3, 4, 3), np.uint8)  # in place of a missing picture
SHOWN = 128  # symbols of a stream that are shown


@dataclass
class _Decided:
    """A window of T seconds with the receiver's decisions; ``seconds`` is empty if the store does
    not have the pictures any more."""

    frame: int
    events: list[str]
    confidence: list[float]
    seconds: list[Second]
    sound: np.ndarray
    truth: list[str] | None

    def length(self) -> int:
        """[s]"""
        return len(self.events)

    def shown(self, now: float) -> Second | None:
        """The second of the window at ``now`` [s]."""
        return self.seconds[min(int(now), len(self.seconds) - 1)] if self.seconds else None

    def place(self, second: Second | None) -> int | None:
        """The index of this second in the window; None if it is not in it."""
        return next((t for t, other in enumerate(self.seconds) if other is second), None)

    def view(self, now: float) -> dict:
        """The window's fields of a View at ``now`` [s]."""
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


class media_display(_Player, _Display):
    """Plays the pictures of the last decided window with the decisions drawn on them.

    Inputs: complex64, the symbols of each of ``streams``, of which the last are shown
    Message port ``events``: dicts of outcome_sink (``frame``, ``events``, ``confidence``)
    Message port ``attention``: dicts of semantic_encoder (``frame``, ``grid`` (T, h, w), ``heat``)
    Message port ``csi``: of ls_estimator_cc, mimo_receiver_cc or receiver, for the SNR

    store    name of the media source's store, or an object with ``window(frame)``, which returns an
             object whose ``seconds`` are media.sources.Second, or None if it has been dropped; it
             may have ``truth(frame)``: a list of names, or None
    caption  text that describes the link
    streams  names of the streams of symbols

    Pictures do not come as items or messages: they are read from the store.  A window is played to
    its end, 16 pictures per second in real time, and its last picture stays until another window is
    decided.  Then the latest decided window is played; those in between are skipped.  A window that
    contains the present second (sliding windows) continues from it at once.
    """

    def __init__(self, store, caption="", streams=("audio symbols", "video symbols")):
        self.store = shared_store(store) if isinstance(store, str) else store
        if hasattr(self.store, "watch"):
            self.store.watch()
        self.caption, self.looked = caption, {}
        self.symbols = [(name, np.zeros(0, np.complex64)) for name in streams]
        self.csi = None  # (frame, SNR [dB])
        ports = {
            "events": self._on_event, "csi": self._on_csi, "attention": self._on_attention,
        }  # fmt: skip
        _Display.__init__(self, "media_display", ports, (640, 360), [np.complex64] * len(streams))
        self._open_player()

    def forecast(self, noutput_items, ninputs):
        """Asks for no input, since symbols are read as they come."""
        return [1] * ninputs

    @guarded
    def general_work(self, input_items, output_items):
        for stream, items in enumerate(input_items):
            name, before = self.symbols[stream]
            self.symbols[stream] = name, np.concatenate([before, items])[-SHOWN:]
            self.consume(stream, len(items))
        return 0

    def set_caption(self, caption: str) -> None:
        """Sets the text beside the SNR."""
        self.caption = caption

    @guarded
    def _on_event(self, message):
        self._offer(self._decided(pmt.to_python(message)))

    def _decided(self, event: dict) -> _Decided:
        frame, names = event["frame"], list(event["events"])
        if not names or len(event["confidence"]) != len(names):
            raise ValueError(
                f"frame {frame}: {len(names)} events, {len(event['confidence'])} confidences"
            )
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
        """The attention [h, w] of the video terminal in the played window, at ``now`` [s]."""
        looked = self.looked.get(self.playing.frame) if self.playing else None
        return None if looked is None else looked[min(int(now), len(looked) - 1)]

    def snr_db(self) -> float | None:
        """The SNR [dB] of the last estimate; None if it is older than the played window."""
        csi, playing = self.csi, self.playing
        if csi is None or (playing and playing.frame - csi[0] > LATE):
            return None
        return csi[1]

    def _begin(self, coming: _Decided, now: float) -> float | None:
        """Position [s] in the coming window: with sliding windows, that of the present second."""
        place = coming.place(self.playing.shown(now)) if self.playing else None
        if place is not None:
            shown = min(int(now), len(self.playing.seconds) - 1)
            return place + min(now - shown, 1.0)
        return _Player._begin(self, coming, now)

    def view(self) -> View:
        """The present content of the window; call it in Qt's thread."""
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
        view = draw(self.view(), *size_of_view(width, height, SMALLEST))
        show_view(painter, view, width, height)
