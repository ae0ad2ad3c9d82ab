# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sounds and pictures of ten of AVE's events, synthesised and drawn by a program.

A sound and a picture are those of their event by their shape alone: the rhythm and partials of a
sound, the outline and parts of a picture.  Pitch, rate, timbre, echo and level, and colours, size,
turn, mirroring and shading are random each time, so that neither the centroid of a spectrum nor
a mean colour can name an event.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.signal import fftconvolve

from ..media.spectrum import RATE
from .clipset import AVE_CLASSES

SHEET = 400  # [pixels] a side that pictures are drawn on, before they are scaled down
SIDES = 96, 161  # [pixels] of a finished picture's longer side, from and below
SCENE = 224, 300  # [pixels] height and width
LEVELS = -28.0, -14.0  # [dB] of full scale, root mean square of a sound
PEAK = 0.95  # no sound goes beyond
HUM_SECONDS = 10


class DrawnMaterial:
    """Ten events; see :class:`~.material.Material`.  Another seed draws others from the same
    generators."""

    def __init__(self, seed: int = 0):
        self.seed = seed

    def events(self) -> list[int]:
        """Indices in AVE_CLASSES."""
        return sorted(_EVENTS)

    def sound(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One sound of the event, [samples] float32, 16 kHz, -1 to 1, 1 to 4 s."""
        rng = self._own(rng)
        make, _ = _EVENTS[event]
        return _finish(rng, make(rng, int(rng.uniform(1, 4) * RATE)))

    def picture(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One picture of the event, [height, width, 4] uint8, RGB and how opaque it is."""
        rng = self._own(rng)
        _, draw = _EVENTS[event]
        pen = _Pen(rng)
        draw(pen, rng)
        return _place(rng, _shade(rng, pen.sheet))

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """A cluttered background, [224, 300, 3] uint8 RGB."""
        rng = self._own(rng)
        ends = [np.array(_colour(rng), np.float32) for _ in range(2)]
        ramp = _ramp(rng, SCENE)[..., None]
        picture = (ramp * ends[0] + (1 - ramp) * ends[1]).astype(np.uint8)
        for _ in range(rng.integers(15, 40)):
            _clutter(rng, picture)
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2))  # not as sharp as objects
        grain = rng.normal(0, rng.uniform(2, 10), SCENE)[..., None]
        return np.clip(picture + grain, 0, 255).astype(np.uint8)

    def hum(self, rng: np.random.Generator) -> np.ndarray:
        """A background's sound, [160000] float32, -1 to 1: its end fits its beginning."""
        rng = self._own(rng)
        samples = HUM_SECONDS * RATE
        frequency = np.fft.rfftfreq(samples, 1 / RATE)
        slope = np.maximum(frequency, 30) ** -rng.uniform(0, 1)  # of white to of brown noise
        noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * slope, samples)
        swells = np.linspace(0, rng.integers(1, 5), samples, endpoint=False) + rng.random()
        noise *= 1 + 0.3 * np.sin(2 * np.pi * swells)
        return (0.3 * noise / np.abs(noise).max()).astype(np.float32)

    def _own(self, rng: np.random.Generator) -> np.random.Generator:
        return np.random.default_rng([self.seed, rng.integers(1 << 32)])


# Sounds: functions of a generator and a number of samples, any level.


def _church_bell(rng, samples: int) -> np.ndarray:
    """Inharmonic partials that die away, the higher the sooner, struck again and again."""
    t = np.arange(samples) / RATE
    ratios = np.array([0.5, 1, 1.2, 1.5, 2, 2.5, 2.67, 3, 4.1, 5.4]) * rng.uniform(0.98, 1.02, 10)
    partials = ratios * rng.uniform(200, 900)
    decays = rng.uniform(2, 6) * (partials / 500) ** 0.7
    weights = rng.uniform(0.2, 1, 10) * (partials < RATE / 2)
    strike = weights @ (np.sin(2 * np.pi * partials[:, None] * t) * np.exp(-decays[:, None] * t))
    return _repeated(rng, strike, samples, period=rng.uniform(0.5, 1.1), spread=0.02)


def _bark(rng, samples: int) -> np.ndarray:
    """Short glides of a hoarse voice, up and down again."""
    pitch, hoarse = rng.uniform(250, 800), rng.uniform(0.2, 0.8)
    n = int(rng.uniform(0.12, 0.25) * RATE)
    x = np.linspace(0, 1, n)
    voice = _tone(pitch * (0.6 + np.sin(np.pi * x**0.6)), 1 / np.arange(1, 13) ** 0.7)
    breath = _noise(rng, n, pitch, 6 * pitch)
    bark = (voice + 2 * hoarse * breath) * np.sin(np.pi * x**0.5) ** 0.7
    return _repeated(rng, bark, samples, period=rng.uniform(0.3, 0.6), spread=0.25)


