# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files, cameras and microphones as seconds of picture and sound.

A second has 16 pictures, those that show at (k + 1/2)/16 s, and 16,000 samples of sound.  What a
file does not say is answered so:

- no sound, or a gap in it: silence; no picture: black, also for cover art.  Neither: an error
- variable or low frame rate: the picture that shows at that time, again and again if need be; the
  last one stays
- more than one channel, another rate: their mean, resampled to 16 kHz, without aliases
- pictures of any size: scaled to the height asked for, square pixels, all to the shape of the
  first; turned as the file says
- a last second that is not full: kept from half a second on, filled with silence and the last
  picture
- parts that cannot be decoded or go back in time: skipped and counted (``skipped``)

Memory does not grow with the length of a recording: decoding waits for its reader.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import stat
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import VideoReformatter

from ..base.errors import SemcomError
from .spectrum import RATE

PICTURES = 16  # a second
DEVICES = ("v4l2", "alsa", "lavfi")  # names that begin with one of these and a colon
LISTS = {"hls", "concat", "dash", "sdp", "rtsp", "vobsub", "image2"}  # lead to other files
TEXTS = {"tty", "bin", "xbin", "adf", "idf", "tedcaptions"}  # ffmpeg draws text as a film
MISSING = {"video": "picture", "audio": "sound"}
AHEAD = {"picture": 20, "sound": 120}  # [s] of the other track; decoders hold pictures back
HELD = 8  # what decoding may be ahead of its reader, in pictures and pieces of sound
JITTER = RATE // 50  # [samples] of time stamps that are not a gap


@dataclass(frozen=True)
class Limits:
    """What is refused, because it would take a host down: media come from strangers."""

    size: int = 8 << 30  # [bytes] of a file
    duration: float = 6 * 3600.0  # [s] from the first second on
    pixels: int = 48_000_000  # of a picture; 8192 x 4320 has 35 million
    patience: float = 10.0  # [s] without a picture or sound


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
        kinds = ["video"] if microphone else ["video", "audio"]
        self._readers = [_Reader(self.name, kinds, height, limits)]
        if microphone:
            self._readers.append(_Reader(microphone, ["audio"], height, limits))
        found = [kind for reader in self._readers for kind in reader.streams]
        self.has_picture, self.has_sound = "video" in found, "audio" in found

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
            raise _silence(self.name, self.limits) from None


