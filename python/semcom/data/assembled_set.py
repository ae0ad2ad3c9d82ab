# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Clips assembled of the features of short strips: as composed ones, but each second was heard and
seen before, so that any number of clips costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..base.errors import SemcomError
from ..base.runs import runs
from .clipset import AVE_CLASSES, BACKGROUND, SPLITS
from .composition import random_script
from .material_filmed import OTHERS

LEAST = 0.5  # share of the first of two strips that are mixed


@dataclass(frozen=True)
class Strips:
    """Features of n strips, of S seconds each, from one material: with an event, and in the last
    second the same scene and hum without it.

    audio   [n, S, d_a] float32;  visual  [n, S, h, w, d_v] float16
    event   [n] int: what is heard and seen, BACKGROUND: something else
    """

    audio: np.ndarray
    visual: np.ndarray
    event: np.ndarray

    def events(self) -> list[int]:
        """What a script may name: background OTHERS times."""
        found = sorted(set(self.event.tolist()))
        return [e for e in found for _ in range(OTHERS if e == BACKGROUND else 1)]


class AssembledSet:
    """One split of clips, a pure function of (materials, seed, split, i); see :class:`ClipSet`.

    materials  clip i is of one of them, in turn, and of no other
    """

    classes = AVE_CLASSES

    def __init__(self, name: str, materials: list[Strips], split: str, size: int, seed: int = 0):
        for strips in materials:
            if len(set(strips.events())) < 2:
                raise SemcomError(
                    f"strips of the events {sorted(set(strips.event.tolist()))}; expected two"
                )
        self.name, self.materials, self.split, self.seed = name, materials, split, seed
        self.ids = [f"{name}-{seed}-{split}-a{i:05d}" for i in range(size)]
        self._clip = lru_cache(maxsize=2)(self._make)

    def __len__(self) -> int:
        return len(self.ids)

    def audio(self, i: int) -> np.ndarray:
        """Audio features [10, d_a] float32."""
        return self._clip(i)[0]

    def visual(self, i: int) -> np.ndarray:
        """Visual feature maps [10, h, w, d_v] float16."""
        return self._clip(i)[1]

    def labels(self, i: int) -> np.ndarray:
        """Class index of each second, [10] int64."""
        return self._script(i)[0].labels

    def _script(self, i: int):
        rng = np.random.default_rng([self.seed, 11 + SPLITS.index(self.split), i])
        return random_script(rng, self._strips(i).events()), rng

    def _strips(self, i: int) -> Strips:
        return self.materials[i % len(self.materials)]

    def _make(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        (script, rng), strips = self._script(i), self._strips(i)
        tracks = (strips.audio, script.heard), (strips.visual, script.seen)
        return tuple(_track(rng, features, strips.event, which) for features, which in tracks)


def _track(rng, features: np.ndarray, events: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Features of what is heard, or seen: ``which`` [T], -1: nothing.  What is there first gives
    the scene for where nothing is."""
    named = which[which >= 0]
    first = int(named[0]) if len(named) else int(rng.choice(events))
    strips, parts = {first: _mixed(rng, features, events, first)}, []
    for start, end, event in runs(which.tolist()):
        if event >= 0 and event not in strips:
            strips[event] = _mixed(rng, features, events, event)
        strip = strips[first] if event < 0 else strips[event]
        there = len(strip) - 1
        turns = (np.arange(end - start) + rng.integers(there)) % there
        parts.append(strip[turns] if event >= 0 else strip[np.full(end - start, -1)])
    return np.concatenate(parts)


def _mixed(rng, features: np.ndarray, events: np.ndarray, event: int) -> np.ndarray:
    """Two strips of an event, mixed (Zhang et al., mixup, 2018)."""
    two = rng.choice(np.flatnonzero(events == event), 2)
    one, other = features[two].astype(np.float32)
    share = np.float32(rng.uniform(LEAST, 1))
    return (share * one + (1 - share) * other).astype(features.dtype)
