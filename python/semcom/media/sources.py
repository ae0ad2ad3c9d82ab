# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files, cameras and microphones as seconds of picture and sound.

A second has 16 pictures, those that show at (k + 1/2)/16 s, and 16,000 samples of sound: the rates
that features are made at.  A source also tells the medium's own size and rates (``original``), and
hands out its own pictures where they are asked for.  What a file does not say is answered so:

- no sound, or a gap in it: silence; no picture: black, also for cover art.  Neither: an error
- variable or low rate of pictures: the one that shows at that time, again and again if need be; the
  last one stays
- more than one channel, another rate: their mean, resampled to 16 kHz, without aliases
- pictures of any size: scaled to the height asked for, square pixels, all to the shape of the
  first; turned as the file says
- a last second that is not full: kept from half a second on, filled with silence and the last
  picture
- parts that cannot be decoded or go back in time: skipped and counted (``skipped``)

Memory does not grow with the length of a recording: decoding waits for its reader.  Original
pictures that wait for their second take 1 GiB at most: beyond, it goes out without waiting for its
sound.
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

WAITING = 1 << 30  # [bytes] of original pictures that wait for their second
HELD = 8  # what decoding may be ahead of its reader, in pictures and pieces of sound
USUAL = Limits()
JITTER = RATE // 50  # [samples] of time stamps that are not a gap


@dataclass(frozen=True)
class Original:
    """What a medium is by itself; None where it has no such track or does not say.

    height, width    [pixels] of its pictures as they are stored, before turning
    picture_rate_hz  mean rate of its pictures;  sound_rate_hz, channels: of its sound
    """

    height: int | None = None
    width: int | None = None
    picture_rate_hz: float | None = None
    sound_rate_hz: int | None = None
    channels: int | None = None


@dataclass(frozen=True)
class Second:
    """One second: ``pictures`` [16, height, width, 3] uint8 RGB, ``sound`` [16000] float32 in -1 to
    1, ``number`` from 0 on.

    originals  where asked for: (time [s] from the medium's begin, picture [H, W, 3] uint8 RGB) of
               each picture of the medium that begins in this second, turned as the file says
    """

    number: int
    pictures: np.ndarray
    sound: np.ndarray
    originals: tuple[tuple[float, np.ndarray], ...] = ()


class MediaSource:
    """Seconds of a file or of devices; iterate over it once.

    name        a file, or a device as v4l2:/dev/video0, alsa:default, lavfi:testsrc2
    microphone  a second device that the sound is taken from
    height      [pixels] of the pictures; their width follows, an even number
    originals   True: seconds have the medium's own pictures, too
    ``original`` tells the medium's own size and rates.
    Raises SemcomError with the name and what to do, when opened or while read.
    """

    def __init__(self, name: str | Path, microphone: str = "", height=224, limits=USUAL,
                 originals=False):  # fmt: skip
        self.name, self.height, self.limits, self.originals = str(name), height, limits, originals
        self.skipped = 0
        kinds = ["video"] if microphone else ["video", "audio"]
        self._readers = [Reader(self.name, kinds, height, limits, originals)]
        if microphone:
            self._readers.append(Reader(microphone, ["audio"], height, limits))
        found = [kind for reader in self._readers for kind in reader.streams]
        self.has_picture, self.has_sound = "video" in found, "audio" in found
        self.original = _original({k: s for r in self._readers for k, s in r.streams.items()})

    def __iter__(self) -> Iterator[Second]:
        line = queue.Queue(HELD)
        going = threading.Event()
        going.set()
        for reader in self._readers:
            threading.Thread(target=reader.run, args=(line, going), daemon=True).start()
        try:
            yield from self._seconds(line)
        finally:
            going.clear()

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
    """Of the streams ``video`` and ``audio``, where there are."""
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


class _Tracks:
    """Pictures and sound of both tracks, until their seconds are complete."""

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
        elif self.owed:  # its second has gone out without it
            self.last, self.owed = value, self.owed - 1
        else:
            self.pictures.append(value)

    def complete(self) -> Iterator[Second]:
        """The seconds that are; one track is waited for until the other is far ahead."""
        while True:
            ready = self._ready()
            waits = min(ready[kind] for kind in self.expected) < 1
            waits = waits or not self.originals.complete(self.number)
            bounded = self.originals.bytes < WAITING
            if waits and bounded and all(ready[kind] < AHEAD[kind] for kind in ready):
                return
            yield self._take()

    def rest(self) -> Iterator[Second]:
        """What is left at the end, the last second from half of it on."""
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
    """The medium's own pictures, until their second goes out."""

    def __init__(self, wanted: bool):
        self._wanted, self._waiting, self._end, self.bytes = wanted, deque(), 0.0, 0

    def add(self, time: float, picture: np.ndarray) -> None:
        self._waiting.append((time, picture))
        self._end, self.bytes = time, self.bytes + picture.nbytes

    def complete(self, number: int) -> bool:
        """Whether no more pictures of second ``number`` are to come."""
        return not self._wanted or self._end >= number + 1

    def take(self, number: int) -> tuple:
        """Those of second ``number``, and any from before that came too late for their own."""
        taken = []
        while self._waiting and self._waiting[0][0] < number + 1:
            taken.append(self._waiting.popleft())
            self.bytes -= taken[-1][1].nbytes
        return tuple(taken)


class _Sound:
    """Samples by their place in time, silence in the gaps."""

    def __init__(self):
        self._pieces, self._taken, self._end = deque(), 0, 0

    def __len__(self) -> int:
        return self._end - self._taken

    def add(self, place: int, samples: np.ndarray) -> None:
        """Samples that begin at sample ``place``; what was there before stays."""
        gap = place - self._end
        if gap < -JITTER:
            samples = samples[-gap:]
        if len(samples):
            begin = place if gap > JITTER else self._end
            self._pieces.append((begin, samples))
            self._end = begin + len(samples)

    def take(self) -> np.ndarray:
        """The next second, silence where there is no more."""
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
    """Runs of ``length`` seconds, one after the other; the last may be shorter."""
    window = []
    for second in seconds:
        window.append(second)
        if len(window) == length:
            yield window
            window = []
    if window:
        yield window
