# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Shapes and text on a canvas [height, width, 3] uint8 RGB; constant ones are cached.

A cover [h, w] uint8 is the opacity of a colour at each pixel.  Colours are Okabe and Ito's.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from ..base.optional import cv2
from ..base.palette import COLOURS

FONTS = Path(get_data_path(), "fonts", "ttf")  # the fonts of Matplotlib
LONGEST = 200  # most letters of a text that are used


def _rgb(colour: str) -> tuple:
    return tuple(bytes.fromhex(colour[1:]))


BLUE, VERMILION, GREEN, _, ORANGE, SKY, _ = map(_rgb, COLOURS)
YELLOW = _rgb("#F0E442")  # also Okabe and Ito's; too light for report's white paper
GROUND, PANEL, WELL, EDGE = map(_rgb, ("#0B0E13", "#141A22", "#0E131A", "#28313E"))
TEXT, FAINT, GREY = map(_rgb, ("#F2F5F8", "#98A4B3", "#5B6777"))


class Box(NamedTuple):
    """A rectangle of a canvas [pixels]."""

    x: int
    y: int
    w: int
    h: int

    def of(self, canvas: np.ndarray) -> np.ndarray:
        """The part of a canvas (a view of the array)."""
        return canvas[self.y : self.y + self.h, self.x : self.x + self.w]


def filled(width: int, height: int, colour: tuple) -> np.ndarray:
    """A picture [height, width, 3] uint8 of one ``colour``, three numbers from 0 to 255."""
    return np.full((height, width, 3), colour, np.uint8)


def blend(area: np.ndarray, colour: tuple, cover: np.ndarray) -> None:
    """Blend a colour over ``area`` [h, w, 3], in place."""
    step = cv2.subtract(np.full_like(area, colour), area, dtype=cv2.CV_16S)
    step = cv2.multiply(step, cv2.merge([cover] * 3), scale=1 / 255, dtype=cv2.CV_16S)
    cv2.add(area, step, area, dtype=cv2.CV_8U)


@lru_cache(maxsize=256)
def rounded(width: int, height: int, radius: float) -> np.ndarray:
    """Cover of a rectangle with round corners, [height, width]."""
    radius = min(radius, width / 2, height / 2)
    x, y = (np.abs(np.arange(n) + 0.5 - n / 2) - n / 2 + radius for n in (width, height))
    inward = np.minimum(np.maximum(x, y[:, None]), 0)
    distance = inward + np.hypot(np.maximum(x, 0), np.maximum(y, 0)[:, None]) - radius
    return np.rint(255 * np.clip(0.5 - distance, 0, 1)).astype(np.uint8)


def plate(canvas: np.ndarray, box: Box, colour: tuple, radius: float, opacity=1.0) -> None:
    """Draw a filled rectangle with round corners."""
    if box.w > 0 and box.h > 0:
        cover = rounded(box.w, box.h, radius)
        blend(box.of(canvas), colour, (cover * opacity).astype(np.uint8))


@lru_cache(maxsize=8)
def _empty_panel(width: int, height: int, unit: float) -> np.ndarray:
    canvas = filled(width, height, GROUND)
    radius, edge = 10 * unit, max(1, round(unit))
    plate(canvas, Box(0, 0, width, height), EDGE, radius)
    inner = Box(edge, edge, width - 2 * edge, height - 2 * edge)
    plate(canvas, inner, PANEL, radius - edge)
    return canvas


def panel(width: int, height: int, unit: float) -> np.ndarray:
    """A new empty panel with an edge, [height, width, 3] uint8."""
    return _empty_panel(width, height, unit).copy()


def fitting(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture [h, w, 3] uint8 scaled to the largest size that fits ``width`` x ``height``."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, size, interpolation=how)


def centre(area: np.ndarray, picture: np.ndarray) -> None:
    """Copy a picture that is not larger into the middle of ``area`` [h, w, 3], in place."""
    y, x = ((room - size) // 2 for room, size in zip(area.shape[:2], picture.shape, strict=False))
    area[y : y + picture.shape[0], x : x + picture.shape[1]] = picture


@lru_cache(maxsize=64)
def hatch(width: int, height: int, period: float) -> np.ndarray:
    """Cover of diagonal stripes, [height, width]."""
    phase = np.add.outer(np.arange(height), np.arange(width)) / period % 1
    cover = np.clip((0.25 - np.abs(phase - 0.5)) * period + 0.5, 0, 1)
    return np.rint(255 * cover).astype(np.uint8)


@lru_cache(maxsize=64)
def _font(size: int, bold: bool):
    return ImageFont.truetype(FONTS / f"DejaVuSans{'-Bold' * bold}.ttf", size)


@lru_cache(maxsize=512)
def letters(text: str, size: int, bold: bool) -> np.ndarray:
    """Cover of a line of text; all texts of a size have the same height."""
    font = _font(size, bold)
    image = Image.new("L", (int(np.ceil(font.getlength(text))) + 1, sum(font.getmetrics())))
    ImageDraw.Draw(image).text((0, 0), text, 255, font)
    return np.asarray(image)


@lru_cache(maxsize=512)
def fitted(text: str, width: int, sizes: tuple, bold: bool = False) -> tuple:
    """(text, size) of a line that is at most ``width`` [pixels] wide: in the largest size that
    fits, between ``sizes`` (largest, smallest); shortened if the smallest does not fit, '' if
    nothing does."""
    text = " ".join(text.split())[:LONGEST]
    largest, smallest = sizes
    for size in range(largest, smallest - 1, -1):
        if _font(size, bold).getlength(text) + 1 <= width:
            return text, size
    for kept in range(len(text) - 1, 0, -1):
        shorter = text[:kept].rstrip() + "…"
        if _font(smallest, bold).getlength(shorter) + 1 <= width:
            return shorter, smallest
    return "", smallest


def write(canvas, box: Box, text: str, size: float, colour=TEXT, side=0.0, bold=False, least=None):
    """Write text inside ``box``, vertically centred.

    size   [pixels] wanted height of letters
    least  [pixels] smallest height before the text is shortened; None: ``size``
    side   horizontal position: 0 left, 0.5 middle, 1 right
    """
    size = size_for(box, size)
    least = size if least is None else min(size, max(1, round(least)))
    text, size = fitted(text, box.w, (size, least), bold)
    if text:
        cover = letters(text, size, bold)
        tall, wide = cover.shape
        x, y = box.x + int(side * (box.w - wide)), box.y + (box.h - tall) // 2
        blend(Box(x, y, wide, tall).of(canvas), colour, cover)


def size_for(box: Box, size: float) -> int:
    """Size of letters [pixels], at most ``size``, whose line fits the height of ``box``."""
    # Line height of DejaVu, rounded up twice.
    return max(1, min(round(size), int((box.h - 2) / 1.164)))


def ramp(stops: list, at: np.ndarray) -> np.ndarray:
    """Colours [n, 3] float at the positions ``at`` [n], interpolated between ``stops``, a list of
    (position, colour)."""
    places, colours = zip(*stops, strict=True)
    return np.stack([np.interp(at, places, channel) for channel in zip(*colours, strict=True)], -1)
