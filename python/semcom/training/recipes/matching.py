# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trains a localiser for cross-modal localisation (setting cml), see ``training.matching``."""

from __future__ import annotations

import numpy as np
import torch

from .. import losses
from ..matching import MODES, accuracy, distances
from .clips import ClipRecipe


class Matching(ClipRecipe):
    """Eq. (5) of Xue et al. (TMM 2021), streams weighed by lambda_c; the mean of both directions on
    validation, co-attention recomputed, selects."""

    def loss(self, batch, name: str) -> torch.Tensor:
        """Eq. (5), a scalar: the contrastive loss of each stream, times the stream's weight."""
        (_, index), net = batch, self.model
        audio, visual = self.clips.batch(index, net).values()
        happens = (self.clips.labels[index] != len(net.classes) - 1).to(audio.device)
        embedded = net.match(audio, visual)
        each = [losses.contrastive(d, happens) for d in distances(embedded)]
        return sum(w * loss for w, loss in zip(net.weights, each, strict=True))

    @classmethod
    def taken_over(cls, first, net) -> dict:
        """All but the heads, which matching has of its own."""
        wanted = net.state_dict()
        return wanted | {k: v for k, v in first.state_dict().items() if k in wanted}

    def score(self, kept: torch.nn.Module) -> float:
        """Share, 0 to 1, of clips of val whose event is found at its exact start, the mean of both
        directions."""
        return sum(accuracy(kept, self.features["val"], mode) for mode in MODES) / len(MODES)

    def test(self) -> dict:
        """One figure, "error_free": that share on the test split, the mean of both directions."""
        net, clips = self.model, self.features["test"]
        return {"error_free": np.mean([accuracy(net, clips, mode) for mode in MODES])}
