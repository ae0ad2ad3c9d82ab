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
    """frames  what clips are composed from;  held_out  batches that tell how good it is

    The score is the share of names, seen and heard, that are right.
    """

    score_name = "share of names"
    average, clip = 0.99, 1.0

    def __init__(self, frames: KeyFrames, held_out: list, config: CheckConfig):
        self.frames, self.held_out, self.config = frames, held_out, config
        self.model = Check()

    def drawn(self, rng: np.random.Generator):
        return self.frames.batch(rng, self.config.batch, int(rng.integers(1, LONGEST + 1)))

    def loss(self, batch, name: str) -> Tensor:
        both, labels = batch
        return loss(self.model(both), labels)

    def score(self, kept: nn.Module) -> float:
        return figures(kept, self.held_out)["after"]["right"]


def held_out(frames: KeyFrames, clips: int, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Clips of 4, 8 and 16 frames, equally many of each."""
    rng = np.random.default_rng(seed)
    return [frames.batch(rng, clips, length) for length in (4, 8, 16)]


@torch.inference_mode()
def figures(net: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> dict:
    """Before and after the check: the share of names that are right, of pictures, of sounds and in
    all, and how often in a clip a name changes while what it names does not."""
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