def _helicopter(rng, samples: int) -> np.ndarray:
    """Low noise that swells with each blade that passes, and the turbine's whine."""
    t = np.arange(samples) / RATE
    rate = rng.uniform(9, 22) * (1 + 0.03 * np.sin(2 * np.pi * 0.3 * t))
    blade = (0.5 + 0.5 * _tone(rate, [1])) ** rng.uniform(2, 5)
    noise = _noise(rng, samples, 40, rng.uniform(300, 2500))
    whine = rng.uniform(0, 0.15) * _tone(np.full(samples, rng.uniform(800, 3000)), [1, 0.4])
    return noise * (0.15 + blade) + whine


def _violin(rng, samples: int) -> np.ndarray:
    """A bowed sawtooth: many harmonics, coloured by the body, with vibrato."""
    t = np.arange(samples) / RATE
    vibrato = 1 + rng.uniform(0.004, 0.01) * np.sin(2 * np.pi * rng.uniform(5, 7) * t)
    pitch, swell = _melody(rng, samples, rng.uniform(200, 900), legato=0.9)
    body = rng.uniform(0.3, 1, 30) / np.arange(1, 31) ** rng.uniform(0.7, 1.2)
    bow = _noise(rng, samples, 1500, 6000)
    return (_tone(pitch * vibrato, body) + rng.uniform(0.02, 0.1) * bow) * swell


def _flute(rng, samples: int) -> np.ndarray:
    """Nearly a sine, whose loudness trembles, and breath."""
    t = np.arange(samples) / RATE
    pitch, swell = _melody(rng, samples, rng.uniform(280, 1500), legato=0.6)
    tremble = 1 + 0.15 * np.sin(2 * np.pi * rng.uniform(4, 6) * t)
    tone = _tone(pitch, [1, rng.uniform(0.05, 0.3), rng.uniform(0, 0.1)])
    breath = _noise(rng, samples, pitch.mean(), rng.uniform(3000, 7000))
    return (tone * tremble + rng.uniform(0.05, 0.25) * breath) * swell


def _truck(rng, samples: int) -> np.ndarray:
    """A slow engine: single low thuds, rumble, and the clatter of a diesel."""
    rate = _curve(rng, samples, 3) * 6 + rng.uniform(12, 24)
    thuds = _pulses(rng, rate)
    knocks = _ringing(thuds, rng.uniform([50, 150], [120, 500]), rng.uniform(25, 60))
    clatter = fftconvolve(thuds, np.exp(-np.arange(800) / 160))[:samples]
    clatter *= _noise(rng, samples, 800, 4000)
    rumble = _noise(rng, samples, 40, 250)
    return knocks + rng.uniform(0, 0.5) * clatter + rng.uniform(0.1, 0.4) * rumble


def _motorcycle(rng, samples: int) -> np.ndarray:
    """Fast pulses of two cylinders, strong and weak, as the rider opens the throttle."""
    throttle = _curve(rng, samples, int(rng.integers(4, 8)))
    rate = rng.uniform(30, 50) * (1 + 1.8 * throttle)
    pulses = _pulses(rng, rate, weak=rng.uniform(0.2, 0.7))
    exhaust = _ringing(pulses, rng.uniform([120, 500, 1200], [400, 1100, 3000]), 90)
    return np.tanh(rng.uniform(1, 4) * exhaust) * (0.4 + 0.6 * throttle)


def _clock(rng, samples: int) -> np.ndarray:
    """Ticks and tocks of a small case, nothing between them."""
    period = rng.uniform(0.2, 0.5)
    click = np.zeros(int(0.06 * RATE))
    click[[0, int(rng.uniform(0.004, 0.02) * RATE)]] = 1, rng.uniform(0.2, 0.7)
    case = rng.uniform([800, 2500], [2500, 5500])
    decay = rng.uniform(150, 500)
    tick, tock = (_ringing(click, case * pitch, decay) for pitch in (1, rng.uniform(0.7, 0.95)))
    ticks = _repeated(rng, tick, samples, 2 * period, 0)
    late = int(period * RATE)
    ticks[late:] += _repeated(rng, tock, samples - late, 2 * period, 0)
    return ticks


