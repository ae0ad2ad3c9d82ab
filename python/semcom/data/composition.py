# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Composes clips with pictures and sound from single sounds and pictures (a material).

As in the synthetic set, an event counts only where it is heard *and* seen.  Outside it there are
off-screen sounds, silent objects and other events; a second object may be in view (the bystander).
Objects move over a moving scene, and sounds are mixed with a background hum.  A clip depends only
on the material and the random generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.optional import cv2
from ..base.runs import runs
from ..media.spectrum import RATE
from ..media.video import QUICK, video_file
from .clipset import BACKGROUND
from .material import Material
from .synthetic import BYSTANDER, OUTSIDE

HEIGHT, WIDTH = 224, 300  # [pixels] of a picture of the clip
NOTHING = 0.15  # share of clips without an event
WHOLE = 0.6  # share of the other clips whose event lasts for the whole clip
CROSS_FADE = 0.2  # [s] from one picture to the next
BORDER_FADE, EDGE_FADE = 0.05, 0.01  # [s] at the ends of a stretch of sound, and of one sound in it
GAPS = 0.05, 0.3  # [s] between repetitions of a sound
HUM = -25.0, -10.0  # [dB] level of the hum relative to the sound
UNHEARD_LEVEL = 0.1  # root mean square to which the hum is relative in a clip without sound
LOUDEST = 0.95


@dataclass(frozen=True)
class Script:
    """The events that are heard and seen in each of T seconds.

    labels     [T] int64: the event where it is heard and seen, otherwise BACKGROUND
    heard      [T] int64: the event that is heard, -1: none
    seen       [T] int64: the event that is seen, -1: none
    bystander  the event of a second object, which is always in view and never heard; -1: none
    """

    labels: np.ndarray
    heard: np.ndarray
    seen: np.ndarray
    bystander: int


def random_script(rng: np.random.Generator, events: list[int], seconds: int = 10) -> Script:
    """A script with a random event and span, and random sounds and sights before and after it.

    events   class indices, at least 2
    seconds  T, at least 3
    """
    if len(events) < 2 or seconds < 3:
        raise SemcomError(
            f"a script of {len(events)} events and {seconds} seconds; it needs 2 events and 3 "
            "seconds"
        )
    event = int(rng.choice(events))
    start, end = _random_span(rng, seconds)
    heard, seen = np.full(seconds, event), np.full(seconds, event)
    for stretch in (slice(0, start), slice(end, seconds)):
        kind = rng.choice(list(OUTSIDE), p=list(OUTSIDE.values()))
        if kind == "foreign":
            which = heard if rng.random() < 0.5 else seen
            which[stretch] = rng.choice([other for other in events if other != event])
        else:
            heard[stretch] = event if kind == "heard" else -1
            seen[stretch] = event if kind == "seen" else -1
    labels = np.where((heard == seen) & (heard >= 0), heard, BACKGROUND)
    # not the event that is heard, which would then be heard and seen
    silent = sorted(set(events) - set(heard.tolist()) - set(seen.tolist()))
    stands_by = bool(silent) and rng.random() < BYSTANDER
    return Script(labels, heard, seen, int(rng.choice(silent)) if stands_by else -1)


def _random_span(rng: np.random.Generator, seconds: int) -> tuple[int, int]:
    """Start and end [s] of the event; an empty span divides a clip without event."""
    if rng.random() < NOTHING:
        cut = int(rng.integers(seconds + 1))
        return cut, cut
    if rng.random() < WHOLE:
        return 0, seconds
    length = int(rng.integers(2, seconds))
    start = int(rng.integers(seconds - length + 1))
    return start, start + length


def compose(
    rng: np.random.Generator, material: Material, script: Script
) -> tuple[np.ndarray, Callable[[float], np.ndarray]]:
    """Compose a clip of T seconds: its sound [T * 16000] float32, -1 to 1, and its picture as a
    function of time [s] that returns [224, 300, 3] uint8 RGB."""
    return _soundtrack(rng, material, script.heard), _view(rng, material, script)


def _stretches(values: np.ndarray) -> list[tuple[int, int, int]]:
    """Start [s], end [s] and event of each stretch of one event, without stretches of no event."""
    return [stretch for stretch in runs(values.tolist()) if stretch[2] >= 0]


# Sound.


def _soundtrack(rng, material: Material, heard: np.ndarray) -> np.ndarray:
    track = np.zeros(len(heard) * RATE, np.float32)
    for start, end, event in _stretches(heard):
        place = slice(start * RATE, end * RATE)
        track[place] = _fill(rng, material.sound(rng, event), (end - start) * RATE)
    audible = np.repeat(heard >= 0, RATE)
    level = _rms(track[audible]) if audible.any() else UNHEARD_LEVEL
    hum = np.resize(material.hum(rng), len(track))
    track += hum * np.float32(level * 10 ** (rng.uniform(*HUM) / 20) / max(_rms(hum), 1e-6))
    return track * np.float32(LOUDEST / max(LOUDEST, np.abs(track).max()))


def _fill(rng, sound: np.ndarray, samples: int) -> np.ndarray:
    """A sound repeated with short gaps, [samples] float32."""
    filled, place = np.zeros(samples, np.float32), 0
    sound = _faded(sound, EDGE_FADE)
    while place < samples:
        part = sound[: samples - place]
        filled[place : place + len(part)] = part
        place += len(part) + int(rng.uniform(*GAPS) * RATE)
    return _faded(filled, BORDER_FADE)


