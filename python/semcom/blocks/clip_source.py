# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Source of clips: the features of what the two terminals hear and see."""

import time

import numpy as np
import pmt

from ..data import open_set
from .frame_block import FrameBlock

BURST = 8  # clips read at a time, so that the encoders find batches
BUFFERED = 32  # clips that wait for the encoders


class clip_source(FrameBlock):
    """Sends the clips of a set as vector streams, a frame a clip, an item a segment (a second).

    Output 0  audio features, float32 vectors of d_a (128), T items a frame
    Output 1  visual features, float32 vectors of h*w*d_v (7*7*512), T items a frame

    With ``terminals`` naming one terminal only, its port is the only one.  Each first item
    carries ``semcom_frame`` = (sequence number, T).

    clips      a set (see ``semcom.data``), or the path of one; '' is the synthetic set
    split      'train', 'val' or 'test' (for a path)
    frames     number after the last clip's, cycling through the split; 0 sends the split once, -1
               never ends
    terminals  ('audio', 'video'), or one of the two
    first      number of the first clip, for a terminal that was started again
    interval   [s] at least this long from one clip to the next, for those who watch

    Message port ``truth``: a dict per clip with ``frame`` and ``events`` (names).
    """

    def __init__(
        self, clips="", split="test", frames=0, terminals=("audio", "video"), interval=0.0, first=0
    ):
        self.clips = open_set(clips or None, split) if isinstance(clips, str) else clips
        self.frames = frames or len(self.clips)
        self.terminals = tuple(terminals)
        self.interval = interval
        self.first, self.sent, self._next_at = first, first, 0.0
        first = [np.asarray(features) for features in self._features(0)]
        signature = [(np.float32, int(np.prod(features.shape[1:]))) for features in first]
        FrameBlock.__init__(self, "clip_source", [], signature)
        self.message_port_register_out(pmt.intern("truth"))
        for port, features in enumerate(first):
            self.set_min_output_buffer(port, BUFFERED * len(features))

    def start(self) -> bool:
        """Each start of the flowgraph begins with the first clip."""
        self.sent = self.first
        return FrameBlock.start(self)

    def _features(self, number: int) -> list:
        clip = number % len(self.clips)
        read = {"audio": self.clips.audio, "video": self.clips.visual}
        return [read[terminal](clip) for terminal in self.terminals]

    def advance(self, input_items):
        """The next clips: one at a time for those who watch, else a few; None after the last."""
        clips = []
        while len(clips) < (1 if self.interval else BURST) and self._goes_on():
            self._wait()
            self._publish()
            vectors = [
                np.ascontiguousarray(features, np.float32).reshape(len(features), -1)
                for features in self._features(self.sent)
            ]
            clips.append((self.sent, *vectors))
            self.sent += 1
        return clips or None

    def _goes_on(self) -> bool:
        return self.frames < 0 or self.sent < self.frames

    def set_interval(self, interval: float) -> None:
        """[s] from one clip to the next, from the next one on."""
        self.interval = interval

    def _wait(self) -> None:
        early = self._next_at - time.monotonic()
        if early > 0:
            time.sleep(early)
        self._next_at = time.monotonic() + self.interval

    def _publish(self) -> None:
        labels = self.clips.labels(self.sent % len(self.clips))
        names = [self.clips.classes[label] for label in labels]
        clip = pmt.to_pmt({"frame": self.sent, "events": names})
        self.message_port_pub(pmt.intern("truth"), clip)
