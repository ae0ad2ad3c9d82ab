# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Decodes containers in threads: pictures and pieces of sound with their times, at the rates of
feature networks (see sources)."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import select
import stat
import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.optional import av
from .spectrum import RATE

PICTURES = 16  # per second
DEVICES = ("v4l2", "alsa", "lavfi")  # prefixes of device names, before a colon
LISTS = {
    "hls",
    "concat",
    "dash",
    "sdp",
    "rtsp",
    "vobsub",
    "image2",
}  # formats that name other files
TEXTS = {"tty", "bin", "xbin", "adf", "idf", "tedcaptions"}  # texts, which ffmpeg draws as a film
MISSING = {"video": "picture", "audio": "sound"}
AHEAD = {"picture": 20, "sound": 120}  # [s] lead of a track over the other; decoders delay pictures


@dataclass(frozen=True)
class Limits:
    """Limits of media, which may come from anybody: larger ones could exhaust the host."""

    size: int = 8 << 30  # [bytes] of a file
    duration: float = 6 * 3600.0  # [s]
    pixels: int = 48_000_000  # of a picture; 8192 x 4320 has 35 million
    patience: float = 10.0  # [s] longest wait for a picture or sound


class Reader:
    """Opens a container and decodes it in a thread of its own."""

    def __init__(self, name: str, kinds: list[str], height: int, limits: Limits, originals=False):
        self.name, self.height, self.limits, self.originals = name, height, limits, originals
        self.skipped = 0
        self.is_device = name.partition(":")[0] in DEVICES and ":" in name
        self.pipe = None
        self.container = self._open()
        self.streams = {}
        for stream in self.container.streams:
            cover = stream.disposition & av.stream.Disposition.attached_pic
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
        if kind == "alsa":  # PyAV's wheels look for ALSA's settings in the folder of their build
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
            listed = getattr(error, "errno", None) == errno.EINVAL and not self.is_device
            reason = "a list of files, a text or a single picture" if listed else _reason(error)
            raise SemcomError(
                f"{self.name}: cannot be read as media ({reason}); give a film, a sound or a device"
            ) from error

    def _file(self):
        """The file's name; for a pipe, a file object with a time-out."""
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
            raise SemcomError(
                f"{self.name}: more than {self.limits.size:,} bytes, the limit; cut it"
            )
        return f"file:{path}"  # otherwise a colon in the name would begin a protocol

    def _check_size(self, stream) -> None:
        context = stream.codec_context
        if context.width * context.height > self.limits.pixels:
            raise SemcomError(
                f"{self.name}: pictures of {context.width} x {context.height}, more than "
                f"{self.limits.pixels:,} pixels, the limit; scale them down"
            )

    def run(self, line: queue.Queue, going: threading.Event) -> None:
        """Decode until the end, or until ``going`` is cleared; results and errors are put into
        ``line``."""
        put = _Putter(line, going)
        try:
            with self.container:
                self._decode(put)
            put(("end", None))
        except _Stopped:
            pass
        except SemcomError as error:
            put.last(("failed", error))
        except Exception as error:  # the reader of the queue raises it
            cause = SemcomError(f"{self.name}: reading stopped ({_reason(error)})")
            put.last(("failed", cause))
        finally:
            if self.pipe:
                self.pipe.close()

    def _decode(self, put) -> None:
        # negative times are a sound decoder's pre-roll: ffmpeg 7 counts that of Opus, 8 does not
        start = Fraction(max(0, self.container.start_time or 0), av.time_base)
        handlers = {"audio": _SoundTrack(put, start)}
        if "video" in self.streams:
            aspect = self.streams["video"].sample_aspect_ratio or Fraction(1)
            rate = self.streams["video"].average_rate or PICTURES
            handlers["video"] = _PictureTrack(
                put, start, self.height, aspect, self.originals, 1 / Fraction(rate)
            )
        for packet in self._packets():
            put.check()
            try:
                media = packet.decode()
            except av.FFmpegError:
                self.skipped += 1
                continue
            for decoded in media:
                self.skipped += not handlers[packet.stream.type].take(decoded)
            if "video" in handlers:  # without a next picture, the last one is repeated
                handlers["video"].show_until(handlers["audio"].end - AHEAD["sound"] // 2)
        for handler in handlers.values():
            handler.finish()
        if self.pipe:
            self.pipe.check()

    def _packets(self):
        """Packets of both streams, then the empty ones that flush the decoders."""
        try:
            for packet in self.container.demux(list(self.streams.values())):
                yield packet
                if self.pipe:
                    self.pipe.wait_again()
        except av.FFmpegError as error:
            if self.is_device or not Path(self.name).exists():
                raise SemcomError(
                    f"{self.name}: lost while it was read ({_reason(error)}); connect it again"
                ) from error
            self.skipped += 1
            for stream in self.streams.values():
                last = av.Packet()
                last.stream, last.time_base = stream, stream.time_base
                yield last


class _PictureTrack:
    """Converts the pictures of a stream to 16 per second, each the one that shows at its time; with
    ``originals`` it also gives the stream's own pictures."""

    def __init__(self, put, start, height: int, aspect: Fraction, originals: bool, usual: Fraction):
        self.put, self.start, self.height, self.aspect = put, start, height, aspect
        self.originals, self.usual = originals, usual  # [s] usual duration of a picture
        self.width, self.scaler = None, av.video.reformatter.VideoReformatter()
        # older versions have no other interface
        self.one_thread = {"threads": 1} if "threads" in self.scaler.reformat.__doc__ else {}
        self.next, self.shown, self.converted = 0, None, None
        self.begin = self.end = Fraction(0)

    def take(self, decoded) -> bool:
        """Take the next picture; False, and drop it, if its time is before the last one's."""
        begin = self.end if decoded.pts is None else decoded.pts * decoded.time_base - self.start
        if self.shown is not None and begin < self.begin:
            return False
        self.show_until(begin)
        self.shown, self.converted = decoded, None
        duration = getattr(decoded, "duration", 0)  # PyAV 14 has no such attribute
        length = duration * decoded.time_base if duration else self.usual
        self.begin, self.end = begin, begin + length
        if self.originals:
            picture = np.rot90(to_rgb(self.scaler, decoded), _quarter_turns(decoded))
            self.put(("original", (float(max(begin, 0)), np.ascontiguousarray(picture))))
        return True

    def show_until(self, time: Fraction) -> None:
        """Give the pictures for the times before ``time``; the first picture also serves the times
        before it."""
        while self.shown is not None and Fraction(2 * self.next + 1, 2 * PICTURES) < time:
            if self.converted is None:
                self.converted = self._convert(self.shown)
            self.put(("picture", self.converted))
            self.next += 1

    def finish(self) -> None:
        self.show_until(self.end)

    def _convert(self, decoded) -> np.ndarray:
        turns = _quarter_turns(decoded)
        if self.width is None:
            shape = decoded.width * self.aspect / decoded.height
            wide = self.height * (1 / shape if turns % 2 else shape)
            self.width = max(2, min(8 * self.height, round(wide / 2) * 2))
        size = (self.height, self.width) if turns % 2 else (self.width, self.height)
        picture = to_rgb(self.scaler, decoded, *size, interpolation="AREA", **self.one_thread)
        return np.ascontiguousarray(np.rot90(picture, turns))


def to_rgb(scaler, decoded, width=None, height=None, **how) -> np.ndarray:
    """A decoded picture as [height, width, 3] uint8 RGB, with the colour space that it declares.

    PyAV 14 uses the colour space only if the colour ranges differ; RGB has one range in any case.
    """
    full = decoded.color_range == av.video.reformatter.ColorRange.JPEG
    return scaler.reformat(
        decoded,
        width,
        height,
        "rgb24",
        src_colorspace=decoded.colorspace,
        src_color_range=decoded.color_range,
        dst_color_range="MPEG" if full else "JPEG",
        **how,
    ).to_ndarray()


def _quarter_turns(decoded) -> int:
    """Number of turns by 90 degrees that the file declares for a decoded picture."""
    return round(decoded.rotation / 90) % 4


class _SoundTrack:
    """Converts the pieces of an audio stream to samples at 16 kHz with their index in time."""

    def __init__(self, put, start: Fraction):
        self.put, self.start = put, start
        self.setup, self.resampler = None, av.AudioResampler("flt", rate=RATE)
        self.place, self.next, self.end = 0, Fraction(0), Fraction(0)

    def take(self, decoded) -> bool:
        """Take the next piece; False, and drop it, if it ends before the last one."""
        if decoded.pts is None:
            decoded.pts = round((self.next + self.start) / decoded.time_base)
        begin = decoded.pts * decoded.time_base - self.start
        self.next = begin + Fraction(decoded.samples, decoded.sample_rate)
        if self.next <= self.end:
            return False
        self.end = self.next
        setup = (decoded.format.name, decoded.layout.name, decoded.sample_rate)
        if setup != self.setup:
            self.finish()
            self.setup, self.resampler = setup, av.AudioResampler("flt", rate=RATE)
        self._pass(self.resampler.resample(decoded))
        return True

    def finish(self) -> None:
        self._pass(self.resampler.resample(None))

    def _pass(self, pieces: list) -> None:
        for piece in pieces:
            channels = piece.to_ndarray().reshape(-1, piece.layout.nb_channels)
            samples = np.clip(np.nan_to_num(channels.mean(1)), -1, 1)
            if piece.pts is not None:
                self.place = round((piece.pts * piece.time_base - self.start) * RATE)
            late = max(0, -self.place)  # samples before the first picture
            self.put(("sound", (self.place + late, samples[late:])))
            self.place += len(samples)


class _Stopped(Exception):
    """The reader has stopped."""


class _Putter:
    """Puts items into a bounded queue; ends the thread when the reader has stopped."""

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
    """A named pipe as a file object with a time-out of ``limits.patience``."""

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
        """SemcomError if the pipe ended by the time-out."""
        if self.silent:
            raise silence_error(self.name, self.limits)

    def close(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    __del__ = close


def silence_error(name: str, limits: Limits) -> SemcomError:
    """The error that nothing could be decoded of ``name`` for ``limits.patience`` seconds."""
    return SemcomError(
        f"{name}: nothing to decode for {limits.patience:g} s; is something writing to it?"
    )


def _reason(error: Exception) -> str:
    """The text of an error in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())
