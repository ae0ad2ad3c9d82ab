# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Windows of some seconds of media with their features: the clips of a system."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch

from ..base.errors import SemcomError
from ..media.clip import Media
from ..media.sources import MediaSource, Second, windows
from .features import FeatureExtractor, looked_at

LENGTH = 10  # [s] length of a window, as in AVE
LIMIT = 1 << 30  # [bytes] most media that are kept for displays; 10 s of 4:3 have 33 million


@dataclass(frozen=True)
class Window:
    """T seconds of a file or device, from second ``start`` on.

    seconds  the T seconds with pictures and sound
    has      whether the medium has pictures, and sound; missing ones are black, or silence
    audio    [T, d_a] float32; None if no features are made
    visual   [T, h, w, d_v] float32; None if no features are made
    at       [s] of time.monotonic(), when the last second was read
    """

    name: str
    start: int
    at: float
    seconds: list[Second]
    audio: np.ndarray | None = None
    visual: np.ndarray | None = None
    has: tuple[bool, bool] = (True, True)

    @property
    def media(self) -> Media:
        """The window's pictures and sound; without the black pictures or silence of a missing
        track."""
        parts = {}
        for kind, there in zip(("pictures", "sound"), self.has, strict=True):
            if there:
                parts[kind] = np.concatenate([getattr(second, kind) for second in self.seconds])
        return Media(**parts)


class MediaWindows:
    """An iterable over the windows of media, one medium after the other.

    names       files, or devices (see :class:`MediaSource`)
    features    feature networks; None: windows without features
    length      [s] length of a window
    sliding     True: a window each second, of the last ``length`` seconds; False: windows do not
                overlap
    realtime    True: files are read in real time, as a camera is
    microphone  device for the sound of a camera
    failures    a list to which the error of a file that cannot be read is added, and the next file
                follows; None: the error is raised
    After the iteration ``skipped`` counts the parts of files that could not be decoded;
    ``features_s`` and ``waited_s`` are the times [s] spent on features and waiting for media.
    """

    def __init__(self, names: Iterable, features: FeatureExtractor | None, length=LENGTH,
                 sliding=False, realtime=False, microphone="", failures=None):  # fmt: skip
        self.names, self.features, self.length = list(names), features, length
        self.failures = failures
        self.sliding, self.realtime, self.microphone = sliding, realtime, microphone
        self.skipped, self.features_s, self.waited_s = 0, 0.0, 0.0

    def __iter__(self) -> Iterator[Window]:
        coming = _Ahead()
        try:
            for name, following in zip_longest(self.names, self.names[1:]):
                source = None
                try:
                    source = coming.source_of(name) or MediaSource(name, self.microphone)
                    source.begin()
                    if not (self.sliding or self.realtime or self.microphone):
                        coming = _Ahead(following)
                    yield from self._of(name, source)
                except SemcomError as cause:
                    if self.failures is None:
                        raise
                    self.failures.append(str(cause))
                finally:
                    if source:
                        source.end()
        finally:
            coming.end()

    def _of(self, name, source: MediaSource) -> Iterator[Window]:
        seconds = self._waited(_paced(source) if self.realtime else source)
        cut = self._slide(seconds) if self.sliding else self._cut(seconds)
        for at, parts in cut:
            shown, audio, visual = zip(*parts, strict=True)
            start = shown[0].number
            made = (None, None) if self.features is None else (np.stack(audio), np.stack(visual))
            has = source.has_picture, source.has_sound
            yield Window(str(name), start, at, list(shown), *made, has)
        self.skipped += source.skipped

    def _cut(self, seconds) -> Iterator[tuple[float, list]]:
        for window in windows(seconds, self.length):
            yield time.monotonic(), list(zip(window, *self._features(window), strict=True))

    def _slide(self, seconds) -> Iterator[tuple[float, list]]:
        last = deque(maxlen=self.length)
        for second in seconds:
            at = time.monotonic()
            last.extend(zip([second], *self._features([second]), strict=True))
            yield at, list(last)

    def _features(self, window: list[Second]) -> tuple:
        if self.features is None:
            return [None] * len(window), [None] * len(window)
        began = time.perf_counter()
        sound = np.stack([second.sound for second in window])
        looked = looked_at(len(window[0].pictures), self.features.looks)  # others are not copied
        seen = np.stack([second.pictures[looked.start :: looked.step] for second in window])
        with ThreadPoolExecutor(1) as pool:
            heard = pool.submit(_threaded, self.features.audio, sound)
            visual = _threaded(self.features.visual, seen)
        self.features_s += time.perf_counter() - began
        return heard.result(), visual

    def _waited(self, seconds: Iterable[Second]) -> Iterator[Second]:
        seconds = iter(seconds)
        while True:
            began = time.perf_counter()
            second = next(seconds, None)
            self.waited_s += time.perf_counter() - began
            if second is None:
                return
            yield second


