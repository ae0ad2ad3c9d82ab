# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files, cameras and microphones as seconds of picture and sound.

A second has 16 pictures, those that show at (k + 1/2)/16 s, and 16,000 samples of sound: the rates
of the feature networks.  A source also has the medium's own size and rates (``original``) and can
give the medium's own pictures.  Media of other properties are converted:

- no sound, or a gap in it: silence; no pictures, or cover art: black.  Neither: an error
- variable or low rate of pictures: the picture that shows at the time, repeated if necessary; the
  last one lasts until the end
- several channels, another rate: their mean, resampled to 16 kHz without aliasing
- pictures of any size: scaled to the wanted height with square pixels, all to the shape of the
  first; rotated as the file declares
- an incomplete last second: kept if it has at least half a second, and padded with silence and the
  last picture
- parts that cannot be decoded or go back in time: skipped and counted (``skipped``)

Memory does not grow with the length of a recording, since decoding waits for its reader.  Original
pictures that wait for their second take at most 1 GiB; beyond that, the second is given without
waiting for its sound.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from .clip import no_picture
from .decoding import AHEAD, PICTURES, Limits, Reader, silence_error
from .spectrum import RATE

WAITING = 1 << 30  # [bytes] most original pictures that wait for their second
# [bytes] by which decoding may be ahead of its reader: of files one to two windows of ten seconds,
# so that features and decoding are made at the same time; of devices and pipes half a second, to
# show what is now
HELD, HELD_LIVE = 64 << 20, 2 << 20
OBJECTS = 512  # [bytes] of the objects around a picture or a piece of sound
USUAL = Limits()
JITTER = RATE // 50  # [samples] deviation of time stamps that is not a gap


@dataclass(frozen=True)
class Original:
    """A medium's own size and rates; None if a track is missing or a value unknown.

    height, width    [pixels] of its pictures as stored, before rotation
    picture_rate_hz  mean rate of its pictures
    sound_rate_hz    sample rate of its sound
    channels         channels of its sound
    """

    height: int | None = None
    width: int | None = None
    picture_rate_hz: float | None = None
    sound_rate_hz: int | None = None
    channels: int | None = None


@dataclass(frozen=True)
class Second:
    """One second of a medium.

    number     from 0
    pictures   [16, height, width, 3] uint8 RGB
    sound      [16000] float32, -1 to 1
    originals  (time [s] from the medium's start, picture [H, W, 3] uint8 RGB) of each of the
               medium's own pictures that begins in this second, rotated as the file declares; () if
               not wanted
    """

    number: int
    pictures: np.ndarray
    sound: np.ndarray
    originals: tuple[tuple[float, np.ndarray], ...] = ()


class MediaSource:
    """The seconds of a file or of devices; an iterable that can be used once.

    name        a file, or a device such as v4l2:/dev/video0, alsa:default, lavfi:testsrc2
    microphone  a second device for the sound
    height      [pixels] of the pictures; their width is an even number by the aspect ratio
    limits      largest size, duration and pictures
    originals   True: seconds also have the medium's own pictures

    ``original`` has the medium's own size and rates.  SemcomError with the name and the remedy,
    when it is opened or read.
    """

    def __init__(self, name: str | Path, microphone: str = "", height=224, limits=USUAL,
                 originals=False):  # fmt: skip
        self.name, self.height, self.limits, self.originals = str(name), height, limits, originals
        self.skipped, self._line, self._going = 0, None, threading.Event()
        kinds = ["video"] if microphone else ["video", "audio"]
        self._readers = [Reader(self.name, kinds, height, limits, originals)]
        if microphone:
            self._readers.append(Reader(microphone, ["audio"], height, limits))
        found = [kind for reader in self._readers for kind in reader.streams]
        self.has_picture, self.has_sound = "video" in found, "audio" in found
        self.original = _original({k: s for r in self._readers for k, s in r.streams.items()})

    def __iter__(self) -> Iterator[Second]:
        self.begin()
        try:
            yield from self._seconds(self._line)
        finally:
            self.end()

    def begin(self) -> None:
        """Decode from now on, before the first second is asked for."""
        if self._line:
            return
        live = any(reader.is_device or reader.pipe for reader in self._readers)
        self._line = _Line(HELD_LIVE if live else HELD)
        self._going.set()
        for reader in self._readers:
            arguments = self._line, self._going
            threading.Thread(target=reader.run, args=arguments, daemon=True).start()

    def end(self) -> None:
        """Stop decoding."""
        self._going.clear()

    def _seconds(self, line: queue.Queue) -> Iterator[Second]:
        tracks = _Tracks(self.has_picture, self.has_sound, self.height, self.originals)
        open_readers = len(self._readers)
        while open_readers:
            kind, value = self._next(line)
            if kind == "failed":
                raise value
            if kind == "end":
                open_readers -= 1
            else:
                tracks.add(kind, value)
            self.skipped = sum(reader.skipped for reader in self._readers)
            yield from self._allowed(tracks.complete())
        yield from self._allowed(tracks.rest())
        if not tracks.number:
            raise SemcomError(
                f"{self.name}: nothing in it could be decoded ({self.skipped} parts skipped); give "
                "a whole media file"
            )

    def _allowed(self, seconds: Iterator[Second]) -> Iterator[Second]:
        for second in seconds:
            if second.number >= self.limits.duration:
                raise SemcomError(
                    f"{self.name}: longer than {self.limits.duration:g} s, the limit; cut it"
                )
            yield second

    def _next(self, line: queue.Queue):
        try:
            return line.get(timeout=self.limits.patience)
        except queue.Empty:
            raise silence_error(self.name, self.limits) from None


