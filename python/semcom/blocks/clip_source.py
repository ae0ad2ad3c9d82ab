# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Source of clips: each terminal gets the kind of items that it encodes."""

import time

import numpy as np
import pmt

from ..base.errors import SemcomError
from ..data import open_set
from ..data.clipset import describe
from ..media.store import STORE, handle_items
from ..nets.topology import TAKES
from .frame_block import FrameBlock

TRUTH = pmt.intern("truth")
BURST = 16  # clips read at a time, as many as the encoders take at once
BUFFERED = 32  # most clips that wait for the encoders; half of them are handed on at a time
MEDIA_BUFFERED = 2  # the same of media: a clip takes tens of megabytes


class clip_source(FrameBlock):
    """Sends the clips of a set, a frame per clip, with one output for each kind of items.

    Outputs  the kinds in ``takes``, in that order: audio features (float32 vectors of d_a, one for
             each second), visual features (float32 vectors of h*w*d_v), text (bytes, UTF-8),
             media (handles in ``semcom.media.store``, one for each second)

    Each first item carries ``semcom_frame`` = (sequence number, items).

    clips     a set (see ``semcom.data``), or the path of one; '' is the synthetic set, or for
              media the drawn clips
    split     'train', 'val' or 'test' (for a path)
    frames    number after the last clip's, cycling through the split; 0: send the split once; -1:
              never end
    takes     kinds of items that the terminals encode, as in a system's topology
    first     number of the first clip, for a terminal that was restarted
    interval  [s] least time from one clip to the next, for watching the windows

    SemcomError for a set that cannot be read, and for kinds of items that no set has.

    Message port ``truth``: a dict per clip with ``frame`` and the true outcome: ``events`` (names)
    of each second, or ``text``.
    """

    def __init__(
        self, clips="", split="test", frames=0, takes=("audio", "visual"), interval=0.0, first=0
    ):
        unknown = [kind for kind in takes if kind not in TAKES]
        if unknown or not takes:
            raise SemcomError(f"takes {tuple(takes)}: expected kinds of {', '.join(TAKES)}")
        named = isinstance(clips, str)
        wanted = "text" in takes, "media" in takes
        self.clips = open_set(clips or None, split, *wanted) if named else clips
        self.frames = frames or len(self.clips)
        self.takes = tuple(takes)
        self.interval = interval
        self.first, self.sent, self._next_at = first, first, 0.0
        first = self._taken(self.first)
        heavy = "media" in self.takes
        self._burst = 1 if interval or heavy else BURST
        FrameBlock.__init__(self, "clip_source", [], [vector_of(items) for items in first])
        self.message_port_register_out(TRUTH)
        for port, items in enumerate(first):
            self.set_min_output_buffer(port, (MEDIA_BUFFERED if heavy else BUFFERED) * len(items))

    def start(self) -> bool:
        """Begins with the first clip at each start of the flowgraph."""
        self.sent = self.first
        return FrameBlock.start(self)

    def _taken(self, number: int) -> list:
        """The items of a clip for each output: vectors of float32, or bytes."""
        clip = number % len(self.clips)
        items = {kind: self._items(kind, clip) for kind in dict.fromkeys(self.takes)}
        return [items[kind] for kind in self.takes]

    def _items(self, kind: str, clip: int) -> np.ndarray:
        if kind == "media":
            media = self.clips.media(clip)
            return handle_items(STORE.keep(media), media.seconds)
        items = np.asarray(getattr(self.clips, kind)(clip))
        items = items if items.ndim == 1 else items.reshape(len(items), -1)
        exact = items if items.dtype == np.uint8 else items.astype(np.float32, copy=False)
        return np.ascontiguousarray(exact)

    def advance(self, input_items):
        """The next clips: one at a time with an interval, otherwise up to BURST; None after the
        last."""
        clips = []
        while len(clips) < self._burst and self._goes_on():
            self._wait()
            if self.is_heard(TRUTH):
                self._publish()
            clips.append((self.sent, *self._taken(self.sent)))
            self.sent += 1
        return clips or None

    def _goes_on(self) -> bool:
        return self.frames < 0 or self.sent < self.frames

    def set_interval(self, interval: float) -> None:
        """Sets the least time [s] from one clip to the next, from the next clip on."""
        self.interval = interval
        self._burst = 1 if interval or "media" in self.takes else BURST

    def _wait(self) -> None:
        early = self._next_at - time.monotonic()
        if early > 0:
            time.sleep(early)
        self._next_at = time.monotonic() + self.interval

    def _publish(self) -> None:
        clip = describe(self.clips, self.sent % len(self.clips))
        self.message_port_pub(TRUTH, pmt.to_pmt({"frame": self.sent, **clip}))


def vector_of(items: np.ndarray):
    """The port signature of a stream of items [n] or [n, length]: (dtype, length)."""
    return items.dtype.type if items.ndim == 1 else (items.dtype.type, items.shape[1])