def _train_horn(rng, samples: int) -> np.ndarray:
    """Blasts of a chord of horns, each a little out of tune."""
    ratios = np.array([1, 1.19, 1.5, 1.68, 2])[: rng.integers(3, 6)]
    weights = np.arange(1, 11) ** -rng.uniform(0.6, 1.6)
    low = rng.uniform(220, 500) * (1 - 0.01 * _curve(rng, samples, 3))
    chord = sum(_tone(low * r * rng.uniform(0.99, 1.01), weights) for r in ratios)
    blasts = _gate(samples, np.sort(rng.uniform(0.3, 0.8, rng.integers(0, 2))), rest=0.15)
    return chord * blasts + 0.1 * _noise(rng, samples, 500, 4000) * blasts


def _chainsaw(rng, samples: int) -> np.ndarray:
    """Pulses so fast that they buzz, noise of the chain, bursts of full throttle."""
    throttle = np.round(_curve(rng, samples, int(rng.integers(4, 8))))
    throttle = fftconvolve(throttle, np.full(3200, 1 / 3200), mode="same")  # it takes 0.2 s
    rate = rng.uniform(80, 120) * (1 + 0.7 * throttle)
    pulses = _pulses(rng, rate, spread=0.4)
    buzz = _ringing(pulses, rng.uniform([300, 900, 2000], [800, 2000, 4500]), 300)
    buzz /= np.abs(buzz).max()
    chain = _noise(rng, samples, 1500, 7000) * throttle
    return (np.tanh(6 * buzz) + rng.uniform(0.1, 0.5) * chain) * (0.3 + 0.7 * throttle)


def _tone(frequency: np.ndarray, weights) -> np.ndarray:
    """Harmonics of a frequency [samples] Hz that may glide; none beyond half the rate."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    parts = (
        weight * np.sin(k * phase) * (k * frequency < 0.45 * RATE)
        for k, weight in enumerate(weights, 1)
    )
    return sum(parts)


def _noise(rng, samples: int, low: float, high: float) -> np.ndarray:
    """Noise from low to high [Hz], falling off outside; its root mean square is 1."""
    frequency = np.fft.rfftfreq(samples, 1 / RATE) + 1
    shape = 1 / (1 + (low / frequency) ** 3) / (1 + (frequency / high) ** 3)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * shape, samples)
    return noise / noise.std()


def _pulses(rng, rate: np.ndarray, weak: float = 1.0, spread: float = 0.15) -> np.ndarray:
    """Single samples, ``rate`` [samples] Hz of them; every other one weaker by ``weak``."""
    places = np.flatnonzero(np.diff(np.floor(np.cumsum(rate) / RATE + rng.random())))
    pulses = np.zeros(len(rate))
    pulses[places] = 1 + spread * rng.standard_normal(len(places))
    pulses[places[::2]] *= weak
    return pulses


def _ringing(pulses: np.ndarray, frequencies: np.ndarray, decay: float) -> np.ndarray:
    """Each pulse answered by resonances [Hz] that die away with ``decay`` [1/s]."""
    t = np.arange(RATE // 8) / RATE
    answer = np.sin(2 * np.pi * frequencies[:, None] * t).sum(0) * np.exp(-decay * t)
    return fftconvolve(pulses, answer)[: len(pulses)]


def _repeated(rng, sound: np.ndarray, samples: int, period: float, spread: float) -> np.ndarray:
    """A sound from the start on and every ``period`` [s], give or take the share ``spread``."""
    result, place = np.zeros(samples), 0
    while place < samples:
        part = sound[: samples - place]
        result[place : place + len(part)] += rng.uniform(0.7, 1) * part
        place += int(period * rng.uniform(1 - spread, 1 + spread) * RATE)
    return result


def _curve(rng, samples: int, knots: int) -> np.ndarray:
    """Straight pieces between random values of 0 to 1."""
    return np.interp(np.linspace(0, knots - 1, samples), np.arange(knots), rng.random(knots))


def _melody(rng, samples: int, lowest: float, legato: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequency [Hz] and loudness 0 to 1 of one to a few notes; at the end of each it falls to
    ``legato``."""
    borders = np.sort(rng.uniform(0.1, 0.9, rng.integers(0, 5)))
    note = np.searchsorted(borders, np.linspace(0, 1, samples))
    steps = rng.choice([0, 2, 4, 5, 7, 9], len(borders) + 1)
    loudness = legato + (1 - legato) * _gate(samples, borders, rest=0.04)
    return lowest * 2 ** (steps[note] / 12), loudness


