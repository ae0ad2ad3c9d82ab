# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The pictures of drawn material (see material_drawn): a drawing function for each event, and the
shading, turning and scaling of the drawings."""

from __future__ import annotations

import numpy as np

from ..base.optional import cv2

SHEET = 400  # [pixels] side of the sheet for drawings, before they are scaled down
SIDES = 96, 161  # [pixels] range of a finished picture's longer side, the end excluded
SCENE = 224, 300  # [pixels] height and width

BODY, PART, DETAIL, GLASS, LINE = range(5)  # indices of a pen's colours


class _Pen:
    """Draws on a transparent sheet with coordinates from 0 to 100.

    Shapes are filled with one of the pen's colours and outlined with its last colour.
    """

    def __init__(self, rng):
        self.sheet = np.zeros((SHEET, SHEET, 4), np.uint8)
        # Light lines on dark colours, otherwise dark lines on light colours.
        light = rng.random() < 0.3
        fills = [_colour(rng, *((0.15, 0.6) if light else (0.45, 1.0))) for _ in range(LINE)]
        line = _colour(rng, *((0.8, 1.0) if light else (0.0, 0.2)))
        self._colours = [(*colour, 255) for colour in (*fills, line)]
        self._outline = rng.uniform(0.8, 1.6)

    def shape(self, colour: int, *points, rounded: bool = False) -> None:
        """A polygon; ``rounded``: its corners are cut until it is a curve."""
        points = np.array(points, float)
        for _ in range(3 if rounded else 0):
            following = np.roll(points, -1, 0)
            cuts = 0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following
            points = np.stack(cuts, 1).reshape(-1, 2)
        cv2.fillPoly(self.sheet, [_pixels(points)], self._colours[colour])
        self.line(*points, points[0], width=self._outline)

    def box(self, colour: int, left, top, right, bottom) -> None:
        self.shape(colour, (left, top), (right, top), (right, bottom), (left, bottom))

    def oval(self, colour: int, x, y, across, up, turn: float = 0) -> None:
        """An ellipse with centre (x, y), half axes ``across`` and ``up``, rotated by ``turn``
        [degrees]."""
        angle, turn = np.linspace(0, 2 * np.pi, 48, endpoint=False), np.deg2rad(turn)
        u, v = across * np.cos(angle), up * np.sin(angle)
        turned = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
        self.shape(colour, *np.stack([x + turned[0], y + turned[1]], 1))

    def ring(self, x, y, radius, width, colour: int = LINE) -> None:
        angle = np.linspace(0, 2 * np.pi, 49)
        points = np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1)
        self.line(*points, width=width, colour=colour)

    def line(self, *points, width: float = 1.2, colour: int = LINE) -> None:
        thickness = max(1, round(width * SHEET / 100))
        cv2.polylines(self.sheet, [_pixels(points)], False, self._colours[colour], thickness)


def _pixels(points) -> np.ndarray:
    return np.round(np.array(points, float) * SHEET / 100).astype(np.int32)


def _draw_bell(pen: _Pen, rng) -> None:
    pen.ring(50, 12, 7, 4)
    pen.oval(PART, 50, 88, 9, 8)
    right = [(57, 16), (70, 22), (72, 50), (76, 66), (92, 82), (94, 87)]
    pen.shape(BODY, *right, *[(100 - x, y) for x, y in right[::-1]], rounded=True)
    pen.shape(DETAIL, (19, 76), (81, 76), (86, 81), (14, 81))
    for y, half in ((30, 20), (35, 21)):
        pen.line((50 - half, y), (50 + half, y))


def _draw_dog(pen: _Pen, rng) -> None:
    pen.oval(BODY, 50, 47, 29, 33)
    for side in (-1, 1):
        ear = [(16, 14), (34, 14), (44, 34), (42, 66), (32, 66), (25, 36)]
        pen.shape(PART, *[(50 + side * x, y) for x, y in ear], rounded=True)
        pen.oval(GLASS, 50 + side * 12, 37, 5, 6)
        pen.oval(LINE, 50 + side * 11, 38, 2, 3)
    pen.oval(PART, 50, 78, 12, 13)  # the open mouth, and the tongue in it
    pen.oval(DETAIL, 50, 84, 6, 10)
    for side in (-1, 1):
        pen.oval(GLASS, 50 + side * 9, 66, 12, 11)
        for spot in ((8, 64), (12, 68), (7, 70)):
            pen.oval(LINE, 50 + side * spot[0], spot[1], 0.5, 0.5)
    pen.oval(LINE, 50, 56, 8, 5)


def _draw_helicopter(pen: _Pen, rng) -> None:
    pen.shape(PART, (55, 44), (94, 38), (98, 24), (91, 24), (88, 34), (52, 34))
    pen.ring(94, 30, 8, 1.2)
    pen.line((94, 21), (94, 39), width=2)
    pen.line((88, 30), (100, 30), width=2)
    cabin = [(34, 26), (56, 27), (68, 42), (60, 60), (22, 61), (6, 52), (16, 34)]
    pen.shape(BODY, *cabin, rounded=True)
    pen.shape(GLASS, (28, 32), (34, 48), (14, 49), (12, 46), (18, 36))
    pen.shape(GLASS, (38, 33), (50, 33), (51, 47), (40, 47))
    pen.box(DETAIL, 36, 18, 46, 27)
    tilt = rng.uniform(-3, 3)
    pen.line((2, 17 + tilt), (80, 17 - tilt), width=3)
    for x in (26, 52):
        pen.line((x, 60), (x - 3, 72), width=1.8)
    pen.line((6, 68), (12, 72), (68, 72), width=2.5)


def _draw_violin(pen: _Pen, rng) -> None:
    right = [(50, 38), (66, 38), (70, 50), (58, 58), (60, 66), (77, 72), (74, 96), (50, 98)]
    pen.shape(BODY, *right, *[(100 - x, y) for x, y in right[-2:0:-1]], rounded=True)
    pen.shape(PART, (47, 8), (53, 8), (54, 64), (46, 64))
    pen.oval(PART, 50, 6, 5, 5)
    for y in (11, 16):
        pen.line((42, y), (58, y), width=2)
    pen.shape(DETAIL, (46, 80), (54, 80), (52, 95), (48, 95))
    pen.box(GLASS, 41, 71, 59, 74)
    for side in (-1, 1):
        f_hole = [(7, 60), (10, 61), (9, 68), (12, 76), (15, 76)]
        pen.line(*[(50 + side * x, y) for x, y in f_hole], width=1.4)
    for x in (48.5, 51.5):
        pen.line((x, 8), (x, 80), width=0.6)
    away = rng.uniform(-6, 6)
    pen.line((10, 46 + away), (96, 66 - away), width=2.2, colour=DETAIL)
    pen.line((10, 49 + away), (96, 69 - away), width=0.7)


def _draw_flute(pen: _Pen, rng) -> None:
    """A slanted tube: upright or level, its picture would be very narrow."""
    along, across = np.array([0.86, -0.5]), np.array([0.5, 0.86])

    def at(distance, aside=0.0):
        return tuple(np.array([7, 74]) + distance * along + aside * across)

    def tube(colour, start, end, half):
        pen.shape(colour, at(start, -half), at(end, -half), at(end, half), at(start, half))

    tube(BODY, 0, 100, 4.5)
    tube(PART, 0, 4, 5.2)
    pen.oval(PART, *at(17), 9, 6.5, -30)
    pen.oval(LINE, *at(17), 3.5, 2.2, -30)
    for joint in (29, 78):
        tube(PART, joint, joint + 3, 5.5)
    pen.line(at(35, -6), at(76, -6), width=1)
    for distance in (38, 46, 54, 64, 72, 87, 95):
        pen.oval(DETAIL, *at(distance, -1), 3, 4.2, -30)
        pen.line(at(distance, -6), at(distance, -3), width=1.5)


def _draw_truck(pen: _Pen, rng) -> None:
    back = rng.uniform(58, 64)  # end of the load
    pen.box(LINE, 6, 68, 94, 74)
    pen.box(BODY, 2, rng.uniform(16, 26), back, 68)
    for x in np.linspace(2, back, 5)[1:-1]:
        pen.line((x, 30), (x, 64))
    pen.shape(PART, (back + 4, 34), (84, 34), (90, 50), (97, 54), (97, 72), (back + 4, 72))
    pen.shape(GLASS, (back + 9, 38), (82, 38), (87, 51), (back + 9, 51))
    pen.box(DETAIL, 93, 58, 98, 64)
    pen.line((back + 2, 20), (back + 2, 66), width=2.5)  # exhaust
    for x in (16, 34, 82):
        pen.oval(LINE, x, 75, 9, 9)
        pen.oval(DETAIL, x, 75, 4.5, 4.5)


def _draw_motorcycle(pen: _Pen, rng) -> None:
    for x in (19, 81):
        pen.ring(x, 68, 15, 4.5)
        pen.ring(x, 68, 11, 1, PART)
        for angle in np.arange(0, np.pi, np.pi / 4):
            spoke = 11 * np.array([np.cos(angle), np.sin(angle)])
            pen.line((x, 68) - spoke, (x, 68) + spoke, width=0.7, colour=PART)
        pen.oval(PART, x, 68, 3, 3)
    pen.line((81, 68), (66, 28), width=3, colour=PART)  # fork
    pen.line((19, 68), (40, 52), (63, 38), width=3, colour=PART)
    pen.shape(DETAIL, (40, 50), (60, 50), (62, 70), (52, 75), (38, 70))
    for y in (55, 60, 65):
        pen.line((42, y), (58, y))
    pen.shape(PART, (40, 70), (44, 74), (8, 80), (4, 76))  # exhaust
    pen.shape(BODY, (42, 40), (50, 32), (64, 34), (68, 42), (58, 50), (44, 50), rounded=True)
    pen.shape(LINE, (8, 40), (20, 40), (34, 42), (46, 43), (42, 51), (24, 49), rounded=True)
    pen.shape(BODY, (2, 52), (12, 46), (30, 50), (38, 60), (20, 51), (6, 58), rounded=True)
    pen.line((66, 30), (62, 24), (50, 25), width=2.5)  # handlebar
    pen.oval(GLASS, 74, 35, 6, 7)


def _draw_clock(pen: _Pen, rng) -> None:
    if rng.random() < 0.5:  # an alarm clock's feet and bells
        for side in (-1, 1):
            pen.line((50 + 20 * side, 80), (50 + 32 * side, 97), width=4)
            pen.oval(PART, 50 + 25 * side, 11, 14, 8, 35 * side)
    pen.oval(BODY, 50, 52, 42, 42)
    pen.oval(GLASS, 50, 52, 34, 34)
    for hour in range(12):
        direction = np.array([np.sin(np.pi * hour / 6), -np.cos(np.pi * hour / 6)])
        inner = 24 if hour % 3 == 0 else 28
        pen.line((50, 52) + inner * direction, (50, 52) + 31 * direction, width=2.2)
    time = rng.uniform(0, 12)
    for turns, length, width in ((time / 12, 16, 3.5), (time, 25, 2.2)):
        tip = length * np.array([np.sin(2 * np.pi * turns), -np.cos(2 * np.pi * turns)])
        pen.line((50, 52), (50, 52) + tip, width=width)
    pen.oval(DETAIL, 50, 52, 3, 3)


def _draw_train(pen: _Pen, rng) -> None:
    """A locomotive from the front, on its rails."""
    for side in (-1, 1):
        pen.line((50 + 20 * side, 84), (50 + 34 * side, 99), width=2.5)
    for y, half in ((89, 32), (96, 42)):
        pen.line((50 - half, y), (50 + half, y), width=2.5, colour=PART)
    left = [(40, 4), (26, 7), (20, 26), (18, 60), (20, 80)]
    pen.shape(BODY, *left, *[(100 - x, y) for x, y in left[::-1]])
    for x in (28, 52):
        pen.shape(GLASS, (x + 1, 20), (x + 19, 20), (x + 20, 42), (x, 42))
    pen.oval(GLASS, 50, 12, 5, 4)
    pen.shape(PART, (19, 50), (81, 50), (82, 56), (18, 56))
    for x in (29, 71):
        pen.oval(GLASS, x, 65, 6, 6)
        pen.ring(x, 65, 3, 1)
        pen.box(LINE, x - 6, 79, x + 6, 83)
    for y in (61, 65, 69):
        pen.line((41, y), (59, y))
    pen.shape(DETAIL, (22, 75), (78, 75), (86, 87), (14, 87))
    for x in np.linspace(26, 74, 6):
        pen.line((x, 75), (50 + 1.25 * (x - 50), 87))


def _draw_chainsaw(pen: _Pen, rng) -> None:
    for x in np.arange(48, 95, 4):  # teeth of the chain
        pen.shape(LINE, (x, 52), (x + 2, 47), (x + 4, 52))
        pen.shape(LINE, (x, 66), (x + 2, 71), (x + 4, 66))
    pen.shape(PART, (44, 52), (92, 52), (98, 56), (98, 62), (92, 66), (44, 66))
    pen.line((50, 59), (90, 59), width=1.5)
    pen.line((4, 50), (3, 72), (14, 76), (26, 72), width=5)  # rear handle
    pen.shape(BODY, (8, 42), (30, 34), (48, 38), (52, 50), (52, 70), (46, 75), (22, 75), (12, 60))
    pen.line((20, 38), (24, 20), (42, 20), (48, 40), width=4.5)  # front handle
    pen.shape(DETAIL, (50, 40), (56, 30), (59, 31), (55, 46))  # guard
    pen.oval(PART, 24, 56, 8, 8)  # starter
    pen.ring(24, 56, 4, 1)
    for y in (46, 51, 56, 61):
        pen.line((36, y), (47, y))


def _colour(rng, darkest: float = 0.1, lightest: float = 1.0) -> tuple[int, int, int]:
    """RGB of a random hue and saturation."""
    hue, saturation = rng.uniform(0, 180), rng.uniform(0, 255)
    value = 255 * rng.uniform(darkest, lightest)
    pixel = np.array([[[hue, saturation, value]]]).astype(np.uint8)
    return tuple(int(part) for part in cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0])


def _ramp(rng, size: tuple[int, int]) -> np.ndarray:
    """A linear ramp [height, width] float32 from 0 to 1 in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    ramp = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    return (ramp - ramp.min()) / np.ptp(ramp)


