# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The timeline of an overlay: the decided and the true event of each second, the confidence, and
the sound's spectrum.

Parts that do not change while the playhead moves are drawn once: their functions have a cache and
therefore hashable arguments.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..base.optional import cv2
from ..base.runs import runs
from . import paint
from .paint import (
    BLUE,
    FAINT,
    GREEN,
    GROUND,
    PANEL,
    SKY,
    TEXT,
    VERMILION,
    WELL,
    YELLOW,
    Box,
)
from .spectrum import HOP, RATE, WINDOW, YAMNET_OFFSET, log_mel

TINTS = {None: SKY, True: GREEN, False: VERMILION}  # of a decision: unknown, right, wrong
MARKS = {None: "", True: "\N{CHECK MARK} ", False: "\N{BALLOT X} "}
QUIET, RANGE = -6.0, 6.0  # log-mel of black; least difference from black to white
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)  # [s] between ticks
TO_COME = 0.55  # brightness of the sound after the playhead
NOTHING = "background"  # name of the class without an event
UNSURE = 0.5  # confidence below which a decision is shown as unsure


class Rows(NamedTuple):
    """Rows of the timeline, all of the same width: second t of T begins at t/T of it.  Without a
    truth, that row has no height."""

    decided: Box
    truth: Box
    sure: Box
    axis: Box
    sound: Box


@lru_cache(maxsize=8)
def _rows(width: int, height: int, unit: float, with_truth: bool) -> Rows:
    left, pad, gap = (round(n * unit) for n in (108, 14, 5))
    lengths = (40, 30, 22, 20) if with_truth else (52, 0, 30, 20)
    boxes, wide, y = [], width - left - pad, pad
    for tall in (round(n * unit) for n in lengths):
        boxes.append(Box(left, y, wide, tall))
        y += tall + gap if tall else 0
    return Rows(*boxes, Box(left, y, wide, height - pad - y))


def marks(decided, truth) -> list:
    """Whether each second's decision is right (True), wrong (False) or unknown (None)."""
    return [
        name == true if name and true else None for name, true in zip(decided, truth, strict=True)
    ]


def said(event: str, sure: float) -> str:
    """The text of an event, with "unsure: " before it at a low confidence."""
    return f"unsure: {event}" if event and not sure >= UNSURE else event


def draw_timeline(area: np.ndarray, view, unit: float) -> None:
    """Draw the timeline of a view (overlay.View) over ``area`` [h, w, 3] uint8.

    unit  pixels for a pixel of a view of 1280 x 720
    """
    seconds, (tall, wide) = view.seconds(), area.shape[:2]
    decided, sure = _padded(view.decided, "", seconds), _padded(view.confidences, 0.0, seconds)
    truth = None if view.truth is None else _padded(view.truth, "", seconds)
    sound = np.ascontiguousarray(view.sound, np.float32).tobytes()
    area[:] = _timeline(decided, truth, sure, sound, wide, tall, unit)
    now = float(np.clip(np.nan_to_num(view.now), 0, seconds))
    _draw_playhead(area, _rows(wide, tall, unit, truth is not None), now, seconds, unit)


def _padded(values, filling, length: int) -> tuple:
    return tuple(values) + (filling,) * (length - len(values))


@lru_cache(maxsize=4)
def _timeline(decided, truth, confidences, sound: bytes, width, height, unit) -> np.ndarray:
    """The panel without the playhead; the tuples have an entry for each second."""
    canvas, rows = paint.panel(width, height, unit), _rows(width, height, unit, truth is not None)
    right = marks(decided, truth or [""] * len(decided))
    known = [good for good in right if good is not None]
    score = f"{sum(known)} of {len(known)} right" if known else ""
    _label(canvas, rows.decided, "receiver", score, unit)
    _draw_names(
        canvas, rows.decided, runs(zip(decided, right, strict=True)), TINTS, len(decided), unit
    )
    if truth is not None:
        _label(canvas, rows.truth, "truth", "", unit)
        names = runs((name, None) for name in truth)
        _draw_names(canvas, rows.truth, names, {None: FAINT}, len(truth), unit)
    _label(canvas, rows.sure, "confidence", "", unit)
    _draw_sure(canvas, rows.sure, decided, confidences, right, unit)
    _draw_axis(canvas, rows.axis, len(decided), unit)
    _label(canvas, rows.sound, "sound", "0.1 to 7.5 kHz", unit)
    _draw_sound(canvas, rows.sound, sound, len(decided))
    return canvas


