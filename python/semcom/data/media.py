# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files, cameras and microphones as seconds of picture and sound.

A second has 16 pictures, those that show at (k + 1/2)/16 s, and 16,000 samples of sound.  What a
file does not say is answered so:

- no sound, or a gap in it: silence; no picture: black.  Neither: an error
- variable or low frame rate: the picture that shows at that time, again and again if need be
- more than one channel, another rate: mixed to one, resampled to 16 kHz, without aliases
- pictures of any size: scaled to the height asked for, square pixels; turned as the file says
- a last second that is not full: kept from half a second on, filled with silence and the last
  picture
- parts that cannot be decoded: skipped and counted (``skipped``)

Memory does not grow with the length of a recording: decoding waits for its reader.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import stat
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np

from ..errors import SemcomError
from .spectrum import RATE

PICTURES = 16  # a second
DEVICES = ("v4l2", "alsa", "lavfi")  # names that begin with one of these and a colon
PLAYLISTS = ("hls", "concat", "dash", "sdp", "rtsp", "tedcaptions", "image2")  # lead elsewhere, or text
AHEAD = 20  # [s] that one track of a file may be ahead of the other
HELD = 8  # what decoding may be ahead of its reader, in pictures and pieces of sound
JITTER = RATE // 50  # [samples] of time stamps that are not a gap


@dataclass(frozen=True)
class Limits:
    """What is refused, because it would take a host down: media come from strangers."""

    size: int = 8 << 30  # [bytes] of a file
    duration: float = 6 * 3600.0  # [s] from the first second on
    pixels: int = 48_000_000  # of a picture; 8192 x 4320 has 35 million
    patience: float = 10.0  # [s] without any data


@dataclass(frozen=True)
class Second:
    """One second: ``pictures`` [16, height, width, 3] uint8 RGB, ``sound`` [16000] float32 in -1 to
    1, ``number`` from 0 on."""

    number: int
    pictures: np.ndarray
    sound: np.ndarray


class MediaSource:
    """Seconds of a file or of devices; iterate over it once.

    name        a file, or a device as v4l2:/dev/video0, alsa:default, lavfi:testsrc2
    microphone  a second device that the sound is taken from
    height      [pixels] of the pictures; their width follows, an even number
    Raises SemcomError with the name and what to do, when opened or while read.
    """

    def __init__(self, name: str | Path, microphone: str = "", height=224, limits=Limits()):
        self.name, self.height, self.limits = str(name), height, limits
        self.skipped = 0
        self._readers = [_Reader(self.name, height, limits)]
        if microphone:
            self._readers[0].drop("audio")
            self._readers.append(_Reader(microphone, height, limits))
            self._readers[1].drop("video")
        kinds = [kind for reader in self._readers for kind in reader.streams]
        self.has_picture, self.has_sound = "video" in kinds, "audio" in kinds
        if not kinds:
            raise SemcomError(f"{self.name}: has neither picture nor sound; give a media file")

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
        tracks = _Tracks(self.has_picture, self.has_sound, self.height)
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
        seconds = tracks.rest()
        if not (seconds or tracks.number):
            raise SemcomError(
                f"{self.name}: nothing in it could be decoded ({self.skipped} parts skipped); give "
                "a whole media file"
            )
        yield from self._allowed(seconds)

    def _allowed(self, seconds: list[Second]) -> Iterator[Second]:
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
            raise SemcomError(
                f"{self.name}: no data for {self.limits.patience:g} s; is something writing to it?"
            ) from None


