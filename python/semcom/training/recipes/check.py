# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The multi-frame check (``nets.m3e.check``), on clips composed of single pictures and sounds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...nets.m3e.check import UNTOLD, Check, loss
from ..key_frames import KeyFrames
from ..loop import StepRecipe
from ..options import CheckConfig

LONGEST = 24  # frames of a clip


class CheckRecipe(StepRecipe):
    """Trains the multi-frame check alone.

    frames    what clips are composed from
    held_out  batches of :func:`held_out` that are scored
    config    options.CheckConfig

    The score is the share of names, seen and heard, that are right.
    """

    score_name = "share of names"
    average, clip = 0.99, 1.0

    def __init__(self, frames: KeyFrames, held_out: list, config: CheckConfig):
        self.frames, self.held_out, self.config = frames, held_out, config
        self.model = Check()

    def drawn(self, rng: np.random.Generator):
        """A batch of clips of one length, 1 to LONGEST frames: probabilities [batch, F, 58] float32
        and labels [batch, F, 2] int64."""
        return self.frames.batch(rng, self.config.batch, int(rng.integers(1, LONGEST + 1)))

    def loss(self, batch, name: str) -> Tensor:
        """Eq. (4) of a batch, a scalar (``nets.m3e.check.loss``)."""
        both, labels = batch
        return loss(self.model(both), labels)

    def score(self, kept: nn.Module) -> float:
        """Share, 0 to 1, of the names in ``held_out`` that are right after the check."""
        return figures(kept, self.held_out)["after"]["right"]


def held_out(frames: KeyFrames, clips: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Batches of ``clips`` clips each, of 4, 8 and 16 frames: probabilities [clips, F, 58] float32
    and labels [clips, F, 2] int64."""
    rng = np.random.default_rng(seed)
    return [frames.batch(rng, clips, length) for length in (4, 8, 16)]


@torch.inference_mode()
def figures(net: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> dict:
    """Figures before and after the check, each {"pictures", "sounds", "right", "flips"}.

    batches  result of :func:`held_out`

    The first three are shares, 0 to 1, of the names that are right: of pictures, of sounds, of
    both. "flips" is how often in a clip, in the mean, a name changes between frames whose label
    stays.
    """
    net.eval()
    said = {
        "before": [torch.stack(both.chunk(2, -1), 2).argmax(-1) for both, _ in batches],
        "after": [torch.stack(net(both), 2).argmax(-1) for both, _ in batches],
    }
    labels = [own for _, own in batches]
    return {when: _figures(names, labels) for when, names in said.items()}


def _figures(names: list[Tensor], labels: list[Tensor]) -> dict[str, float]:
    right, told, flips = [], [], 0
    for said, own in zip(names, labels, strict=True):
        right.append((said == own).flatten(0, 1))
        told.append((own != UNTOLD).flatten(0, 1))
        stays = (own[:, 1:] == own[:, :-1]) & (own[:, 1:] != UNTOLD)
        flips += int(((said[:, 1:] != said[:, :-1]) & stays).sum())
    right, told = torch.cat(right), torch.cat(told)
    share = [right[told[:, k], k].float().mean().item() for k in range(2)]
    clips = sum(len(own) for own in labels)
    names_right = right[told].float().mean().item()
    return {"pictures": share[0], "sounds": share[1], "right": names_right, "flips": flips / clips}
