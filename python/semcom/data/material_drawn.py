# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sounds and pictures of ten of AVE's events, synthesised and drawn by a program.

A sound and a picture are those of their event by their shape alone: the rhythm and partials of a
sound, the outline and parts of a picture.  Pitch, rate, timbre, echo and level, and colours, size,
turn, mirroring and shading are random each time, so that neither the centroid of a spectrum nor
a mean colour can name an event.
"""

from __future__ import annotations

import numpy as np

from ..media.spectrum import RATE
from . import drawn_pictures, drawn_sounds
from .clipset import AVE_CLASSES


class DrawnMaterial:
    """Ten events; see :class:`~.material.Material`.  Another seed draws others from the same
    generators."""

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
        """One picture of the event, [height, width, 4] uint8, RGB and how opaque it is."""
        return drawn_pictures.picture(self._own(rng), AVE_CLASSES[event])

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """A cluttered background, [224, 300, 3] uint8 RGB."""
        return drawn_pictures.scene(self._own(rng))

    def hum(self, rng: np.random.Generator) -> np.ndarray:
        """A background's sound, [160000] float32, -1 to 1: its end fits its beginning."""
        return drawn_sounds.hum(self._own(rng))

    def _own(self, rng: np.random.Generator) -> np.random.Generator:
        return np.random.default_rng([self.seed, rng.integers(1 << 32)])