def _span(row: Box, first: float, seconds: float, total: int) -> Box:
    """The part of a row for ``seconds`` from second ``first`` on, of ``total`` seconds."""
    left, end = (row.x + round(t / total * row.w) for t in (first, first + seconds))
    return row._replace(x=left, w=end - left)


def _label(canvas, row: Box, text: str, below: str, unit: float) -> None:
    """Write a label of one or two lines beside a row."""
    pad = round(14 * unit)
    box = Box(pad, row.y, row.x - round(1.6 * pad), row.h)
    if below:
        half = min(round(19 * unit), row.h // 2)
        y = row.y + row.h // 2
        paint.write(canvas, Box(box.x, y, box.w, half), below, 12 * unit, FAINT, least=8 * unit)
        box = Box(box.x, y - half, box.w, half)
    paint.write(canvas, box, text, 15 * unit, TEXT, least=8 * unit)


def _draw_names(canvas, row: Box, spans: list, tints: dict, total: int, unit: float) -> None:
    """Draw a box for each run of equal seconds with name and mark; wrong ones are hatched."""
    edge, radius = max(1, round(1.5 * unit)), 5 * unit
    for first, end, (name, right) in spans:
        box = _span(row, first, end - first, total)
        box = box._replace(w=max(1, box.w - round(2 * unit)))
        tint, strength = tints[right], 0.14 if name == NOTHING else 0.4
        if not name:
            paint.plate(canvas, box, WELL, radius)
            continue
        inner = Box(box.x + edge, box.y + edge, box.w - 2 * edge, box.h - 2 * edge)
        paint.plate(canvas, box, tint, radius)
        paint.plate(canvas, inner, WELL, radius - edge)
        paint.plate(canvas, inner, tint, radius - edge, strength)
        if right is False and inner.w > 0:
            paint.blend(inner.of(canvas), tint, paint.hatch(inner.w, inner.h, 11 * unit) // 2)
        _draw_name(canvas, inner, name.split(",")[0], right, unit)


def _draw_name(canvas, box: Box, name: str, right, unit: float) -> None:
    """Draw mark and name in a box of the timeline, on a plate if the box is hatched."""
    room, bold = box.w - round(6 * unit), name != NOTHING
    text = MARKS[right] + name if room > 60 * unit else MARKS[right].strip()
    size = paint.size_for(box, 14 * unit)
    sizes = (size, min(size, max(1, round(11 * unit))))
    text, size = paint.fitted(text, max(0, room), sizes, bold)
    if text and right is False:
        wide = paint.letters(text, size, bold).shape[1] + round(8 * unit)
        inset = max(0, (box.h - round(1.4 * size)) // 2)
        plate = Box(box.x + (box.w - wide) // 2, box.y + inset, wide, box.h - 2 * inset)
        paint.plate(canvas, plate, WELL, 4 * unit, 0.85)
    paint.write(canvas, box, text, size, TEXT, 0.5, bold=bold)


def _draw_sure(canvas, row: Box, decided, confidences, right, unit: float) -> None:
    """Draw a bar for the confidence of each second."""
    for t, (name, sure) in enumerate(zip(decided, confidences, strict=True)):
        box = _span(row, t, 1, len(decided))
        box = box._replace(w=max(1, box.w - round(2 * unit)))
        paint.plate(canvas, box, WELL, 3 * unit)
        tall = round(float(np.clip(np.nan_to_num(sure), 0, 1)) * box.h)
        if name and tall:
            bar = Box(box.x, box.y + box.h - tall, box.w, tall)
            wrong = right[t] is False
            paint.plate(canvas, bar, TINTS[right[t]], 3 * unit, 0.4 if wrong else 0.85)
            if wrong:
                paint.blend(bar.of(canvas), TINTS[False], paint.hatch(bar.w, bar.h, 8 * unit))


def _draw_axis(canvas, row: Box, total: int, unit: float) -> None:
    """Draw the axis of time, with ticks so far apart that the numbers do not overlap."""
    room = round(44 * unit)
    step = next((n for n in STEPS if n * row.w >= room * total), STEPS[-1])
    _label(canvas, row, "time [s]", "", unit)
    for t in range(0, total + 1, step):
        x = _span(row, t, 0, total).x
        box = row._replace(x=min(max(row.x, x - room // 2), row.x + row.w - room), w=room)
        side = 0.0 if t == 0 else 1.0 if t == total else 0.5
        paint.write(canvas, box, str(t), 13 * unit, FAINT, side)


@lru_cache(maxsize=1)
def _spectrum_colours() -> np.ndarray:
    """Colour table [1, 256, 3] uint8 of increasing lightness."""
    stops = [(0, WELL), (0.35, BLUE), (0.65, SKY), (0.85, YELLOW), (1, (255, 255, 255))]
    return np.rint(paint.ramp(stops, np.linspace(0, 1, 256))).astype(np.uint8)[None]


def _draw_sound(canvas, row: Box, sound: bytes, total: int) -> None:
    paint.plate(canvas, row, WELL, 0)
    samples = np.frombuffer(sound, np.float32)
    heard = _span(row, 0, len(samples) / RATE, total)
    if heard.w > 0:
        heard.of(canvas)[:] = _spectrum(sound, heard.w, heard.h)


@lru_cache(maxsize=2)
def _spectrum(sound: bytes, width: int, height: int) -> np.ndarray:
    """The spectrogram of a sound (float32 samples) as [height, width, 3] uint8, low frequencies at
    the bottom."""
    samples = np.clip(np.nan_to_num(np.frombuffer(sound, np.float32)), -1, 1)
    edge = (WINDOW - HOP) // 2  # centres the n-th spectrum on the n-th 10 ms
    samples = np.pad(samples, (edge, edge + -len(samples) % HOP))
    level = np.ascontiguousarray(log_mel(samples, YAMNET_OFFSET).T[::-1])
    shrinks = level.shape[1] > width
    level = cv2.resize(level, (width, level.shape[0]),
                       interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # fmt: skip
    level = cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR)
    loudest = max(float(np.quantile(level, 0.998)), QUIET + RANGE)
    level = np.clip((level - QUIET) / (loudest - QUIET), 0, 1)
    return cv2.LUT(cv2.merge([cv2.convertScaleAbs(level, alpha=255)] * 3), _spectrum_colours())


def _draw_playhead(area, rows: Rows, now: float, total: int, unit: float) -> None:
    """Draw a line through all rows with its time; the sound after it is dimmed."""
    x = _span(rows.decided, now, 0, total).x
    later = rows.sound.of(area)[:, x - rows.sound.x :]
    if later.size:
        later[:] = cv2.convertScaleAbs(later, alpha=TO_COME)
    thick, top = max(1, round(2 * unit)), rows.decided.y
    line = Box(x, top, thick, rows.sound.y + rows.sound.h - top)
    line.of(area)[:] = TEXT
    room = round(58 * unit)
    left = min(max(rows.axis.x, x - room // 2), rows.axis.x + rows.axis.w - room)
    chip = rows.axis._replace(x=left, w=room)
    space = round(12 * unit)
    paint.plate(
        area, chip._replace(x=left - space, w=room + 2 * space), PANEL, 0
    )  # no half figures
    paint.plate(area, chip, TEXT, chip.h / 2)
    paint.write(area, chip, f"{now:.1f} s", 13 * unit, GROUND, 0.5, bold=True)
