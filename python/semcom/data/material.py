# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Material: single sounds and pictures of events, which clips are composed from.

Two kinds: raw (``material_raw``: recordings and photographs of a folder) and drawn
(``material_drawn``: synthesised and drawn by a program).  ``composition`` makes clips of either.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Material(Protocol):
    """What clips are composed from; each call draws another."""

    def events(self) -> list[int]:
        """Class indices, without background."""

    def sound(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """[samples] float32, 16 kHz mono, -1 to 1."""

    def picture(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """[height, width, 4] uint8, RGB and opacity; in the size that the clip shows it."""

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """[height, width, 3] uint8 RGB, any size."""

    def hum(self, rng: np.random.Generator) -> np.ndarray:
        """[samples] float32, 16 kHz mono, any level; repeated where it is too short."""
