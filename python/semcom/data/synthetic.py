# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A synthetic set of clips in AVE's shapes, a pure function of (seed, split, i).

It has the properties of audio-visual events: 28 events and background; an event counts only where
it is heard *and* seen; outside it there are off-screen sounds, silent objects and other events; the
object fills some cells of the map and moves; a second, silent object may be in view (the
bystander). Events form pairs that sound alike (0 1, 2 3, ...) and other pairs that look alike (1 2,
3 4, ..., 27 0).  So no terminal alone can identify an event, and only the sound shows which of two
objects belongs to it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from . import ave
from .clipset import AVE_CLASSES, BACKGROUND, SPLITS

SIZES = {"train": 1600, "val": 300, "test": 400}
SEGMENTS, AUDIO_DIM, GRID, VISUAL_DIM = 10, 128, 7, 512
EVENTS = BACKGROUND

# Norm of a prototype relative to noise of unit variance per feature; a larger norm is easier.
AUDIO_PAIR, AUDIO_OWN = 9.0, 1.5
VISUAL_PAIR, VISUAL_OWN = 20.0, 3.0
CLIP_VARIATION = 1.0  # standard deviation of a clip's event around its prototype
SCENE_VARIATION = 0.5  # standard deviation of the scene behind the objects
BYSTANDER = 0.5  # share of clips with a second, silent object
# Probabilities of a stretch outside the event: its event heard only, seen only, neither, or another
# event's sound or sight
OUTSIDE = {"heard": 0.3, "seen": 0.3, "neither": 0.2, "foreign": 0.2}


class SyntheticSet:
    """One split of the synthetic set; see :class:`ClipSet`.

    Any ``size`` gives the same first clips.
    """

    name = "synthetic"
    classes = AVE_CLASSES
    shapes = {"audio": (AUDIO_DIM,), "visual": (GRID, GRID, VISUAL_DIM)}  # of a second

    def __init__(self, split: str, size: int | None = None, seed: int = 0):
        self.split, self.seed = split, seed
        self._size = SIZES[split] if size is None else size
        self.ids = [f"synthetic-{seed}-{split}-{i:05d}" for i in range(self._size)]

    def __len__(self) -> int:
        return self._size

    def audio(self, i: int) -> np.ndarray:
        """Audio features [10, 128] float32."""
        return self._features(i, 0)

    def visual(self, i: int) -> np.ndarray:
        """Visual feature maps [10, 7, 7, 512] float32, at least 0."""
        return self._features(i, 1)

    def sources(self, i: int) -> np.ndarray:
        """Cells [10, 7, 7] bool of the object that is heard and seen; none in segments of
        background."""
        return self._features(i, 2)

    def labels(self, i: int) -> np.ndarray:
        """Class index of each segment, [10] int64."""
        if not 0 <= i < self._size:
            raise IndexError(f"clip {i}: the split {self.split} has {self._size}")
        return _script(_generator(self.seed, self.split, i))[0]

    def _features(self, i: int, kind: int) -> np.ndarray:
        if not 0 <= i < self._size:
            raise IndexError(f"clip {i}: the split {self.split} has {self._size}")
        return _rendered(self.seed, self.split, i)[kind].copy()


def write(folder: str | Path, clips: int, seed: int = 0) -> None:
    """Write ``clips`` clips of each split as an AVE-layout folder."""
    ave.write(folder, {split: SyntheticSet(split, clips, seed) for split in SPLITS})


def _generator(seed: int, split: str, i: int) -> np.random.Generator:
    return np.random.default_rng([seed, 1 + SPLITS.index(split), i])


