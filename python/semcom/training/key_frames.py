# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Artificial recognition results of key frames, composed of single pictures and sounds, for the
multi-frame check (``nets.m3e.check``)."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from ..data.clipset import BACKGROUND
from ..nets.m3e.check import NAMES, UNTOLD
from ..nets.m3e.picture import SIDE
from ..perception.fusion import fused
from ..perception.recognition import heard, seen
from .sounds import Seconds

VIEWS = {"train": 4, "val": 3, "test": 3}  # of each file
MOST = 30  # files a class

LEAST = 0.6  # of the shorter side, of a crop
OFTEN = 0.4  # share of views with blur, with noise, with something in front: each
BLUR, NOISE, FRONT, LIGHT = 2.0, 30.0, 0.5, 0.4  # [pixels], [levels], of the sides, share
CUT = 0.3  # share of clips with a cut
STRAY, PAUSE = 0.1, 0.1  # shares of frames with a picture or sound of elsewhere, and of silence
HELD = 4  # most frames of a second
MEETINGS = {"same": 0.55, "different": 0.2, "seen": 0.15, "heard": 0.1}


def picture_view(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """A square part of a picture as a key frame of a film may be, [64, 64, 3] uint8."""
    short = round(min(picture.shape[:2]) * rng.uniform(LEAST, 1))
    top, left = (rng.integers(n - short + 1) for n in picture.shape[:2])
    part = picture[top : top + short, left : left + short, :][:, :: rng.choice([-1, 1])]
    how = cv2.INTER_AREA if short > SIDE else cv2.INTER_LINEAR
    view = cv2.resize(np.ascontiguousarray(part), (SIDE, SIDE), interpolation=how)
    view = view * rng.uniform(1 - LIGHT, 1 + LIGHT)
    if rng.random() < OFTEN:
        view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.3, BLUR))
    if rng.random() < OFTEN:
        height, width = rng.integers(1, round(FRONT * SIDE) + 1, 2)
        y, x = rng.integers(SIDE - height + 1), rng.integers(SIDE - width + 1)
        view[y : y + height, x : x + width] = rng.uniform(0, 255, 3)
    if rng.random() < OFTEN:
        view = view + rng.normal(0, rng.uniform(0, NOISE), view.shape)
    return np.clip(np.rint(view), 0, 255).astype(np.uint8)


def views(
    rng: np.random.Generator,
    files: dict[int, list],
    view: Callable,
    recognise: Callable,
    count: int,
    most: int,
) -> dict[int, np.ndarray]:
    """What a recogniser says of ``count`` views of each file, of at most ``most`` files a class.

    view       (rng, class, file) -> what the recogniser takes, of each call another
    recognise  an array of those [n, ...] -> probabilities [n, 29]
    Returns class -> [files, count, 29] float32.
    """
    found = {}
    for event, group in sorted(files.items()):
        some = [group[i] for i in rng.permutation(len(group))[:most]]
        drawn = np.stack([view(rng, event, file) for file in some for _ in range(count)])
        found[event] = recognise(drawn).reshape(len(some), count, NAMES)
    return found


def recognised(pictures: dict, sounds: dict, split: str, seed: int) -> KeyFrames:
    """What terminals recognise in some views of the files of a split, class -> files."""
    rng, many = np.random.default_rng(seed), (VIEWS[split], MOST)
    others = sounds.get(BACKGROUND, [])

    def square(rng, _, picture: np.ndarray) -> np.ndarray:
        return picture_view(rng, picture)

    def second(rng, event: int, sound: np.ndarray) -> np.ndarray:
        return Seconds({event: [sound]}, others).draw(rng)[0]

    shown = views(rng, pictures, square, lambda some: seen(some).probabilities, *many)
    return KeyFrames(shown, views(rng, sounds, second, heard, *many))


class KeyFrames:
    """Clips composed of what recognisers say of single pictures and sounds.

    pictures, sounds  class index -> probabilities [files, views, 29] float32 of :func:`views`
    """

    def __init__(self, pictures: dict[int, np.ndarray], sounds: dict[int, np.ndarray]):
        self.pictures, self.sounds = pictures, sounds

    def batch(self, rng: np.random.Generator, clips: int, frames: int) -> tuple[Tensor, Tensor]:
        """Clips of so many frames: probabilities after fusion [B, F, 58] float32, labels [B, F, 2]
        int64, ``UNTOLD`` where nothing is seen or heard."""
        drawn = [self.clip(rng, frames) for _ in range(clips)]
        both, labels = (np.stack(each) for each in zip(*drawn, strict=True))
        both = np.concatenate(fused(*np.split(both, 2, -1)), -1)
        return torch.from_numpy(both.astype(np.float32)), torch.from_numpy(labels)

    def clip(self, rng: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """One clip before fusion: of one part or, with a cut, two, each of a picture and of a
        sound, seen and heard a little differently in each frame and second."""
        both, labels = np.zeros((frames, 2 * NAMES), np.float32), np.full((frames, 2), UNTOLD)
        cut = rng.integers(1, frames) if frames > 1 and rng.random() < CUT else frames
        second = np.cumsum(rng.random(frames) < 1 / rng.integers(1, HELD + 1))
        for part in (slice(0, cut), slice(cut, frames)):
            see, hear = self._classes(rng)
            if see != UNTOLD:
                shown = _told(rng, self.pictures, see, np.arange(frames)[part])
                both[part, :NAMES], labels[part, 0] = shown, see
            if hear != UNTOLD:
                played = _told(rng, self.sounds, hear, second[part], PAUSE)
                both[part, NAMES:] = played
                labels[part, 1] = np.where(played.any(1), hear, UNTOLD)
        return both, labels

    def _classes(self, rng: np.random.Generator) -> tuple[int, int]:
        """What is seen and what is heard in a part.  Where there are no pictures of what is heard,
        something else is seen with it."""
        meeting = rng.choice(list(MEETINGS), p=list(MEETINGS.values()))
        see, hear = int(rng.choice(list(self.pictures))), int(rng.choice(list(self.sounds)))
        if meeting == "same":
            see = hear if hear in self.pictures else BACKGROUND
        return UNTOLD if meeting == "heard" else see, UNTOLD if meeting == "seen" else hear


def _told(rng, known: dict[int, np.ndarray], event: int, moments: np.ndarray, pause=0.0):
    """[F, 29]: what is recognised of one file of the event, the same in frames of one moment; in
    some moments it is a file of anything, in others nothing."""
    file = known[event][rng.integers(len(known[event]))]
    told = np.zeros((len(moments), NAMES), np.float32)
    for moment in sorted(set(moments.tolist())):
        stray = known[int(rng.choice(list(known)))]
        source = stray[rng.integers(len(stray))] if rng.random() < STRAY else file
        view = source[rng.integers(len(source))]
        told[moments == moment] = view * (rng.random() >= pause)
    return told
