# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Material: single sounds and pictures of events, from which clips are composed.

Two kinds: raw (``material_raw``: recordings and photographs of a folder) and drawn
(``material_drawn``: synthesised and drawn by a program).  ``composition`` makes clips of either.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Material(Protocol):
    """The source of sounds and pictures for clips; each call draws another one."""

    def events(self) -> list[int]:
        """Class indices, without background."""

    def sound(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """[samples] float32, 16 kHz mono, -1 to 1."""

    def picture(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """[height, width, 4] uint8, RGB and opacity, in its size in the clip."""

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """[height, width, 3] uint8 RGB, any size."""

    def hum(self, rng: np.random.Generator) -> np.ndarray:
        """[samples] float32, 16 kHz mono, of any level; it is repeated if it is too short."""
