# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures and sound as an mp4 file that every browser and player shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.files import replacing
from ..base.optional import av
from .spectrum import RATE

QUALITY = "23"  # x264's constant rate factor: smaller is better and larger
SOUND_RATE = 64_000  # [bit/s]
BT709 = 1  # the number in ITU-T H.273 of the primaries and the transfer of HD pictures
FASTEST = 240  # [1/s]
FINEST = 90_000  # the largest denominator of a rate of pictures, that of MPEG's clock


@dataclass(frozen=True)
class Coding:
    """How pictures are coded.

    preset  x264's: how long it looks for a shorter code
    hd      colours as HD pictures have them (ITU-R BT.709), and said so in the file; else those
            that ffmpeg takes by default (BT.601), unsaid
    """

    preset: str = "medium"
    hd: bool = True


QUICK = Coding("veryfast", hd=False)
"""Of composed clips, in which features were trained: another coding gives other pictures."""


def check_video(path) -> None:
    """Refuse a name that is no mp4 file's, before hours are spent on its content."""
    if Path(path).suffix.lower() != ".mp4":
        raise SemcomError(f"{path}: a video's name must end in .mp4")


def write_video(path, pictures: Iterable[np.ndarray], fps: float, sound: np.ndarray) -> None:
    """Write ``pictures``, ``fps`` of them a second, with ``sound`` [n]; empty for none.

    See :class:`Video`; :func:`video_file` is for sound that is not all there yet.
    """
    with video_file(path, fps, silent=len(sound) == 0) as video:
        place = 0
        for number, picture in enumerate(pictures, 1):
            video.show(picture)
            end = int(number * RATE / fps)
            video.play(sound[place:end])
            place = end
        video.play(sound[place:])


@contextmanager
def video_file(path, fps: float, silent: bool = False, coding=Coding()) -> Iterator[Video]:
    """An mp4 file (H.264, AAC) to be written into; it is whole or not there.

    fps     pictures a second;  silent: without a track of sound, what is played is dropped
    """
    check_video(path)
    if not 0 < fps <= FASTEST:
        raise SemcomError(f"{path}: {fps:g} pictures a second; expected more than 0 to {FASTEST}")
    with (
        replacing(path, av.FFmpegError) as temporary,
        av.open(temporary, "w", format="mp4") as container,
    ):
        video = Video(container, path, fps, silent, coding)
        yield video
        video.finish()


class Video:
    """Pictures and sound, given in turns: what one track is ahead of the other is kept in memory.

    Raises SemcomError for pictures that are none, or of two sizes.
    """

    def __init__(self, container, path, fps: float, silent: bool, coding: Coding):
        self._container, self.path, self.shape, self._place = container, path, None, 0
        self._coding, options = coding, {"preset": coding.preset, "crf": QUALITY}
        rate = Fraction(fps).limit_denominator(FINEST)
        self._pictures = container.add_stream("libx264", rate=rate, options=options)
        self._sound = None if silent else container.add_stream("aac", rate=RATE, layout="mono")
        if self._sound:
            self._sound.bit_rate = SOUND_RATE

    def show(self, picture: np.ndarray) -> None:
        """The next picture [height, width, 3] uint8 RGB; an odd last row or column is cut off, as
        colours are coded for 2 x 2 pixels."""
        if self.shape is None:
            self._begin(np.shape(picture))
        if np.shape(picture) != self.shape:
            shapes = f"{list(self.shape)} and {list(np.shape(picture))}"
            raise SemcomError(f"{self.path}: pictures of two sizes, {shapes}")
        even = picture[: self._pictures.height, : self._pictures.width]
        coded = av.VideoFrame.from_ndarray(np.ascontiguousarray(even, np.uint8), "rgb24")
        if self._coding.hd:
            space, reach = _hd()
            coded = coded.reformat(format="yuv420p", dst_colorspace=space, dst_color_range=reach)
        self._write(self._pictures, coded)

    def _begin(self, shape: tuple) -> None:
        if len(shape) != 3 or shape[2] != 3 or min(shape) < 2:
            raise SemcomError(f"{self.path}: pictures {list(shape)}; expected [height, width, 3]")
        self.shape, stream = shape, self._pictures
        stream.height, stream.width = (n // 2 * 2 for n in shape[:2])
        stream.pix_fmt = "yuv420p"
        if self._coding.hd:
            context = stream.codec_context  # said in the file, or players guess by the size
            context.colorspace, context.color_range = _hd()
            context.color_primaries = context.color_trc = BT709

    def play(self, samples: np.ndarray) -> None:
        """The next samples [n] float32 in -1 to 1 at 16 kHz, once there is a picture."""
        self._check_begun()
        if self._sound and len(samples):
            samples = np.clip(np.nan_to_num(samples), -1, 1).astype(np.float32)
            piece = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
            piece.sample_rate, piece.pts, piece.time_base = RATE, self._place, Fraction(1, RATE)
            self._write(self._sound, piece)
            self._place += len(samples)

    def finish(self) -> None:
        """Write what the coders hold back."""
        self._check_begun()
        for stream in filter(None, (self._pictures, self._sound)):
            self._write(stream, None)

    def _check_begun(self) -> None:
        if self.shape is None:
            raise SemcomError(f"{self.path}: no pictures to write")

    def _write(self, stream, media) -> None:
        self._container.mux(stream.encode(media))


def _hd() -> tuple:
    """Colour space and range of HD pictures."""
    names = av.video.reformatter
    return names.Colorspace.ITU709, names.ColorRange.MPEG
