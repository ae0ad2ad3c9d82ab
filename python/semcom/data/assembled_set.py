# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Clips assembled of the features of short draws: as composed ones, but each second was heard and
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

LEAST = 0.5  # share of the first of two draws that are mixed


@dataclass(frozen=True)
class Draws:
    """Features of n draws, of S seconds each, from one material.

    audio   [n, S, d_a] float32;  visual  [n, S, h, w, d_v] float16
    event   [n] int: what is heard and seen, BACKGROUND: something else, -1: nothing
    """

    audio: np.ndarray
    visual: np.ndarray
    event: np.ndarray

    def events(self) -> list[int]:
        """What a script may name: background OTHERS times."""
        found = sorted(set(self.event.tolist()) - {-1})
        return [e for e in found for _ in range(OTHERS if e == BACKGROUND else 1)]

    def one_of(self, rng: np.random.Generator, event: int) -> int:
        """Number of a draw of an event at random."""
        return int(rng.choice(np.flatnonzero(self.event == event)))


class AssembledSet:
    """One split of clips, a pure function of (materials, seed, split, i); see :class:`ClipSet`.

    materials  clip i is of one of them, in turn, and of no other
    """

    classes = AVE_CLASSES

    def __init__(self, name: str, materials: list[Draws], split: str, size: int, seed: int = 0):
        for draws in materials:
            if -1 not in draws.event or len(set(draws.events())) < 2:
                raise SemcomError(
                    f"draws of the events {sorted(set(draws.event.tolist()))}; expected some of -1 "
                    "(nothing) and of two events"
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
        return random_script(rng, self._draws(i).events()), rng

    def _draws(self, i: int) -> Draws:
        return self.materials[i % len(self.materials)]

    def _make(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        (script, rng), draws = self._script(i), self._draws(i)
        return tuple(
            np.concatenate(
                [self._stretch(rng, draws, features, *stretch) for stretch in runs(which.tolist())]
            )
            for features, which in ((draws.audio, script.heard), (draws.visual, script.seen))
        )

    @staticmethod
    def _stretch(rng, draws: Draws, features, start: int, end: int, event: int) -> np.ndarray:
        """The seconds of two draws of the event, mixed (Zhang et al., mixup, 2018), again and
        again."""
        one, other = (features[draws.one_of(rng, event)].astype(np.float32) for _ in range(2))
        share = np.float32(rng.uniform(LEAST, 1))
        mixed = (share * one + (1 - share) * other).astype(features.dtype)
        return mixed[(np.arange(end - start) + rng.integers(len(one))) % len(one)]
