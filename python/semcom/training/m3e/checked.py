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
    """The part "check": trains ``net.check``.

    config  options.M3ETraining of the part
    frames  split ("train", "val", "test") -> the :class:`~semcom.training.key_frames.KeyFrames`
            from which clips are composed

    Val and test are CLIPS clips of each length of :func:`~semcom.training.recipes.check.held_out`,
    drawn once with the seed of ``config``.
    """

    betas = 0.9, 0.999

    def __init__(self, config, frames: dict[str, KeyFrames]):
        super().__init__(config)
        self.frames = frames["train"]
        self.held = {
            split: held_out(frames[split], CLIPS, config.seed) for split in ("val", "test")
        }

    def trained(self, net) -> list:
        """The check alone, at the full learning rate."""
        return [(1.0, [net.check])]

    def loss(self, net, step: int) -> Tensor:
        """Eq. (4), a scalar (``nets.m3e.check.loss``), of ``config.batch`` clips of one length,
        which is drawn from 1 to LONGEST frames."""
        rng = np.random.default_rng([self.config.seed, step])
        length = int(rng.integers(1, LONGEST + 1))
        both, labels = self.frames.batch(rng, self.config.batch, length)
        return check.loss(net.check(both), labels)

    def score(self, net) -> float:
        """Share, 0 to 1, of the names of pictures and sounds that are right after the check, on
        val."""
        return figures(net.check, self.held["val"])["after"]["right"]

    def test(self, net) -> dict:
        """On the test split: "mean", the share of names that are right after the check; "before"
        and "after", all figures of :func:`~semcom.training.recipes.check.figures` before and after
        it."""
        found = figures(net.check, self.held["test"])
        return {"mean": found["after"]["right"], **found}