def _shade(rng, sheet: np.ndarray) -> np.ndarray:
    """Shade a drawing: light from one side, and lines of shadow on the other."""
    ramp = _ramp(rng, sheet.shape[:2])
    light = 0.7 + 0.5 * ramp
    y, x = np.mgrid[:SHEET, :SHEET]
    slant = rng.choice([-1, 1]) * rng.uniform(0.5, 2)
    hatched = (x + slant * y) % rng.uniform(14, 24) < rng.uniform(2, 4)
    light[hatched & (ramp < rng.uniform(0.35, 0.55))] *= 0.75
    shaded = sheet.copy()
    shaded[..., :3] = np.clip(sheet[..., :3] * light[..., None], 0, 255)
    return shaded


def _place(rng, sheet: np.ndarray) -> np.ndarray:
    """Mirror (or not), turn and stretch a drawing, crop it to its content and scale it."""
    middle = SHEET / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), rng.uniform(-15, 15), 0.75)
    stretch = rng.uniform(0.87, 1.15, 2) * (rng.choice([-1, 1]), 1)
    matrix[:, :2] = matrix[:, :2] * stretch
    matrix[:, 2] = middle - matrix[:, :2] @ (middle, middle)
    clear = sheet.astype(np.float32)
    # Premultiplied, so that edges do not mix with the colour of transparent pixels.
    clear[..., :3] *= clear[..., 3:] / 255
    turned = cv2.warpAffine(clear, matrix, (SHEET, SHEET))
    x, y, wide, tall = cv2.boundingRect((turned[..., 3] > 127).astype(np.uint8))
    scale = rng.integers(*SIDES) / max(wide, tall)
    size = max(1, round(wide * scale)), max(1, round(tall * scale))
    small = cv2.resize(turned[y : y + tall, x : x + wide], size, interpolation=cv2.INTER_AREA)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    return np.clip(np.round(small), 0, 255).astype(np.uint8)


