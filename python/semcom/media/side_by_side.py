# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Draws a sent picture beside the received one, for a window or a film.

Below the pictures are the received sentence, its expected similarity and the number of symbols.
Everything is drawn on a canvas [height, width, 3] uint8 RGB; parts that are constant for a second
are cached.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..base.errors import SemcomError
from . import paint, quality
from .clip import Media
from .decoding import PICTURES
from .paint import EDGE, FAINT, GROUND, SKY, TEXT, WELL, Box
from .spectrum import RATE
from .video import Coding, Video, video_file

WIDTH, HEIGHT = 1280, 720  # [pixels] size for which lengths are given; they scale with the size
SMALLEST = (320, 180)  # [pixels] smallest size, at which text is illegible
REMEMBERED = 60  # [s] for which values are shown
XI, SSIM = "ξ, expected likeness, last 60 s", "SSIM, last 60 s"
LOST = "nothing arrived"
NO_PICTURE = "no picture"
UNREAD = "no sentence could be read"
CODING = Coding("veryfast")  # for films that are as long as their runs


@dataclass(frozen=True)
class Caption:
    """The text below the pictures for a second.

    words    the received sentence, or a text in place of it
    named    name of ``values``
    values   0 to 1 for each of the last seconds, the latest last, NaN if unknown
    symbols  number of complex symbols of a second's payload, None if unknown
    told     further text, about the channel and the sound
    """

    words: str = ""
    named: str = ""
    values: tuple[float, ...] = ()
    symbols: float | None = None
    told: str = ""


