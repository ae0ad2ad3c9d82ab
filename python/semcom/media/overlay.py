# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Draws a receiver's outcome as one picture (the overlay), for a window or a film.

It has the sent picture with the event's name and the attention; the symbols of both streams and the
SNR; and below, the decided and the true event of each second, and the sound's spectrum.  Colours
are Okabe and Ito's.  No information is in colour alone: wrong decisions are also hatched and
crossed.

Everything is drawn on a canvas [height, width, 3] uint8 RGB.  Parts that do not change from one
view to the next are drawn once: their functions have a cache and therefore hashable arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from ..base.errors import SemcomError
from ..base.optional import cv2
from . import paint
from .paint import (
    EDGE,
    FAINT,
    GREY,
    GROUND,
    ORANGE,
    SKY,
    TEXT,
    VERMILION,
    WELL,
    YELLOW,
    Box,
)
from .spectrum import RATE
from .timeline import NOTHING, UNSURE, draw_timeline, said

WIDTH, HEIGHT = 1280, 720  # [pixels] size for which lengths are given; they scale with the size
SMALLEST = (320, 180)  # [pixels] smallest size, at which text is illegible
STREAMS = (SKY, ORANGE)
SPAN = 2.5  # range of a constellation's axes in both directions; symbols have unit power
POOREST, BEST = -10, 30  # [dB] ends of the scale of the SNR


