# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The multi-frame check (Chen et al. 2024, eq. 4), on clips composed of single pictures and
sounds."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ...nets.m3e import check
from ..key_frames import KeyFrames
from ..recipes.check import LONGEST, figures, held_out
from .part import Part

CLIPS = 200  # of each length, in val and in test


class Checked(Part):
    """frames  split -> what clips are composed from"""

    betas = 0.9, 0.999

    def __init__(self, config, frames: dict[str, KeyFrames]):
        super().__init__(config)
        self.frames = frames["train"]
        self.held = {
            split: held_out(frames[split], CLIPS, config.seed) for split in ("val", "test")
        }

    def trained(self, net) -> list:
        return [(1.0, [net.check])]

    def loss(self, net, step: int) -> Tensor:
        rng = np.random.default_rng([self.config.seed, step])
        length = int(rng.integers(1, LONGEST + 1))
        both, labels = self.frames.batch(rng, self.config.batch, length)
        return check.loss(net.check(both), labels)

    def score(self, net) -> float:
        """Share of names, seen and heard, that are right."""
        return figures(net.check, self.held["val"])["after"]["right"]

    def test(self, net) -> dict:
        """The same, then every figure before and after the check."""
        found = figures(net.check, self.held["test"])
        return {"mean": found["after"]["right"], **found}
