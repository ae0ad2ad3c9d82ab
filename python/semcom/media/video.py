# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Writes pictures and sound as an mp4 file for all browsers and players."""

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

QUALITY = "23"  # x264's constant rate factor: a smaller value gives better and larger files
SOUND_RATE = 64_000  # [bit/s]
BT709 = 1  # the number in ITU-T H.273 of the primaries and the transfer of HD pictures
FASTEST = 240  # [1/s] highest rate of pictures
FINEST = 90_000  # largest denominator of a rate of pictures, that of MPEG's clock


@dataclass(frozen=True)
class Coding:
    """Parameters of the coding of pictures.

    preset  preset of x264: slower ones give smaller files
    hd      True: colours of HD pictures (ITU-R BT.709), declared in the file; False: ffmpeg's
            default (BT.601), undeclared
    """

    preset: str = "medium"
    hd: bool = True


QUICK = Coding("veryfast", hd=False)
"""The coding of composed clips.  Feature networks were trained with it; another one changes the
pictures."""


def check_video(path) -> None:
    """SemcomError for a name that does not end in .mp4; checked before the content is computed."""
    if Path(path).suffix.lower() != ".mp4":
        raise SemcomError(f"{path}: a video's name must end in .mp4")


def write_video(path, pictures: Iterable[np.ndarray], fps: float, sound: np.ndarray) -> None:
    """Write an mp4 file.

    pictures  [height, width, 3] uint8 RGB each
    fps       [1/s] rate of the pictures
    sound     [n] float32, -1 to 1, at 16 kHz; empty: no sound

    See :class:`Video`; :func:`video_file` serves for sound that comes bit by bit.
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
    """A context with an mp4 file (H.264, AAC) to write into; the file is complete or absent.

    fps     [1/s] rate of the pictures
    silent  True: without a sound track; sound is dropped
    coding  parameters of the coding of pictures

    SemcomError for another name, rate or file that cannot be written.
    """
    check_video(path)
    if not 0 < fps <= FASTEST:
        raise SemcomError(
            f"{path}: {fps:g} pictures per second; expected more than 0, at most {FASTEST}"
        )
    with (
        replacing(path, av.FFmpegError) as temporary,
        av.open(temporary, "w", format="mp4") as container,
    ):
        video = Video(container, path, fps, silent, coding)
        yield video
        video.finish()


class Video:
    """Writes pictures and sound, which come alternately: the difference between the tracks is kept
    in memory.

    SemcomError for arrays that are not pictures, and for pictures of two sizes.
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
        """Write the next picture [height, width, 3] uint8 RGB; an odd last row or column is cut
        off, since colours are coded for 2 x 2 pixels."""
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
            context = stream.codec_context  # declared, otherwise players guess it from the size
            context.colorspace, context.color_range = _hd()
            context.color_primaries = context.color_trc = BT709

    def play(self, samples: np.ndarray) -> None:
        """Write the next samples [n] float32, -1 to 1, at 16 kHz; after the first picture only."""
        self._check_begun()
        if self._sound and len(samples):
            samples = np.clip(np.nan_to_num(samples), -1, 1).astype(np.float32)
            piece = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
            piece.sample_rate, piece.pts, piece.time_base = RATE, self._place, Fraction(1, RATE)
            self._write(self._sound, piece)
            self._place += len(samples)

    def finish(self) -> None:
        """Write the packets that the encoders delay."""
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
