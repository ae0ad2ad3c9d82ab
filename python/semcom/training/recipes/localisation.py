# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trains localisers, without a radio: by each second's label (sel) or a clip's label (wsel)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...chain.link import NoRadio
from ...nets.heads import background_of
from .. import losses
from ..augment import Augment
from ..evaluate import accuracy, choose_background
from ..options import LabelledConfig
from .clips import ClipRecipe


class Localisation(ClipRecipe):
    """The loss that the network's setting names (``training.losses``); the accuracy of segments on
    validation selects, at the best score of background where training does not tell it.

    Arguments are those of :class:`~semcom.training.recipes.clips.ClipRecipe`, with an
    options.LabelledConfig.
    """

    Config = LabelledConfig

    def __init__(self, net, config: LabelledConfig, features, sets=None):
        super().__init__(net, config, features, sets)
        self.augment = Augment(self.clips, len(net.classes) - 1, config.exchange, config.mismatch)

    def loss(self, batch, name: str) -> torch.Tensor:
        """The setting's loss of a batch of augmented clips, a scalar."""
        (_, index), net = batch, self.model
        device = next(net.parameters()).device
        with as_over_a_link(len(index), device):
            audio, visual, labels = self.augment.batch(index)
        logits, extras = net(audio.to(device), visual.to(device))
        events = self.clips.events[index].to(device)
        return losses.LOSSES[net.loss](
            losses.Batch(logits, extras, labels.to(device), events, self.config.auxiliary)
        )

    def score(self, kept: torch.nn.Module) -> float:
        """Share of segments, 0 to 1, that are right on val; a constant score of background is set
        to its best value first."""
        if background_of(kept) is not None:
            return choose_background(kept, self.features["val"], [NoRadio()])
        return accuracy(kept, self.features["val"], NoRadio())

    def test(self) -> dict:
        """One figure, "error_free": share of segments, 0 to 1, that are right on the test split."""
        return {"error_free": accuracy(self.model, self.features["test"], NoRadio())}


@contextmanager
def as_over_a_link(count: int, device) -> Iterator[None]:
    """Take from Torch's generator, around drawing ``count`` clips, what drawing a link takes
    (``recipes.events``): so a seed gives again the localisers that it gave when both had one
    trainer."""
    torch.rand(2, count, device=device)  # SNRs
    torch.randint(2, (2,))  # channel and detector
    yield
    torch.rand(())  # whether the sidelink is lost