def _gate(samples: int, borders: np.ndarray, rest: float) -> np.ndarray:
    """1, but 0 for ``rest`` [s] at each border (a share of the whole), with soft edges."""
    away = np.abs(np.arange(samples)[:, None] - borders * samples).min(1, initial=samples) / RATE
    return np.clip((away - rest / 2) / 0.02, 0, 1)


def _finish(rng, sound: np.ndarray) -> np.ndarray:
    """A room and a microphone: tilt of the spectrum, echo, level."""
    octaves = np.log2(np.clip(np.fft.rfftfreq(len(sound), 1 / RATE), 100, 6400) / 800)
    tilt = 10 ** (rng.uniform(-4, 4) * octaves / 20)  # [dB] an octave
    sound = np.fft.irfft(np.fft.rfft(sound) * tilt, len(sound))
    t = np.arange(RATE // 4) / RATE
    echo = rng.standard_normal(len(t)) * np.exp(-rng.uniform(12, 60) * t)
    echo *= rng.uniform(0, 0.5) / np.linalg.norm(echo)
    echo[0] = 1
    sound = fftconvolve(sound, echo)[: len(sound)]
    level = 10 ** (rng.uniform(*LEVELS) / 20) / np.sqrt(np.mean(sound**2))
    return (min(level, PEAK / np.abs(sound).max()) * sound).astype(np.float32)


# Pictures: functions of a pen and a generator.

BODY, PART, DETAIL, GLASS, LINE = range(5)  # a pen's colours


class _Pen:
    """Draws on a sheet of 100 by 100 that is transparent where nothing was drawn.

    Shapes are filled with one of the pen's colours and outlined with its last.
    """

    def __init__(self, rng):
        self.sheet = np.zeros((SHEET, SHEET, 4), np.uint8)
        light = rng.random() < 0.3  # light lines on darker colours, else dark ones on lighter
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
        """Centre, half axes, and the turn [degrees]."""
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
    """A tube that slants, so that its picture is not all length."""
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
    back = rng.uniform(58, 64)  # where the load ends
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
    """RGB of any hue, pale or full."""
    hue, saturation = rng.uniform(0, 180), rng.uniform(0, 255)
    value = 255 * rng.uniform(darkest, lightest)
    pixel = np.array([[[hue, saturation, value]]]).astype(np.uint8)
    return tuple(int(part) for part in cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0])


def _ramp(rng, size: tuple[int, int]) -> np.ndarray:
    """[height, width] float32 from 0 to 1 in any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    ramp = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    return (ramp - ramp.min()) / np.ptp(ramp)


def _shade(rng, sheet: np.ndarray) -> np.ndarray:
    """Light from one side, and lines of shadow on the other."""
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
    """Mirrored or not, turned, stretched, cut to what is drawn and scaled to its size."""
    middle = SHEET / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), rng.uniform(-15, 15), 0.75)
    stretch = rng.uniform(0.87, 1.15, 2) * (rng.choice([-1, 1]), 1)
    matrix[:, :2] = matrix[:, :2] * stretch
    matrix[:, 2] = middle - matrix[:, :2] @ (middle, middle)
    clear = sheet.astype(np.float32)
    clear[..., :3] *= clear[..., 3:] / 255  # so that edges do not mix with what is transparent
    turned = cv2.warpAffine(clear, matrix, (SHEET, SHEET))
    x, y, wide, tall = cv2.boundingRect((turned[..., 3] > 127).astype(np.uint8))
    scale = rng.integers(*SIDES) / max(wide, tall)
    size = max(1, round(wide * scale)), max(1, round(tall * scale))
    small = cv2.resize(turned[y : y + tall, x : x + wide], size, interpolation=cv2.INTER_AREA)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    return np.clip(np.round(small), 0, 255).astype(np.uint8)


def _clutter(rng, picture: np.ndarray) -> None:
    """One thing more in a scene: a box, an oval, a triangle or a stroke."""
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


_EVENTS = {
    AVE_CLASSES.index(name): functions
    for name, functions in {
        "Church bell": (_church_bell, _draw_bell),
        "Bark": (_bark, _draw_dog),
        "Helicopter": (_helicopter, _draw_helicopter),
        "Violin, fiddle": (_violin, _draw_violin),
        "Flute": (_flute, _draw_flute),
        "Truck": (_truck, _draw_truck),
        "Motorcycle": (_motorcycle, _draw_motorcycle),
        "Clock": (_clock, _draw_clock),
        "Train horn": (_train_horn, _draw_train),
        "Chainsaw": (_chainsaw, _draw_chainsaw),
    }.items()
}
"""Class index -> what makes its sounds and what draws its pictures."""