def _threaded(function, values: np.ndarray) -> np.ndarray:
    torch.get_num_threads()  # the first call makes this thread use the number that was set
    return function(values)


def _paced(seconds: Iterable[Second]) -> Iterator[Second]:
    """The seconds of a file in real time: each is given at its end."""
    began = time.monotonic()
    for second in seconds:
        time.sleep(max(0.0, began + second.number + 1 - time.monotonic()))
        yield second


class _Ahead:
    """The next file, which is decoded while the features of the one before are made; nothing for
    what is no file, and for a file with an error, which is told when its turn comes."""

    def __init__(self, name: str | None = None):
        self._source, self._state = None, _state_of(name)
        if self._state:
            with suppress(SemcomError):
                self._source = MediaSource(name)
                self._source.begin()

    def source_of(self, name: str) -> MediaSource | None:
        """The source, if the file is what it was."""
        if self._state != _state_of(name):
            self.end()
            return None
        return self._source

    def end(self) -> None:
        if self._source:
            self._source.end()


def _state_of(name: str | None) -> tuple | None:
    """What changes with a file; None for what is no file."""
    with suppress(OSError, ValueError, TypeError):
        told = os.stat(name)
        if stat.S_ISREG(told.st_mode):
            return name, told.st_ino, told.st_size, told.st_mtime_ns
    return None


class WindowStore:
    """Keeps sent windows by frame number for displays in the same process, since pictures are not
    sent through the flowgraph.

    Windows are kept after the first :meth:`watch`, as long as their media take at most ``limit``
    bytes (a second in several windows counts once).  Beyond that the oldest are dropped.
    ``dropped`` counts the windows that were dropped before they or a later one were asked for:
    displays show their outcome without pictures.

    limit  [bytes]
    """

    def __init__(self, limit: int = LIMIT):
        self.limit, self.dropped, self.bytes = limit, 0, 0
        self._windows, self._seconds, self._lock = {}, Counter(), threading.Lock()
        self._watched, self._asked = False, -1

    def watch(self) -> None:
        """Keep windows from now on."""
        self._watched = True

    def keep(self, number: int, window: Window) -> None:
        """Keep a window; a number that is not higher than the last clears the store, since the
        flowgraph was restarted."""
        if not self._watched:
            return
        with self._lock:
            if self._windows and number <= next(reversed(self._windows)):
                self._begin_anew()
            self._windows[number] = window
            for second in window.seconds:
                self._count(second, 1)
            while self.bytes > self.limit and len(self._windows) > 1:
                oldest = next(iter(self._windows))
                self.dropped += oldest > self._asked
                for second in self._windows.pop(oldest).seconds:
                    self._count(second, -1)

    def window(self, number: int) -> Window | None:
        """The window of a frame; None if it was never kept or has been dropped."""
        with self._lock:
            self._asked = max(self._asked, number)
            return self._windows.get(number)

    def _begin_anew(self) -> None:
        self._windows.clear()
        self._seconds.clear()
        self.bytes, self._asked = 0, -1

    def _count(self, second: Second, step: int) -> None:
        before = self._seconds[id(second)]
        self._seconds[id(second)] += step
        if 0 in (before, before + step):
            self.bytes += step * (second.pictures.nbytes + second.sound.nbytes)
        if before + step == 0:
            del self._seconds[id(second)]
