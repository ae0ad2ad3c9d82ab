# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The second stage of a medium: its generator, from a sentence to the codes of the first stage of
the codebooks (Chang et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from . import sentences
from .media import Medium
from .part import MediumPart, in_parts


class Generated(MediumPart):
    """The parts "generator" and "sound_generator": train the generator of a medium and its reader
    of words.

    net     not used; all parts of a medium are made alike
    config  options.M3ETraining of the part
    medium  the pictures or sounds

    An example is the codes of the first stage of an original, and a sentence that names its class.
    """

    betas = 0.9, 0.999

    def __init__(self, net, config, medium: Medium):
        super().__init__(config, medium)
        self.sentences = sentences.of_classes(medium.what)

    def trained(self, net) -> list:
        """The generator and its reader of words, at the full learning rate."""
        own = self.own(net)
        return [(1.0, [own.generator, own.words])]

    def loss(self, net, step: int) -> Tensor:
        """Cross entropy [nat] of masked codes (Chang et al. 2022, eq. 1), a scalar, beside a random
        sentence of each example's class."""
        originals, classes = self.drawn(step)
        rows = self.sentences[classes, torch.randint(self.sentences.shape[1], classes.shape)]
        return self._entropy(self.own(net), originals, rows)

    def _entropy(self, own, originals: Tensor, rows: Tensor) -> Tensor:
        with torch.no_grad():
            codes = own.quantiser.encode(in_parts(own.encoder, originals), 1)[..., 0]
        with self.low():
            return own.generator.loss(codes, own.words(rows))

    @torch.no_grad()
    def score(self, net) -> float:
        """Minus the cross entropy [nat] of masked codes on val; the masks are those of seed 0 at
        every call."""
        originals, classes = self.medium.held["val"]
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            return -float(self._entropy(self.own(net), originals, self.sentences[classes, 0]))

    def views(self, net, split: str):
        """One point, "text alone": what is decoded from the codes that the generator makes of one
        sentence of each example's class."""
        own, (_, classes) = self.own(net), self.medium.held[split]

        def shown(rows, told):
            return own.decode(own.generated(rows), told)

        yield "text alone", in_parts(shown, self.sentences[classes, 0], classes)