def draw(sent, shown, caption: Caption, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Two pictures beside each other with their caption, [height, width, 3] uint8 RGB.

    sent   sent picture [h, w, 3] uint8 RGB; None if unknown
    shown  received picture [h, w, 3] uint8 RGB; None if lost

    SemcomError if the size is below :data:`SMALLEST`.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        raise SemcomError(f"a view of {width} x {height} pixels; at least {SMALLEST} is needed")
    canvas = _ground(caption, width, height).copy()
    for picture, box in zip((sent, shown), _pictures(width, height), strict=True):
        if picture is None:
            paint.write(canvas, box, NO_PICTURE, 20 * _unit(width, height), FAINT, 0.5)
        else:
            paint.centre(box.of(canvas), paint.fitting(picture, box.w, box.h))
    return canvas


def _unit(width: int, height: int) -> float:
    return min(width / WIDTH, height / HEIGHT)


def _pictures(width: int, height: int) -> tuple[Box, Box]:
    """The boxes of the two pictures."""
    unit = _unit(width, height)
    gap, head, foot = (round(n * unit) for n in (20, 40, 200))
    wide, tall = (width - 3 * gap) // 2, height - head - foot - 2 * gap
    return Box(gap, head, wide, tall), Box(2 * gap + wide, head, wide, tall)


@lru_cache(maxsize=4)
def _ground(caption: Caption, width: int, height: int) -> np.ndarray:
    """Everything except the pictures."""
    unit, canvas = _unit(width, height), paint.filled(width, height, GROUND)
    boxes = _pictures(width, height)
    for name, box in zip(("sent", "shown by the receiver"), boxes, strict=True):
        paint.write(canvas, Box(box.x, 0, box.w, box.y), name, 18 * unit, FAINT)
        paint.plate(canvas, box, WELL, 0)
    top, gap = boxes[0].y + boxes[0].h + round(20 * unit), boxes[0].x
    side = round(460 * unit)
    words = Box(gap, top, width - 3 * gap - side, height - gap - top)
    values = Box(width - gap - side, top, side, words.h)
    words.of(canvas)[:] = _words(caption, words.w, words.h, unit)
    values.of(canvas)[:] = _values(caption, values.w, values.h, unit)
    return canvas


def _words(caption: Caption, width: int, height: int, unit: float) -> np.ndarray:
    """A panel with the sentence, the symbols per second and the further text."""
    canvas, pad = paint.panel(width, height, unit), round(20 * unit)
    rows = [round(share * height) for share in (0.08, 0.5, 0.72, 0.94)]
    boxes = [Box(pad, y, width - 2 * pad, end - y) for y, end in zip(rows, rows[1:], strict=False)]
    paint.write(canvas, boxes[0], caption.words, 34 * unit, TEXT, bold=True, least=14 * unit)
    if caption.symbols is not None:
        text = f"{caption.symbols:,.0f} complex symbols a second"
        paint.write(canvas, boxes[1], text, 22 * unit, TEXT, least=10 * unit)
    paint.write(canvas, boxes[2], caption.told, 17 * unit, FAINT, least=10 * unit)
    return canvas


def _values(caption: Caption, width: int, height: int, unit: float) -> np.ndarray:
    """A panel with the latest value as a number, and a bar for each second."""
    canvas, pad = paint.panel(width, height, unit), round(16 * unit)
    head = Box(pad, round(6 * unit), width - 2 * pad, round(40 * unit))
    newest = caption.values[-1] if caption.values else np.nan
    paint.write(canvas, head, caption.named, 17 * unit, FAINT)
    if np.isfinite(newest):
        paint.write(canvas, head, f"{newest:.2f}", 30 * unit, TEXT, 1.0, bold=True)
    plot = Box(pad, head.y + head.h, head.w, height - head.y - head.h - pad)
    paint.plate(canvas, plot, WELL, 4 * unit)
    line = max(1, round(unit))
    for level in (0.5, 1.0):
        y = plot.y + round((1 - level) * (plot.h - line))
        canvas[y : y + line, plot.x : plot.x + plot.w] = EDGE
    step = plot.w / REMEMBERED
    for place, value in enumerate(caption.values, REMEMBERED - len(caption.values)):
        if np.isfinite(value):
            tall = max(1, round(float(np.clip(value, 0, 1)) * plot.h))
            x, end = (round(plot.x + n * step) for n in (place, place + 1))
            canvas[plot.y + plot.h - tall : plot.y + plot.h, x : max(x + 1, end - line)] = SKY
    return canvas


class Captions:
    """Makes the captions of successive clips, second by second.

    told  further text of every caption
    """

    def __init__(self, told: str = ""):
        self.told, self.named = told, ""
        self._values = deque(maxlen=REMEMBERED)

    def of(self, sent: Media | None, shown: Media | None) -> list[Caption]:
        """A caption for each second of a clip.

        sent   sent media; None if unknown
        shown  received media; None if lost
        """
        seconds = (sent or shown or Media()).seconds
        words, values = [LOST if shown is None else ""] * seconds, [np.nan] * seconds
        if shown is not None and shown.said:
            words = [text or UNREAD for text in shown.said]
            self._call(XI)
            values = shown.xi
        elif sent is not None and self.named != XI:
            self._call(SSIM)
            values = [likeness(sent, shown or sent.blank(), t) for t in range(seconds)]
        symbols = shown.symbols / seconds if shown and shown.symbols else None
        made = []
        for text, value in zip(words, values, strict=True):
            self._values.append(float(value))
            made.append(Caption(text, self.named, tuple(self._values), symbols, self.told))
        return made

    def _call(self, named: str) -> None:
        """Clear the values if the name of the values changes."""
        if named != self.named:
            self.named = named
            self._values.clear()


def picture_at(media: Media | None, second: float) -> np.ndarray | None:
    """The picture that shows at ``second``; after the end, the last one; None without pictures."""
    if media is None or not len(media.pictures):
        return None
    place = int(second / media.seconds * len(media.pictures))
    return media.pictures[min(place, len(media.pictures) - 1)]


def likeness(sent: Media, shown: Media, second: int) -> float:
    """SSIM of the pictures in the middle of a second; NaN if a picture is missing, or their sizes
    differ or are too small."""
    pair = [picture_at(media, second + 0.5) for media in (sent, shown)]
    size, other = map(np.shape, pair)
    if size != other or min(size[:2], default=0) < quality.GAUSS:
        return np.nan
    return quality.structural_similarity(*pair)[0]


class SideBySide:
    """Writes a film of sent beside received clips, 16 pictures per second, with the received sound.
    Clips are written as they come, and none is kept.

    video  the video to write into
    told   further text of every picture
    """

    def __init__(self, video: Video, told: str = ""):
        self._video, self._captions = video, Captions(told)

    def add(self, sent: Media | None, shown: Media | None) -> None:
        """Write the next clip.

        sent   sent media; None if unknown
        shown  received media; None if lost, which gives silence
        """
        sound = np.zeros(0, np.float32) if shown is None else shown.sound
        for second, caption in enumerate(self._captions.of(sent, shown)):
            for k in range(PICTURES):
                at = second + (k + 0.5) / PICTURES
                pictures = (picture_at(media, at) for media in (sent, shown))
                self._video.show(draw(*pictures, caption))
            played = sound[second * RATE : (second + 1) * RATE]
            self._video.play(np.pad(played, (0, RATE - len(played))))


@contextmanager
def side_by_side(path, told: str = "") -> Iterator[SideBySide]:
    """A context with a film to write into; the file is complete or absent."""
    with video_file(path, PICTURES, coding=CODING) as video:
        yield SideBySide(video, told)
