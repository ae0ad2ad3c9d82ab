# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A set of clips composed from material, as features, for training systems that use media."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..media.clip import Media
from ..media.sources import PICTURES
from ..media.spectrum import RATE
from ..perception.features import FeatureExtractor, looked_at
from .clipset import AVE_CLASSES, BACKGROUND, SPLITS
from .composition import compose, random_script
from .material import Material


class ComposedSet:
    """One split of clips, a pure function of (materials, seed, split, i); see :class:`ClipSet`.

    name       name of the set
    materials  sources of sounds and pictures; clip i uses number i modulo their number
    features   feature networks
    split      train, val or test
    size       number of clips
    """

    classes = AVE_CLASSES

    def __init__(self, name: str, materials: list[Material], features: FeatureExtractor, split: str,
                 size: int, seed: int = 0):  # fmt: skip
        self.name, self.materials, self.features = name, materials, features
        self.split, self.seed, self._size = split, seed, size
        self.ids = [f"{name}-{seed}-{split}-{i:05d}" for i in range(size)]
        self._clip = lru_cache(maxsize=2)(self._make)

    def __len__(self) -> int:
        return self._size

    def audio(self, i: int) -> np.ndarray:
        """Audio features [10, d_a] float32."""
        return self._clip(i)[0]

    def visual(self, i: int) -> np.ndarray:
        """Visual feature maps [10, h, w, d_v] float16."""
        return self._clip(i)[1]

    def labels(self, i: int) -> np.ndarray:
        """Class index of each second, [10] int64."""
        return random_script(self._rng(i), self._library(i).events()).labels

    def media(self, i: int) -> Media:
        """Pictures (16 per second) and sound of clip ``i``."""
        sound, picture_at = self.scene(i)
        times = (np.arange(len(sound) // RATE * PICTURES) + 0.5) / PICTURES
        return Media(np.array([picture_at(time) for time in times]), sound, self._event(i))

    def _event(self, i: int) -> str:
        events = self.labels(i)[self.labels(i) != BACKGROUND]
        return AVE_CLASSES[events[0]] if len(events) else ""

    def scene(self, i: int):
        """Sound of clip ``i``, and its picture as a function of time, see composition.compose."""
        rng, material = self._rng(i), self._library(i)
        return compose(rng, material, random_script(rng, material.events()))

    def _library(self, i: int) -> Material:
        return self.materials[i % len(self.materials)]

    def _rng(self, i: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, 1 + SPLITS.index(self.split), i])

    def _make(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        sound, picture_at = self.scene(i)
        seconds = sound.reshape(-1, RATE)
        seen = (np.array(looked_at(PICTURES, self.features.looks)) + 0.5) / PICTURES
        pictures = [[picture_at(t + time) for time in seen] for t in range(len(seconds))]
        visual = self.features.visual(np.array(pictures))
        return self.features.audio(seconds), visual.astype(np.float16)