@dataclass
class View:
    """The content of an overlay.

    picture         [h, w, 3] uint8 RGB, of any size
    heat            [7, 7] (or another grid), 0 to 1, attention over the picture; None: not shown
    event           name of the present event, '' before it is decided
    confidence      of that decision, 0 to 1
    decided         decided event of each second, '' if not decided yet
    confidences     of these decisions, 0 to 1
    truth           true event of each second, or None if unknown
    now             [s] position of the playhead
    sound           [n] float32, -1 to 1, at 16 kHz, from second 0 on; may be empty
    constellations  (label, complex symbols) of the audio and of the video stream
    snr_db          [dB], or None if unknown
    channel         text that describes the link
    """

    picture: np.ndarray
    heat: np.ndarray | None = None
    event: str = ""
    confidence: float = 0.0
    decided: Sequence[str] = ()
    truth: Sequence[str] | None = None
    confidences: Sequence[float] = ()
    now: float = 0.0
    sound: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    constellations: Sequence[tuple] = ()
    snr_db: float | None = None
    channel: str = ""

    def seconds(self) -> int:
        """Length of the timeline [s], at least 1: that of the longest part."""
        heard = -(-len(self.sound) // RATE)
        return max(1, heard, len(self.decided), len(self.truth or ()), len(self.confidences))


def draw(view: View, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The overlay of a view as [height, width, 3] uint8 RGB; SemcomError if it is too small."""
    _check(view, width, height)
    place = _layout(width, height)
    canvas = _ground(width, height).copy()
    streams = zip_longest(view.constellations[:2], place.clouds, STREAMS, fillvalue=("", ()))
    for (label, symbols), box, colour in streams:
        symbols = np.ascontiguousarray(symbols, np.complex64).tobytes()
        box.of(canvas)[:] = _cloud(label, symbols, colour, box.w, box.h, place.unit)
    snr_db = None if view.snr_db is None or not np.isfinite(view.snr_db) else float(view.snr_db)
    box = place.link
    box.of(canvas)[:] = _link(snr_db, view.channel, box.w, box.h, place.unit)
    draw_timeline(place.timeline.of(canvas), view, place.unit)
    _draw_picture(place.picture.of(canvas), view, place.unit)
    return canvas


def _check(view: View, width: int, height: int) -> None:
    if width < SMALLEST[0] or height < SMALLEST[1]:
        raise SemcomError(f"a view of {width} x {height} pixels; at least {SMALLEST} is needed")
    shape, kind = np.shape(view.picture), view.picture.dtype
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or kind != np.uint8:
        raise SemcomError(
            f"a picture {list(shape)} of {kind}; expected [height, width, 3] of uint8"
        )


class Layout(NamedTuple):
    """Positions of the parts; ``unit``: pixels for a pixel of a view of 1280 x 720."""

    unit: float
    picture: Box
    clouds: tuple
    link: Box
    timeline: Box


@lru_cache(maxsize=8)
def _layout(width: int, height: int) -> Layout:
    unit = min(width / WIDTH, height / HEIGHT)
    gap, side, foot = round(20 * unit), round(408 * unit), round(230 * unit)
    tall = height - 3 * gap - foot
    left, small = width - gap - side, round(12 * unit)
    cell = (side - small) // 2
    low = cell + round(26 * unit)  # of a constellation, with its label
    return Layout(
        unit,
        Box(gap, gap, left - 2 * gap, tall),
        (Box(left, gap, cell, low), Box(width - gap - cell, gap, cell, low)),
        Box(left, gap + low + small, side, tall - low - small),
        Box(gap, height - gap - foot, width - 2 * gap, foot),
    )


@lru_cache(maxsize=4)
def _ground(width: int, height: int) -> np.ndarray:
    return paint.filled(width, height, GROUND)


# The picture, with event and attention


def _draw_picture(area: np.ndarray, view: View, unit: float) -> None:
    """Draw the picture as large as it fits, on a dim blur of itself, with attention and event."""
    shown = paint.fitting(view.picture, *area.shape[1::-1])
    if view.heat is not None:
        shown = warmed(shown, view.heat, max(1, round(1.2 * unit)))
    _backdrop(area, view.picture)
    paint.centre(area, shown)
    if view.heat is not None:
        _draw_key(area, unit)
    _draw_event(area, view, unit)
    _round_off(area, 10 * unit)


def _backdrop(area: np.ndarray, picture: np.ndarray) -> None:
    small = cv2.resize(picture, (32, 18), interpolation=cv2.INTER_AREA)
    small = cv2.convertScaleAbs(cv2.GaussianBlur(small, (0, 0), 2), alpha=0.3)
    cv2.resize(small, area.shape[1::-1], area, interpolation=cv2.INTER_LINEAR)


@lru_cache(maxsize=1)
def _warmth() -> tuple:
    """Two tables [1, 256, 3] uint8 over heat: the factor of the picture, and the added colour."""
    heat = np.linspace(0, 1, 256)[:, None]
    opacity = 0.66 * heat**1.4
    colour = paint.ramp([(0, VERMILION), (0.6, VERMILION), (1, ORANGE)], heat[:, 0])
    # Places without attention are dimmed.
    kept = (0.7 + 0.3 * np.minimum(1, 2 * heat)) * (1 - 0.7 * opacity)
    tables = (255 * np.repeat(kept, 3, 1), opacity * colour)
    return tuple(np.rint(table).astype(np.uint8)[None] for table in tables)


def warmed(picture: np.ndarray, heat: np.ndarray, thick: int) -> np.ndarray:
    """A picture [h, w, 3] uint8 with ``heat`` [a, b], 0 to 1, as warm colours, and a line of
    ``thick`` pixels at the level 0.5."""
    heat = np.clip(np.nan_to_num(np.asarray(heat, np.float32)), 0, 1)
    heat = cv2.resize(heat, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    level = cv2.convertScaleAbs(heat.clip(0), alpha=255)
    picture, hot = _glowing(picture, level), cv2.compare(level, 127, cv2.CMP_GT)
    lines, _ = cv2.findContours(hot, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(picture, lines, -1, YELLOW, thick, cv2.LINE_AA)


def _glowing(picture: np.ndarray, level: np.ndarray) -> np.ndarray:
    """A picture [h, w, 3] with the colours of ``level`` [h, w] uint8."""
    kept, added = (cv2.LUT(cv2.merge([level] * 3), table) for table in _warmth())
    return cv2.add(cv2.multiply(picture, kept, scale=1 / 255), added)


def _draw_key(area: np.ndarray, unit: float) -> None:
    """Draw the legend of the warm colours in the upper left corner."""
    pad, tall = round(16 * unit), round(28 * unit)
    words, ramp, inset = "attention", round(72 * unit), round(10 * unit)
    wide = paint.letters(words, round(14 * unit), False).shape[1]
    box = Box(pad, pad, wide + ramp + 3 * inset, tall)
    paint.plate(area, box, GROUND, tall / 2, 0.72)
    paint.write(area, Box(pad + inset, pad, wide, tall), words, 14 * unit)
    strip = Box(pad + 2 * inset + wide, pad + tall // 3, ramp, tall // 3)
    rising = np.linspace(0, 255, ramp).astype(np.uint8)[None]
    strip.of(area)[:] = _glowing(paint.filled(ramp, 1, GREY), rising)


def _draw_event(area: np.ndarray, view: View, unit: float) -> None:
    """Draw the event's name and its confidence, as a number and a bar, on a translucent plate."""
    pad, tall, inset = (round(n * unit) for n in (16, 96, 22))
    box = Box(pad, area.shape[0] - pad - tall, area.shape[1] - 2 * pad, tall)
    paint.plate(area, box, GROUND, 12 * unit, 0.74)
    x, wide = box.x + inset, box.w - 2 * inset
    line = Box(x, box.y + round(10 * unit), wide, round(54 * unit))
    if not view.event:
        paint.write(area, box._replace(x=x, w=wide), "listening …", 34 * unit, FAINT)
        return
    sure = float(np.clip(np.nan_to_num(view.confidence), 0, 1))
    percent, room = f"{100 * sure:.0f} %", round(130 * unit)
    name = line._replace(w=wide - room)
    shown, tint = said(view.event, sure), TEXT if sure >= UNSURE else FAINT
    paint.write(area, name, shown, 40 * unit, tint, bold=True, least=20 * unit)
    paint.write(area, Box(x + wide - room, line.y, room, line.h), percent, 34 * unit, TEXT, 1.0)
    bar = Box(x, box.y + round(70 * unit), wide, max(2, round(10 * unit)))
    paint.plate(area, bar, GREY, bar.h / 2, 0.6)
    colour = FAINT if view.event == NOTHING or sure < UNSURE else ORANGE
    paint.plate(area, bar._replace(w=max(bar.h, round(sure * wide))), colour, bar.h / 2)


def _round_off(area: np.ndarray, radius: float) -> None:
    """Round the corners with the ground's colour."""
    rows = int(radius) + 1
    corners = 255 - paint.rounded(area.shape[1], area.shape[0], radius)
    for part in (slice(rows), slice(-rows, None)):
        paint.blend(area[part], GROUND, corners[part])


# The radio link


@lru_cache(maxsize=8)
def _cloud(label: str, symbols: bytes, colour: tuple, width: int, height: int, unit: float):
    """A panel with the density of ``symbols`` (complex64) in the complex plane."""
    canvas, edge = paint.panel(width, height, unit), max(1, round(unit))
    head = height - width
    paint.write(canvas, Box(round(10 * unit), 0, width - round(20 * unit), head + edge), label,
           14 * unit, colour, bold=True, least=10 * unit)  # fmt: skip
    side = width - 2 * round(8 * unit)
    plane = Box((width - side) // 2, height - side - round(8 * unit), side, side)
    paint.plate(canvas, plane, WELL, 6 * unit)
    if not symbols:
        paint.write(canvas, plane, "no symbols yet", 14 * unit, FAINT, 0.5)
        return canvas
    _draw_axes(plane.of(canvas), edge)
    glow = _density(np.frombuffer(symbols, np.complex64), side, unit)[..., None]
    tint = np.array(colour, np.float32)
    light = tint + (255 - tint) * np.clip(2 * glow - 1.3, 0, 0.6)
    area = plane.of(canvas)
    area[:] = np.rint(area + (light - area) * glow)
    return canvas


def _draw_axes(area: np.ndarray, thick: int) -> None:
    """Both axes, and the circle of the symbols' mean power."""
    side = len(area)
    middle = side // 2
    cv2.line(area, (0, middle), (side - 1, middle), EDGE, thick)
    cv2.line(area, (middle, 0), (middle, side - 1), EDGE, thick)
    cv2.circle(area, (middle, middle), round(middle / SPAN), GREY, thick, cv2.LINE_AA)


def _density(symbols: np.ndarray, side: int, unit: float) -> np.ndarray:
    """Brightness [side, side], 0 to 1, of symbols: one symbol is a dot, and many do not
    saturate."""
    symbols = symbols[np.isfinite(symbols)]
    columns = np.floor((symbols.real / SPAN + 1) * side / 2)
    rows = np.floor((1 - symbols.imag / SPAN) * side / 2)
    inside = (columns >= 0) & (columns < side) & (rows >= 0) & (rows < side)
    places = (rows * side + columns)[inside].astype(np.int64)
    counts = np.bincount(places, minlength=side * side).reshape(side, side).astype(np.float32)
    width = max(0.6, 1.25 * unit)  # [pixels] of a dot
    dots = cv2.GaussianBlur(counts, (0, 0), width)
    bright = dots[dots > dots.max() / 8] if len(places) else np.ones(1)
    exposure = min(2 * np.pi * width**2 * 1.6, 1.7 / float(np.quantile(bright, 0.9)))
    return 1 - np.exp(-exposure * dots)


@lru_cache(maxsize=8)
def _link(snr_db: float | None, channel: str, width: int, height: int, unit: float):
    """A panel with the SNR as a number and on a scale, and the text that describes the channel."""
    canvas, pad = paint.panel(width, height, unit), round(20 * unit)
    wide, tall = width - 2 * pad, min(height, round(200 * unit))
    rows = [(height - tall) // 2 + round(n * tall) for n in (0.05, 0.17, 0.5, 0.64, 0.77, 0.96)]
    boxes = [Box(pad, y, wide, end - y) for y, end in zip(rows, rows[1:], strict=False)]
    paint.write(canvas, boxes[0], "signal to noise", 14 * unit, FAINT)
    text = "not known" if snr_db is None else f"{snr_db:.1f} dB".replace("-", "\N{MINUS SIGN}")
    colour = FAINT if snr_db is None else TEXT
    size, known = (36, False) if snr_db is None else (54, True)
    paint.write(canvas, boxes[1], text, size * unit, colour, bold=known, least=20 * unit)
    _draw_scale(canvas, boxes[2], boxes[3], snr_db, unit)
    paint.write(canvas, boxes[4], channel, 17 * unit, TEXT, least=12 * unit)
    return canvas


def _draw_scale(canvas, box: Box, below: Box, snr_db: float | None, unit: float) -> None:
    """Draw a bar from the lowest to the highest SNR, with numbers below."""
    tall = max(3, round(12 * unit))
    bar = Box(box.x, box.y + (box.h - tall) // 2, box.w, tall)
    paint.plate(canvas, bar, EDGE, tall / 2)
    if snr_db is not None:
        share = np.clip((snr_db - POOREST) / (BEST - POOREST), 0, 1)
        paint.plate(canvas, bar._replace(w=max(tall, round(share * bar.w))), SKY, tall / 2)
    room = round(40 * unit)
    for level in range(POOREST, BEST + 1, 10):
        share = (level - POOREST) / (BEST - POOREST)
        x = box.x + round(share * (box.w - room))
        text = str(level).replace("-", "\N{MINUS SIGN}")
        paint.write(canvas, Box(x, below.y, room, below.h), text, 13 * unit, FAINT, share)