def _original(streams: dict) -> Original:
    """The properties of the streams ``video`` and ``audio``, those that exist."""
    told = {}
    if video := streams.get("video"):
        rate = video.average_rate or video.guessed_rate
        context = video.codec_context
        told = {"height": context.height or None, "width": context.width or None}
        told["picture_rate_hz"] = float(rate) if rate else None
    if audio := streams.get("audio"):
        context = audio.codec_context
        told["sound_rate_hz"] = context.sample_rate or None
        told["channels"] = context.layout.nb_channels or None
    return Original(**told)


class _Line(queue.Queue):
    """A queue that is bounded by the bytes of its items, each a kind and its value."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._bytes = 0

    def _qsize(self) -> int:
        return self._bytes

    def _put(self, item) -> None:
        super()._put(item)
        self._bytes += _size(item)

    def _get(self):
        item = super()._get()
        self._bytes -= _size(item)
        return item


def _size(item) -> int:
    value = item[1][1] if isinstance(item[1], tuple) else item[1]
    return getattr(value, "nbytes", 0) + OBJECTS


class _Tracks:
    """Collects pictures and sound of both tracks until a second is complete."""

    def __init__(self, has_picture: bool, has_sound: bool, height: int, originals: bool):
        self.pictures, self.sound = deque(), _Sound()
        self.originals = _Originals(originals and has_picture)
        self.expected = ["picture"] * has_picture + ["sound"] * has_sound
        self.last = no_picture(height)
        self.number, self.owed = 0, 0

    def add(self, kind: str, value) -> None:
        if kind == "sound":
            self.sound.add(*value)
        elif kind == "original":
            self.originals.add(*value)
        elif self.owed:  # its second was given without it
            self.last, self.owed = value, self.owed - 1
        else:
            self.pictures.append(value)

    def complete(self) -> Iterator[Second]:
        """The complete seconds; a track is waited for until the other one is far ahead."""
        while True:
            ready = self._ready()
            waits = min(ready[kind] for kind in self.expected) < 1
            waits = waits or not self.originals.complete(self.number)
            bounded = self.originals.bytes < WAITING
            if waits and bounded and all(ready[kind] < AHEAD[kind] for kind in ready):
                return
            yield self._take()

    def rest(self) -> Iterator[Second]:
        """The remaining seconds at the end; the last one if it has at least half a second."""
        while True:
            left = max(self._ready().values())
            if left < 0.5 and (left == 0 or self.number > 0):
                return
            yield self._take()

    def _ready(self) -> dict[str, float]:
        return {"picture": len(self.pictures) / PICTURES, "sound": len(self.sound) / RATE}

    def _take(self) -> Second:
        pictures = [self.pictures.popleft() for _ in range(min(PICTURES, len(self.pictures)))]
        self.last = pictures[-1] if pictures else self.last
        lacking = PICTURES - len(pictures)
        self.owed += lacking
        pictures += [self.last] * lacking
        originals = self.originals.take(self.number)
        second = Second(self.number, np.stack(pictures), self.sound.take(), originals)
        self.number += 1
        return second


class _Originals:
    """Keeps the medium's own pictures until their second is given."""

    def __init__(self, wanted: bool):
        self._wanted, self._waiting, self._end, self.bytes = wanted, deque(), 0.0, 0

    def add(self, time: float, picture: np.ndarray) -> None:
        self._waiting.append((time, picture))
        self._end, self.bytes = time, self.bytes + picture.nbytes

    def complete(self, number: int) -> bool:
        """Whether all pictures of second ``number`` have come."""
        return not self._wanted or self._end >= number + 1

    def take(self, number: int) -> tuple:
        """The pictures of second ``number``, and earlier ones that came too late for their
        second."""
        taken = []
        while self._waiting and self._waiting[0][0] < number + 1:
            taken.append(self._waiting.popleft())
            self.bytes -= taken[-1][1].nbytes
        return tuple(taken)


class _Sound:
    """Samples in order of time, with silence in gaps."""

    def __init__(self):
        self._pieces, self._taken, self._end = deque(), 0, 0

    def __len__(self) -> int:
        return self._end - self._taken

    def add(self, place: int, samples: np.ndarray) -> None:
        """Add samples from sample number ``place`` on; samples that are already there stay."""
        gap = place - self._end
        if gap < -JITTER:
            samples = samples[-gap:]
        if len(samples):
            begin = place if gap > JITTER else self._end
            self._pieces.append((begin, samples))
            self._end = begin + len(samples)

    def take(self) -> np.ndarray:
        """Remove the next second, padded with silence, [16000] float32."""
        second, begin = np.zeros(RATE, np.float32), self._taken
        self._taken += RATE
        while self._pieces and self._pieces[0][0] < self._taken:
            place, samples = self._pieces.popleft()
            fits = self._taken - place
            second[place - begin :][: len(samples)] = samples[:fits]
            if fits < len(samples):
                self._pieces.appendleft((self._taken, samples[fits:]))
        self._end = max(self._end, self._taken)
        return second


def windows(seconds, length: int) -> Iterator[list[Second]]:
    """Successive groups of ``length`` seconds; the last one may be shorter."""
    window = []
    for second in seconds:
        window.append(second)
        if len(window) == length:
            yield window
            window = []
    if window:
        yield window