class _Tracks:
    """Pictures and sound of both tracks, until their seconds are complete."""

    def __init__(self, has_picture: bool, has_sound: bool, height: int):
        self.pictures, self.sound = deque(), _Sound()
        self.expected = {"picture": has_picture, "sound": has_sound}
        self.black = np.zeros((height, height * 4 // 3 // 2 * 2, 3), np.uint8)
        self.number = 0

    def add(self, kind: str, value) -> None:
        if kind == "picture":
            self.pictures.append(value)
        else:
            self.sound.add(*value)

    def complete(self) -> list[Second]:
        """The seconds that are; one track is waited for until the other is far ahead."""
        seconds = []
        while True:
            ready = [len(self.pictures) / PICTURES, len(self.sound) / RATE]
            wanted = [r for r, e in zip(ready, self.expected.values(), strict=True) if e]
            if not (min(wanted) >= 1 or max(wanted) >= AHEAD):
                return seconds
            seconds.append(self._take())

    def rest(self) -> list[Second]:
        """What is left at the end, the last second from half of it on."""
        seconds = []
        while True:
            left = max(len(self.pictures) / PICTURES, len(self.sound) / RATE)
            if left < 0.5 and (left == 0 or self.number + len(seconds) > 0):
                return seconds
            seconds.append(self._take())

    def _take(self) -> Second:
        pictures = [self.pictures.popleft() for _ in range(min(PICTURES, len(self.pictures)))]
        last = pictures[-1] if pictures else self.black
        pictures += [last] * (PICTURES - len(pictures))
        self.black = np.zeros_like(last)
        pictures = [p if p.shape == last.shape else np.zeros_like(last) for p in pictures]
        second = Second(self.number, np.stack(pictures), self.sound.take())
        self.number += 1
        return second


class _Sound:
    """Samples by their place in time, silence in the gaps."""

    def __init__(self):
        self._pieces, self._taken, self._end = deque(), 0, 0

    def __len__(self) -> int:
        return self._end - self._taken

    def add(self, place: int, samples: np.ndarray) -> None:
        """Samples that begin at sample ``place``; what was there before stays."""
        gap = place - self._end
        if gap > JITTER:
            self._append(np.zeros(min(gap, AHEAD * RATE), np.float32))
        elif gap < -JITTER:
            samples = samples[-gap:]
        self._append(samples)

    def _append(self, samples: np.ndarray) -> None:
        self._pieces.append(samples)
        self._end += len(samples)

    def take(self) -> np.ndarray:
        """The next second, silence where there is no more."""
        second, filled = np.zeros(RATE, np.float32), 0
        while filled < RATE and self._pieces:
            piece = self._pieces.popleft()
            used = min(len(piece), RATE - filled)
            second[filled : filled + used] = piece[:used]
            if used < len(piece):
                self._pieces.appendleft(piece[used:])
            filled += used
        self._taken += RATE
        self._end = max(self._end, self._taken)
        return second


class _Reader:
    """One container, decoded in a thread of its own."""

    def __init__(self, name: str, height: int, limits: Limits):
        self.name, self.height, self.limits = name, height, limits
        self.skipped = 0
        self.container = self._open()
        self.streams = {}
        for kind in ("video", "audio"):
            for stream in getattr(self.container.streams, kind)[:1]:
                self.streams[kind] = stream
                stream.codec_context.options = {"max_pixels": str(limits.pixels)}
                if kind == "video":
                    self._check_size(stream)
                    stream.thread_type = "AUTO"

    def drop(self, kind: str) -> None:
        self.streams.pop(kind, None)

    def _open(self):
        kind, colon, device = self.name.partition(":")
        is_device = colon and kind in DEVICES
        file = None if is_device else self._file()
        try:
            if is_device:
                return av.open(device, format=kind, timeout=self.limits.patience)
            opened = av.open(file, options={"protocol_whitelist": "file"})
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SemcomError(
                f"{self.name}: cannot be read as media ({_reason(error)}); give a file that ffmpeg "
                "reads, or a device"
            ) from error
        if set(opened.format.name.split(",")) & set(PLAYLISTS):
            raise SemcomError(f"{self.name}: a {opened.format.name} list, not media; give the file")
        return opened

    def _file(self):
        """The file's name, or for a pipe an object whose reading ends when no data comes."""
        path = Path(self.name)
        try:
            status = path.stat()
        except OSError as error:
            raise SemcomError(f"{self.name}: {error.strerror}; give a media file") from error
        if stat.S_ISDIR(status.st_mode):
            raise SemcomError(f"{self.name}: a folder; give a file (apps/extract_features.py takes folders)")
        if stat.S_ISFIFO(status.st_mode):
            return _Pipe(path, self.limits.patience)
        if not stat.S_ISREG(status.st_mode):
            raise SemcomError(f"{self.name}: not a file; devices are v4l2:{path} and alsa:NAME")
        if status.st_size == 0:
            raise SemcomError(f"{self.name}: empty, 0 bytes; copy it again")
        if status.st_size > self.limits.size:
            raise SemcomError(f"{self.name}: more than {self.limits.size >> 20} MiB; cut it")
        return self.name

    def _check_size(self, stream) -> None:
        context = stream.codec_context
        if context.width * context.height > self.limits.pixels:
            raise SemcomError(
                f"{self.name}: pictures of {context.width} x {context.height}, more than "
                f"{self.limits.pixels:,} pixels, the limit; scale them down"
            )

    def run(self, line: queue.Queue, going: threading.Event) -> None:
        """Decode until the end, or until nobody reads any more."""
        put = _Putter(line, going)
        try:
            with self.container:
                self._decode(put)
            put(("end", None))
        except _Stopped:
            pass
        except SemcomError as error:
            put.last(("failed", error))
        except Exception as error:  # whatever a decoder throws is the reader's to hear
            cause = SemcomError(f"{self.name}: reading stopped ({_reason(error)})")
            put.last(("failed", cause))

    def _decode(self, put) -> None:
        start = Fraction(self.container.start_time or 0, av.time_base)
        handlers = {
            "video": _PictureTrack(put, start, self.height),
            "audio": _SoundTrack(put, start),
        }
        wanted = list(self.streams.values())
        for packet in self._packets(wanted):
            handler = handlers[packet.stream.type]
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self.skipped += 1
                continue
            for frame in frames:
                handler.take(frame)
        for kind in self.streams:
            handlers[kind].finish()

    def _packets(self, wanted: list):
        packets = self.container.demux(wanted)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except av.error.EOFError:
                return
            except av.FFmpegError as error:
                if not Path(self.name).exists() and ":" not in self.name:
                    raise SemcomError(f"{self.name}: vanished while it was read") from error
                self.skipped += 1
                return


class _PictureTrack:
    """Frames of a video stream to 16 pictures a second: the one that shows at each time."""

    def __init__(self, put, start: Fraction, height: int):
        self.put, self.start, self.height = put, start, height
        self.next, self.shown, self.converted = 0, None, None
        self.end = Fraction(0)
        self.guess = count()

    def take(self, frame) -> None:
        time = self._time(frame)
        self._show_until(time)
        self.shown, self.converted = frame, None
        length = frame.duration * frame.time_base if frame.duration else Fraction(1, PICTURES)
        self.end = time + length

    def _time(self, frame) -> Fraction:
        number = next(self.guess)
        if frame.pts is None:
            return Fraction(number, 25)
        return frame.pts * frame.time_base - self.start

    def _show_until(self, time: Fraction) -> None:
        """Pictures for the times before ``time``; the first also stands for what was before it."""
        while self.shown is not None and Fraction(2 * self.next + 1, 2 * PICTURES) < time:
            if self.converted is None:
                self.converted = self._convert(self.shown)
            self.put(("picture", self.converted))
            self.next += 1

    def finish(self) -> None:
        self._show_until(self.end)

    def _convert(self, frame) -> np.ndarray:
        turned = round(frame.rotation / 90) % 4
        tall, wide = frame.height, frame.width
        if turned % 2:
            tall, wide = wide, tall
        width = max(2, min(8 * self.height, round(self.height * wide / tall / 2) * 2))
        size = (self.height, width) if turned % 2 else (width, self.height)
        picture = frame.reformat(*size, format="rgb24", interpolation="AREA").to_ndarray()
        return np.ascontiguousarray(np.rot90(picture, turned))


class _SoundTrack:
    """Frames of an audio stream to samples at 16 kHz, with their place."""

    def __init__(self, put, start: Fraction):
        self.put, self.start = put, start
        self.resampler = av.AudioResampler("flt", "mono", RATE)
        self.place = 0

    def take(self, frame) -> None:
        if frame.pts is None:
            frame.pts = round(self.place * Fraction(1, RATE) / frame.time_base)
        self._pass(self.resampler.resample(frame))

    def finish(self) -> None:
        with contextlib.suppress(av.FFmpegError, ValueError):  # nothing was ever put in
            self._pass(self.resampler.resample(None))

    def _pass(self, frames: list) -> None:
        for frame in frames:
            samples = np.clip(np.nan_to_num(frame.to_ndarray()[0]), -1, 1)
            if frame.pts is not None:
                self.place = round((frame.pts * frame.time_base - self.start) * RATE)
            late = max(0, -self.place)  # what is before the pictures begin
            self.put(("sound", (self.place + late, samples[late:])))
            self.place += len(samples)


class _Stopped(Exception):
    """Nobody reads any more."""


class _Putter:
    """Puts into a bounded queue; ends the thread when its reader has gone."""

    def __init__(self, line: queue.Queue, going: threading.Event):
        self.line, self.going = line, going

    def __call__(self, item) -> None:
        while self.going.is_set():
            with contextlib.suppress(queue.Full):
                return self.line.put(item, timeout=0.2)
        raise _Stopped

    def last(self, item) -> None:
        with contextlib.suppress(_Stopped):
            self(item)


class _Pipe:
    """A named pipe as a file object whose ``read`` gives up after a while."""

    def __init__(self, path: Path, patience: float):
        self.handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.patience = patience

    def read(self, size: int) -> bytes:
        ready, _, _ = select.select([self.handle], [], [], self.patience)
        if not ready:
            raise TimeoutError(f"no data for {self.patience:g} s")
        return os.read(self.handle, size)

    def close(self) -> None:
        os.close(self.handle)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).splitlines()[0]


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