def _clutter(rng, picture: np.ndarray) -> None:
    """Draw a box, an oval, a triangle or a stroke into a scene."""
    colour = _colour(rng)
    a, b, c = (rng.uniform(-0.1, 1.1, (3, 2)) * SCENE[::-1]).astype(int).tolist()
    size = rng.integers(8, 60, 2).tolist()
    kind = rng.integers(4)
    if kind == 0:
        cv2.rectangle(picture, (*a, *size), colour, -1)
    elif kind == 1:
        cv2.ellipse(picture, a, size, rng.uniform(0, 180), 0, 360, colour, -1)
    elif kind == 2:
        near = [[(p + 2 * q) // 3 for p, q in zip(corner, a, strict=True)] for corner in (b, c)]
        cv2.fillPoly(picture, [np.array([a, *near])], colour)
    else:
        cv2.line(picture, a, b, colour, int(rng.integers(1, 8)))


def picture(rng, name: str) -> np.ndarray:
    """A picture of the event ``name``, [height, width, 4] uint8, RGB and opacity."""
    pen = _Pen(rng)
    PICTURES[name](pen, rng)
    return _place(rng, _shade(rng, pen.sheet))


def scene(rng) -> np.ndarray:
    """A cluttered background, [224, 300, 3] uint8 RGB."""
    ends = [np.array(_colour(rng), np.float32) for _ in range(2)]
    ramp = _ramp(rng, SCENE)[..., None]
    picture = (ramp * ends[0] + (1 - ramp) * ends[1]).astype(np.uint8)
    for _ in range(rng.integers(15, 40)):
        _clutter(rng, picture)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2))  # less sharp than objects
    grain = rng.normal(0, rng.uniform(2, 10), SCENE)[..., None]
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


PICTURES = {
    "Church bell": _draw_bell,
    "Bark": _draw_dog,
    "Helicopter": _draw_helicopter,
    "Violin, fiddle": _draw_violin,
    "Flute": _draw_flute,
    "Truck": _draw_truck,
    "Motorcycle": _draw_motorcycle,
    "Clock": _draw_clock,
    "Train horn": _draw_train,
    "Chainsaw": _draw_chainsaw,
}
"""{event name: function that draws it}."""
