# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sounds and pictures of ten of AVE's events, synthesised and drawn by a program.

Only the shape of a sound or picture depends on the event: the rhythm and partials of a sound, the
outline and parts of a picture.  Pitch, rate, timbre, echo and level, and colours, size, rotation,
mirroring and shading are random each time, so that neither the centroid of a spectrum nor a mean
colour identifies an event.
"""

from __future__ import annotations

import numpy as np

from ..media.spectrum import RATE
from . import drawn_pictures, drawn_sounds
from .clipset import AVE_CLASSES


class DrawnMaterial:
    """Sounds and pictures of ten events; see :class:`~.material.Material`.

    seed  another seed gives other sounds and pictures from the same random generators
    """

    def __init__(self, seed: int = 0):
        self.seed = seed

    def events(self) -> list[int]:
        """Indices in AVE_CLASSES."""
        return sorted(AVE_CLASSES.index(name) for name in drawn_sounds.SOUNDS)

    def sound(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One sound of the event, [samples] float32, 16 kHz, -1 to 1, 1 to 4 s."""
        rng = self._own(rng)
        make = drawn_sounds.SOUNDS[AVE_CLASSES[event]]
        return drawn_sounds.finished(rng, make(rng, int(rng.uniform(1, 4) * RATE)))

    def picture(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One picture of the event, [height, width, 4] uint8, RGB and opacity."""
        return drawn_pictures.picture(self._own(rng), AVE_CLASSES[event])

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """A cluttered background, [224, 300, 3] uint8 RGB."""
        return drawn_pictures.scene(self._own(rng))

    def hum(self, rng: np.random.Generator) -> np.ndarray:
        """A background's sound, [160000] float32, -1 to 1, which can be repeated without a step."""
        return drawn_sounds.hum(self._own(rng))

    def _own(self, rng: np.random.Generator) -> np.random.Generator:
        return np.random.default_rng([self.seed, rng.integers(1 << 32)])
