# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trains the network that recognises sounds (``nets.hearing``), only from labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...data.clipset import AVE_CLASSES
from ...nets.hearing import Hearing
from ..loop import StepRecipe
from ..options import HearingConfig
from ..small import write_network
from ..sounds import Seconds, masked

MASKS = 20, 12  # longest run of spectra, and of bands, that is left out
SMOOTHING = 0.1  # of labels


class HearingRecipe(StepRecipe):
    """Trains the network that recognises sounds.

    seconds   what training examples are drawn from
    held_out  log-mel [n, 100, 64] float32 and classes [n] int64 that are scored
    config    options.HearingConfig

    The score is the share of the held-out seconds that the running averages of the weights name
    right; what is written are the averages after the last step.
    """

    score_name = "accuracy of seconds"
    average, clip = 0.998, 1.0

    def __init__(self, seconds: Seconds, held_out: tuple, config: HearingConfig):
        self.seconds, self.held_out, self.config = seconds, held_out, config
        self.model = Hearing(len(AVE_CLASSES))

    def drawn(self, rng: np.random.Generator):
        """A batch of log-mel [B, 100, 64] float32, with a run of spectra and one of bands left out
        (:func:`~semcom.training.sounds.masked`), and classes [B] int64."""
        drawn = [self.seconds.draw(rng) for _ in range(self.config.batch)]
        spectra = np.stack([masked(rng, each, *MASKS) for each, _ in drawn])
        return torch.from_numpy(spectra), torch.tensor([event for _, event in drawn])

    def loss(self, batch, name: str) -> torch.Tensor:
        """Cross entropy [nat] of the class, a scalar; labels are smoothed by SMOOTHING."""
        spectra, events = batch
        logits = self.model(spectra)[1]
        return functional.cross_entropy(logits, events, label_smoothing=SMOOTHING)

    def score(self, kept: nn.Module) -> float:
        """Share, 0 to 1, of ``held_out`` that ``kept`` names right."""
        spectra, events = self.held_out
        return float(np.mean(named(kept, spectra) == events))

    def write(self, folder: Path, averaged: nn.Module, metrics: dict, data: str) -> Path:
        """Write the averaged weights as a checkpoint of 8 bits a weight into ``folder``; returns
        its path.  metrics, data: for its header."""
        return write_network(
            folder, self.model.name, "recogniser", AVE_CLASSES, averaged, self.config, metrics, data
        )


def named(net: Hearing, spectra: np.ndarray) -> np.ndarray:
    """Classes [n] int64 that a network names for seconds [n, 100, 64] float32."""
    net.eval()
    with torch.inference_mode():
        parts = torch.from_numpy(spectra).split(64)
        return torch.cat([net(part)[1].argmax(1) for part in parts]).numpy()
