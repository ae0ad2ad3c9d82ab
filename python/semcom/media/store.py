# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A store of media with handles: within a process, blocks exchange handles instead of pictures."""

from __future__ import annotations

import itertools
import threading

import numpy as np

from ..base.errors import SemcomError
from .clip import Media

HANDLE_ITEM = np.int64, 512  # a page of memory, so that buffers do not hold many clips
NOTHING = -1  # in place of a handle: the clip was lost
LIMIT = 1 << 30  # [bytes]; a second with 16 pictures of 96 x 96 and sound has half a million


class MediaStore:
    """Keeps media by handle; safe for any number of threads.

    Beyond ``limit`` bytes the oldest media are dropped, which ``dropped`` counts; the latest stays,
    whatever its size.

    limit  [bytes] of pictures and sound
    """

    def __init__(self, limit: int = LIMIT):
        self.limit, self.dropped, self.bytes = limit, 0, 0
        self._kept: dict[int, Media] = {}
        self._numbers, self._lock = itertools.count(), threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, media: Media) -> int:
        """Keep media; returns their handle, 0 or more, which is never used again."""
        with self._lock:
            handle = next(self._numbers)
            self._kept[handle] = media
            self.bytes += media.nbytes
            while self.bytes > self.limit and len(self._kept) > 1:
                self.bytes -= self._kept.pop(next(iter(self._kept))).nbytes
                self.dropped += 1
        return handle

    def get(self, handle: int) -> Media:
        """The media of a handle; SemcomError if they were dropped or never kept."""
        with self._lock:
            found = self._kept.get(int(handle))
        if found is None:
            raise SemcomError(
                f"media {handle}: not in this process's store, or dropped ({self.dropped} "
                f"were, beyond {self.limit:,} bytes); read sooner, or send less at a time"
            )
        return found


def handle_items(handle: int, seconds: int) -> np.ndarray:
    """The items of a handle, [seconds, 512] int64, all with the same value."""
    return np.full((seconds, HANDLE_ITEM[1]), handle, HANDLE_ITEM[0])


STORE = MediaStore()
"""The store of the process: systems keep media in it, :class:`semcom.tasks.media.MediaTask` reads
them."""