def _faded(sound: np.ndarray, duration: float) -> np.ndarray:
    """A sound faded in and out within ``duration`` [s]."""
    from_edge = np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1])
    return sound * np.minimum(from_edge / (duration * RATE), 1).astype(np.float32)


def _rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


# Pictures.


@dataclass(frozen=True)
class _Motion:
    """An object's motion in the picture: slow sine waves of position, size and rotation."""

    home: np.ndarray  # [x, y] [pixels] mean position of its centre
    reach: np.ndarray  # [4] amplitudes: x [pixels], y [pixels], size (relative), rotation [degrees]
    rates: np.ndarray  # [4] frequencies [Hz]
    phases: np.ndarray  # [4] rad
    size: float  # scale of the object; 1: the size of its picture

    @staticmethod
    def random(rng, home, reach, size: float = 1.0) -> _Motion:
        rates, phases = rng.uniform(0.03, 0.12, 4), rng.uniform(0, 2 * np.pi, 4)
        return _Motion(np.array(home), np.array(reach), rates, phases, size)

    def matrix(self, shape: tuple[int, ...], time: float) -> np.ndarray:
        """Affine map [2, 3] from the pixels of an object of ``shape`` to those of the picture, at
        ``time`` [s]."""
        x, y, size, turn = self.reach * np.sin(2 * np.pi * self.rates * time + self.phases)
        middle = (shape[1] / 2, shape[0] / 2)
        matrix = cv2.getRotationMatrix2D(middle, turn, self.size * (1 + size))
        matrix[:, 2] += self.home + (x, y) - middle
        return matrix


@dataclass(frozen=True)
class _Actor:
    """An object that is in view from ``start`` to ``end`` [s]."""

    looks: np.ndarray  # [height, width, 4] float32: RGB 0 to 255 times opacity, and opacity 0 to 1
    motion: _Motion
    start: float
    end: float

    def presence(self, time: float) -> float:
        """Opacity at ``time`` [s], 0 to 1; 0.5 at the start and at the end."""
        inside = min(time - self.start, self.end - time)
        return float(np.clip(inside / CROSS_FADE + 0.5, 0, 1))

    def shown_on(self, picture: np.ndarray, time: float) -> np.ndarray:
        presence = np.float32(self.presence(time))
        if presence == 0:
            return picture
        matrix = self.motion.matrix(self.looks.shape, time)
        layer = presence * cv2.warpAffine(self.looks, matrix, (WIDTH, HEIGHT))
        return picture * (1 - layer[..., 3:]) + layer[..., :3]


def _view(rng, material: Material, script: Script) -> Callable[[float], np.ndarray]:
    # Each object stays on its side, and both have the same kind of motion, so that motion does not
    # distinguish the event's object from the bystander.
    side = rng.choice([-1, 1])
    actors = []
    if script.bystander >= 0:
        place = 0.5 - side * rng.uniform(0.15, 0.3)
        actors.append(_random_actor(rng, material, script.bystander, place, -math.inf, math.inf))
    for start, end, event in _stretches(script.seen):
        # no fade at the ends of the clip
        start, end = start or -math.inf, end if end < len(script.seen) else math.inf
        place = 0.5 + side * rng.uniform(0.05, 0.3)
        actors.append(_random_actor(rng, material, event, place, start, end))
    scene = material.scene(rng)
    cover = max(HEIGHT / scene.shape[0], WIDTH / scene.shape[1])
    pan = _Motion.random(rng, (WIDTH / 2, HEIGHT / 2), (20, 12, 0.03, 1), 1.25 * cover)

    def picture_at(time: float) -> np.ndarray:
        matrix = pan.matrix(scene.shape, time)
        picture = cv2.warpAffine(scene, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        picture = picture.astype(np.float32)
        for actor in actors:
            picture = actor.shown_on(picture, time)
        return np.clip(np.round(picture), 0, 255).astype(np.uint8)

    return picture_at


def _random_actor(rng, material: Material, event: int, across: float, start, end) -> _Actor:
    """An object near ``across`` (0 to 1 of the width), in view from ``start`` to ``end`` [s]."""
    home = across * WIDTH, rng.uniform(0.4, 0.6) * HEIGHT
    reach = rng.uniform((8, 6, 0.04, 2), (30, 20, 0.15, 8))
    motion = _Motion.random(rng, home, reach, rng.uniform(0.75, 1.15))
    picture = material.picture(rng, event)
    opacity = picture[..., 3:] / np.float32(255)
    return _Actor(np.dstack([picture[..., :3] * opacity, opacity]), motion, start, end)


# File.


def write_clip(
    path: str | Path,
    sound: np.ndarray,
    picture_at: Callable[[float], np.ndarray],
    seconds: int = 10,
    fps: int = 16,
) -> None:
    """Write a clip of :func:`compose` as an mp4 (H.264 and AAC); the file is complete or absent.

    sound       [seconds * 16000] float32, 16 kHz mono
    picture_at  function from time [s] to [224, 300, 3] uint8 RGB, called for the middle of each
                picture's time
    fps         pictures per second
    """
    with video_file(path, fps, coding=QUICK) as video:
        for second in range(seconds):  # second by second, so that neither track is kept in memory
            for k in range(second * fps, (second + 1) * fps):
                video.show(picture_at((k + 0.5) / fps))
            video.play(sound[second * RATE : (second + 1) * RATE])
