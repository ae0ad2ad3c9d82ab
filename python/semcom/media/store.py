# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A store of media with handles: within a process, blocks exchange handles instead of pictures."""

from __future__ import annotations

import itertools
import threading

import numpy as np

from ..base.errors import SemcomError
from .clip import Media

HANDLE_ITEM = np.int64, 512  # a page of memory each, so that no buffer is ahead by many clips
NOTHING = -1  # in the place of a handle, of a clip of which nothing was heard
LIMIT = 1 << 30  # [bytes]; 16 pictures of 96 x 96 with their second of sound are half a million


class MediaStore:
    """Keeps media until somebody takes what was made of them; any number of threads.

    Beyond ``limit`` bytes the oldest go, which ``dropped`` counts; the newest stays, however large.

    limit  [bytes] of pictures and sound
    """

    def __init__(self, limit: int = LIMIT):
        self.limit, self.dropped, self.bytes = limit, 0, 0
        self._kept: dict[int, Media] = {}
        self._numbers, self._lock = itertools.count(), threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, media: Media) -> int:
        """A handle, 0 or more, that no other media of this store have or had."""
        with self._lock:
            handle = next(self._numbers)
            self._kept[handle] = media
            self.bytes += media.nbytes
            while self.bytes > self.limit and len(self._kept) > 1:
                self.bytes -= self._kept.pop(next(iter(self._kept))).nbytes
                self.dropped += 1
        return handle

    def get(self, handle: int) -> Media:
        """What was kept; SemcomError if it is gone, or never was."""
        with self._lock:
            found = self._kept.get(int(handle))
        if found is None:
            raise SemcomError(
                f"media {handle}: not kept in this process, or no more ({self.dropped} of the "
                f"oldest dropped beyond {self.limit:,} bytes); ask sooner, or send less at a time"
            )
        return found


def handle_items(handle: int, seconds: int) -> np.ndarray:
    """A handle as it travels: [seconds, 512] int64, the same in all of them."""
    return np.full((seconds, HANDLE_ITEM[1]), handle, HANDLE_ITEM[0])


STORE = MediaStore()
"""The one of a process: systems keep there, :class:`semcom.tasks.media.MediaTask` gets."""