@lru_cache(maxsize=2)  # a clip's sound and pictures are read one after the other
def _rendered(seed: int, split: str, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return render(_generator(seed, split, i), seed)


@lru_cache(maxsize=4)
def _prototypes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Prototypes of the events' audio features [28, 128] and visual features [28, 512]."""
    rng = np.random.default_rng([seed, 0])

    def directions(count: int, dim: int) -> np.ndarray:
        vectors = rng.standard_normal((count, dim))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    event = np.arange(EVENTS)
    sounds = AUDIO_PAIR * directions(EVENTS // 2, AUDIO_DIM)[event // 2]
    sounds = sounds + AUDIO_OWN * directions(EVENTS, AUDIO_DIM)
    sights = VISUAL_PAIR * directions(EVENTS // 2, VISUAL_DIM)[(event + 1) // 2 % (EVENTS // 2)]
    sights = sights + VISUAL_OWN * directions(EVENTS, VISUAL_DIM)
    return sounds, sights


def _draw_span(rng: np.random.Generator) -> tuple[int, int, int]:
    """Event, start and end [segments] of a clip."""
    event = int(rng.integers(EVENTS))
    if rng.random() >= 0.6:
        return event, 0, SEGMENTS
    length = int(rng.integers(2, SEGMENTS))
    start = int(rng.integers(SEGMENTS - length + 1))
    return event, start, start + length


def _script(rng: np.random.Generator, span: tuple[int, int, int] | None = None):
    """The label, the heard and the seen event of each segment (-1: none), [10] each, and the
    bystander's event (-1: none).

    span  event, start and end; None: random
    """
    event, start, end = span or _draw_span(rng)
    labels = np.full(SEGMENTS, BACKGROUND, np.int64)
    labels[start:end] = event
    heard, seen = np.full(SEGMENTS, event), np.full(SEGMENTS, event)
    for stretch in (slice(0, start), slice(end, SEGMENTS)):
        other = int((event + rng.integers(2, EVENTS - 1)) % EVENTS)
        kind = rng.choice(list(OUTSIDE), p=list(OUTSIDE.values()))
        foreign_sound = rng.random() < 0.5
        if kind == "foreign":
            (heard if foreign_sound else seen)[stretch] = other
        else:
            heard[stretch] = event if kind == "heard" else -1
            seen[stretch] = event if kind == "seen" else -1
    # not an event that sounds like the heard one
    bystander = int((event + 3 + rng.integers(EVENTS - 6)) % EVENTS)
    return labels, heard, seen, bystander if rng.random() < BYSTANDER else -1


def render(rng: np.random.Generator, seed: int, span: tuple[int, int, int] | None = None):
    """Features of a clip: audio [10, 128] float32, visual [10, 7, 7, 512] float32, and the cells of
    the event's source [10, 7, 7] bool.

    seed  seed of the events' prototypes
    span  event, start and end; None: random
    """
    labels, heard, seen, bystander = _script(rng, span)
    sounds, sights = _prototypes(seed)
    variation = CLIP_VARIATION * rng.standard_normal((EVENTS, AUDIO_DIM))
    audio = rng.standard_normal((SEGMENTS, AUDIO_DIM)) + SCENE_VARIATION * rng.standard_normal(
        AUDIO_DIM
    )
    audible = heard >= 0
    audio[audible] += (sounds + variation)[heard[audible]]

    maps = rng.standard_normal((SEGMENTS, GRID, GRID, VISUAL_DIM), dtype=np.float32)
    maps += SCENE_VARIATION * rng.standard_normal(VISUAL_DIM, dtype=np.float32)
    filled = np.zeros((2, *maps.shape[:3]), bool)  # cells of the object and of the bystander
    for k, objects in enumerate((seen, np.full(SEGMENTS, bystander))):
        looks = sights + CLIP_VARIATION * rng.standard_normal((EVENTS, VISUAL_DIM))
        for t, (row, column, height, width) in enumerate(_walk(rng)):
            filled[k, t, row : row + height, column : column + width] = objects[t] >= 0
            if objects[t] >= 0:
                maps[t, filled[k, t]] += looks[objects[t]]
    source = filled[0] & (labels != BACKGROUND)[:, None, None]
    return audio.astype(np.float32), np.maximum(maps, 0), source


def _walk(rng: np.random.Generator):
    """An object's (row, column, height, width) in each segment; it moves at most a cell per
    second."""
    size = rng.integers(2, 4, 2)
    place = rng.integers(0, GRID - size + 1)
    for _ in range(SEGMENTS):
        yield *place, *size
        place = np.clip(place + rng.integers(-1, 2, 2), 0, GRID - size)