class _Tracks:
    """Pictures and sound of both tracks, until their seconds are complete."""

    def __init__(self, has_picture: bool, has_sound: bool, height: int):
        self.pictures, self.sound = deque(), _Sound()
        self.expected = ["picture"] * has_picture + ["sound"] * has_sound
        self.last = np.zeros((height, height * 4 // 3 // 2 * 2, 3), np.uint8)
        self.number, self.owed = 0, 0

    def add(self, kind: str, value) -> None:
        if kind == "sound":
            self.sound.add(*value)
        elif self.owed:  # its second has gone out without it
            self.last, self.owed = value, self.owed - 1
        else:
            self.pictures.append(value)

    def complete(self) -> Iterator[Second]:
        """The seconds that are; one track is waited for until the other is far ahead."""
        while True:
            ready = self._ready()
            if min(ready[kind] for kind in self.expected) < 1 and all(
                ready[kind] < AHEAD[kind] for kind in ready
            ):
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


class _Reader:
    """One container, decoded in a thread of its own."""

    def __init__(self, name: str, kinds: list[str], height: int, limits: Limits):
        self.name, self.height, self.limits = name, height, limits
        self.skipped = 0
        self.is_device = name.partition(":")[0] in DEVICES and ":" in name
        self.pipe = None
        self.container = self._open()
        self.streams = {}
        for stream in self.container.streams:
            cover = stream.disposition & Disposition.attached_pic
            if stream.type in kinds and stream.codec_context and not cover:
                self.streams.setdefault(stream.type, stream)
        if not self.streams:
            missing = " and no ".join(MISSING[kind] for kind in kinds)
            raise SemcomError(f"{name}: has no {missing} that can be read; give a media file")
        for stream in self.streams.values():
            stream.codec_context.options = {"max_pixels": str(limits.pixels)}
        if "video" in self.streams:
            self._check_size(self.streams["video"])
            self.streams["video"].thread_type = "AUTO"

    def _open(self):
        kind, _, device = self.name.partition(":")
        if kind == "alsa":  # PyAV's wheels look for its settings where they were built
            os.environ.setdefault("ALSA_CONFIG_DIR", "/usr/share/alsa")
        file = None if self.is_device else self._file()
        try:
            if self.is_device:
                return av.open(device, format=kind, timeout=self.limits.patience)
            options = {
                "protocol_whitelist": "file",
                "format_whitelist": ",".join(av.formats_available - LISTS - TEXTS),
                "max_pixels": str(self.limits.pixels),
            }
            return av.open(
                file,
                options=options,
                metadata_errors="replace",
                timeout=self.limits.patience,
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            if self.pipe:
                self.pipe.close()
                self.pipe.check()
            listed = isinstance(error, av.ArgumentError) and not self.is_device
            reason = "a list of files, a text or a single picture" if listed else _reason(error)
            raise SemcomError(
                f"{self.name}: cannot be read as media ({reason}); give a film, a sound or a device"
            ) from error

    def _file(self):
        """The file's name, or for a pipe an object whose reading ends when no data comes."""
        path = Path(self.name)
        try:
            status = path.stat()
            if stat.S_ISFIFO(status.st_mode):
                self.pipe = _Pipe(self.name, self.limits)
                return self.pipe
        except (OSError, ValueError) as error:
            raise SemcomError(f"{self.name}: {_reason(error)}; give a media file") from error
        if stat.S_ISDIR(status.st_mode):
            raise SemcomError(
                f"{self.name}: a folder; give a file (apps/extract_features.py takes folders)"
            )
        if not stat.S_ISREG(status.st_mode):
            raise SemcomError(f"{self.name}: not a file; devices are v4l2:{path} and alsa:NAME")
        if status.st_size == 0:
            raise SemcomError(f"{self.name}: empty, 0 bytes; copy it again")
        if status.st_size > self.limits.size:
            raise SemcomError(f"{self.name}: more than {self.limits.size:,} bytes; cut it")
        return f"file:{path}"  # a colon in its name is no protocol

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
        finally:
            if self.pipe:
                self.pipe.close()

    def _decode(self, put) -> None:
        start = Fraction(self.container.start_time or 0, av.time_base)
        handlers = {"audio": _SoundTrack(put, start)}
        if "video" in self.streams:
            aspect = self.streams["video"].sample_aspect_ratio or Fraction(1)
            handlers["video"] = _PictureTrack(put, start, self.height, aspect)
        for packet in self._packets():
            put.check()
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self.skipped += 1
                continue
            for frame in frames:
                self.skipped += not handlers[packet.stream.type].take(frame)
            if "video" in handlers:  # a picture without a next one in sight stays
                handlers["video"].show_until(handlers["audio"].end - AHEAD["sound"] // 2)
        for handler in handlers.values():
            handler.finish()
        if self.pipe:
            self.pipe.check()

    def _packets(self):
        """Packets of both streams, and the empty ones that make decoders give what they hold."""
        try:
            for packet in self.container.demux(list(self.streams.values())):
                yield packet
                if self.pipe:
                    self.pipe.wait_again()
        except av.FFmpegError as error:
            if self.is_device or not Path(self.name).exists():
                raise SemcomError(
                    f"{self.name}: gone while it was read ({_reason(error)})"
                ) from error
            self.skipped += 1
            for stream in self.streams.values():
                last = av.Packet()
                last.stream, last.time_base = stream, stream.time_base
                yield last


class _PictureTrack:
    """Frames of a video stream to 16 pictures a second: the one that shows at each time."""

    def __init__(self, put, start: Fraction, height: int, aspect: Fraction):
        self.put, self.start, self.height, self.aspect = put, start, height, aspect
        self.width, self.scaler = None, VideoReformatter()
        self.next, self.shown, self.converted = 0, None, None
        self.begin = self.end = Fraction(0)

    def take(self, frame) -> bool:
        """False, and nothing, for a frame from before the last one."""
        begin = self.end if frame.pts is None else frame.pts * frame.time_base - self.start
        if self.shown is not None and begin < self.begin:
            return False
        self.show_until(begin)
        self.shown, self.converted = frame, None
        length = frame.duration * frame.time_base if frame.duration else Fraction(1, PICTURES)
        self.begin, self.end = begin, begin + length
        return True

    def show_until(self, time: Fraction) -> None:
        """Pictures for the times before ``time``; the first also stands for what was before it."""
        while self.shown is not None and Fraction(2 * self.next + 1, 2 * PICTURES) < time:
            if self.converted is None:
                self.converted = self._convert(self.shown)
            self.put(("picture", self.converted))
            self.next += 1

    def finish(self) -> None:
        self.show_until(self.end)

    def _convert(self, frame) -> np.ndarray:
        turns = round(frame.rotation / 90) % 4
        if self.width is None:
            shape = frame.width * self.aspect / frame.height
            wide = self.height * (1 / shape if turns % 2 else shape)
            self.width = max(2, min(8 * self.height, round(wide / 2) * 2))
        size = (self.height, self.width) if turns % 2 else (self.width, self.height)
        picture = self.scaler.reformat(frame, *size, "rgb24", interpolation="AREA", threads=1)
        return np.ascontiguousarray(np.rot90(picture.to_ndarray(), turns))


class _SoundTrack:
    """Frames of an audio stream to samples at 16 kHz, with their place."""

    def __init__(self, put, start: Fraction):
        self.put, self.start = put, start
        self.setup, self.resampler = None, av.AudioResampler("flt", rate=RATE)
        self.place, self.next, self.end = 0, Fraction(0), Fraction(0)

    def take(self, frame) -> bool:
        """False, and nothing, for a frame that ends before the last one."""
        if frame.pts is None:
            frame.pts = round((self.next + self.start) / frame.time_base)
        begin = frame.pts * frame.time_base - self.start
        self.next = begin + Fraction(frame.samples, frame.sample_rate)
        if self.next <= self.end:
            return False
        self.end = self.next
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != self.setup:
            self.finish()
            self.setup, self.resampler = setup, av.AudioResampler("flt", rate=RATE)
        self._pass(self.resampler.resample(frame))
        return True

    def finish(self) -> None:
        self._pass(self.resampler.resample(None))

    def _pass(self, frames: list) -> None:
        for frame in frames:
            channels = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
            samples = np.clip(np.nan_to_num(channels.mean(1)), -1, 1)
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
        while True:
            self.check()
            with contextlib.suppress(queue.Full):
                return self.line.put(item, timeout=0.2)

    def check(self) -> None:
        if not self.going.is_set():
            raise _Stopped

    def last(self, item) -> None:
        with contextlib.suppress(_Stopped):
            self(item)


class _Pipe:
    """A named pipe as a file object that ends when nothing of use comes for a while."""

    handle = None

    def __init__(self, name: str, limits: Limits):
        self.name, self.limits, self.silent = name, limits, False
        self.handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
        self.wait_again()

    def wait_again(self) -> None:
        self.end = time.monotonic() + self.limits.patience

    def read(self, size: int) -> bytes:
        left = self.end - time.monotonic()
        self.silent = left <= 0 or not select.select([self.handle], [], [], left)[0]
        return b"" if self.silent else os.read(self.handle, size)

    def check(self) -> None:
        """Raise SemcomError if it ended so."""
        if self.silent:
            raise _silence(self.name, self.limits)

    def close(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    __del__ = close


def _silence(name: str, limits: Limits) -> SemcomError:
    return SemcomError(
        f"{name}: nothing to decode for {limits.patience:g} s; is something writing to it?"
    )


def _reason(error: Exception) -> str:
    """In one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())


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
