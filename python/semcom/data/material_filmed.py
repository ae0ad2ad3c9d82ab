# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Raw material degraded as in films: sounds with reverberation, small microphones and other sounds;
pictures that are small, dark, blurred or strongly compressed; and things that are not events."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..base.optional import cv2
from ..media.spectrum import RATE
from .acoustics import random_microphone, random_noise, random_room
from .clipset import BACKGROUND
from .material_raw import FILLING, WHOLE_FRAME, RawMaterial, cropped, soft_edges

ROOM, MICROPHONE, UNDER = 0.5, 0.35, 0.35  # shares of sounds in a room, band-limited, mixed
OVER = 0.0, 20.0  # [dB] level of a sound relative to one that it is mixed with
STRONG = -10.0, 6.0  # [dB] level of a sound relative to its recording
BLURRED, CODED = 0.3, 0.3  # shares of blurred and of compressed pictures
SOFT = 0.6, 2.5  # [pixels] standard deviation of the blur
QUALITY = 12, 50  # JPEG quality
BRIGHTNESS, TINT = (0.45, 1.3), (0.9, 1.1)
SMALL = 70.0, 220.0  # [pixels] heights of a thing in the clip's picture
OTHERS, EXPOSED = 5, 10  # frequency of things that are not events, relative to an event
SPEED, TWO = (0.7, 1.4), 0.4  # of their sounds: range of speeds, share of mixtures of two


class FilmedMaterial(RawMaterial):
    """The sounds and pictures of one split; see :class:`~.material.Material`.

    Its events include background: sounds and pictures of things that are not events.

    exposed  these things are more frequent and more varied, so that a system learns to call unknown
             things background (Hendrycks et al., Outlier Exposure, 2019)
    """

    def __init__(self, folder: str | Path, split: str, exposed: bool = False):
        super().__init__(folder, split)
        self.exposed = exposed

    def events(self) -> list[int]:
        """Classes with sounds and pictures; background, if it has both, OTHERS times (``exposed``:
        EXPOSED times)."""
        others = BACKGROUND in self.sounds and BACKGROUND in self.pictures
        times = EXPOSED if self.exposed else OTHERS
        return super().events() + [BACKGROUND] * (times * others)

    def sound(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One of the event's recordings, at random with reverberation and with another sound."""
        sound = super().sound(rng, event) * np.float32(10 ** (rng.uniform(*STRONG) / 20))
        if self.exposed and event == BACKGROUND:
            sound = self._various(rng, sound)
        if rng.random() < ROOM:
            sound = random_room(rng, sound)
        if rng.random() < MICROPHONE:
            sound = random_microphone(rng, sound)
        if rng.random() < UNDER:
            other = np.resize(self.hum(rng), len(sound))
            level = np.sqrt(np.mean(sound**2) / max(float(np.mean(other**2)), 1e-12))
            sound = sound + other * np.float32(level * 10 ** (-rng.uniform(*OVER) / 20))
        return sound

    def _various(self, rng: np.random.Generator, sound: np.ndarray) -> np.ndarray:
        """A sound of another thing, faster or slower, at random mixed with one more."""
        sound = at_speed(sound, rng.uniform(*SPEED))
        if rng.random() < TWO:
            sound = sound + np.resize(super().sound(rng, BACKGROUND), len(sound))
        return sound

    def hum(self, rng: np.random.Generator) -> np.ndarray:
        """A sound of a thing that is not an event, or coloured noise."""
        if rng.random() < 1 / 3 or BACKGROUND not in self.sounds:
            return random_noise(rng, RATE * 5)
        sounds = self.sounds[BACKGROUND]
        return sounds[rng.integers(len(sounds))]

    def picture(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One of the event's photographs, which fills the clip's picture or is a thing in it."""
        photos = self.pictures[event]
        photo = photos[rng.integers(len(photos))][:, :: rng.choice([-1, 1])]
        photo = cropped(rng, photo)
        height = rng.uniform(*(WHOLE_FRAME if rng.random() < FILLING else SMALL))
        size = max(1, round(height * photo.shape[1] / photo.shape[0])), max(1, round(height))
        shrinks = size[1] < photo.shape[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        photo = worn(rng, cv2.resize(photo, size, interpolation=how))
        return np.dstack([photo, soft_edges(size[::-1], 6)]).astype(np.uint8)

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """A photograph without any of the events."""
        photos = self.pictures[BACKGROUND]
        return worn(rng, cropped(rng, photos[rng.integers(len(photos))]))


def at_speed(sound: np.ndarray, speed: float) -> np.ndarray:
    """A sound [n] float32 played ``speed`` times as fast, [n / speed] float32."""
    places = np.arange(0, len(sound) - 1, speed)
    return np.interp(places, np.arange(len(sound)), sound).astype(np.float32)


def worn(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """A photograph [h, w, 3] uint8, darker or lighter and tinted, at random blurred and
    compressed."""
    photo = np.clip(photo * rng.uniform(*BRIGHTNESS) * rng.uniform(*TINT, 3), 0, 255)
    photo = photo.astype(np.uint8)
    if rng.random() < BLURRED:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(*SOFT))
    if rng.random() < CODED:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITY))]
        photo = cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], cv2.IMREAD_COLOR)
    return photo
