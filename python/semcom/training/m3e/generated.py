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
    """The generator and its reader of words, on the codes of originals and sentences that name
    their class."""

    betas = 0.9, 0.999

    def __init__(self, net, config, medium: Medium):
        super().__init__(config, medium)
        self.sentences = sentences.of_classes(medium.what)

    def trained(self, net) -> list:
        own = self.own(net)
        return [(1.0, [own.generator, own.words])]

    def loss(self, net, step: int) -> Tensor:
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
        """Cross entropy [nat] of codes, less is better, with equal ones masked each time."""
        originals, classes = self.medium.held["val"]
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            return -float(self._entropy(self.own(net), originals, self.sentences[classes, 0]))

    def views(self, net, split: str):
        own, (_, classes) = self.own(net), self.medium.held[split]

        def shown(rows, told):
            return own.decode(own.generated(rows), told)

        yield "text alone", in_parts(shown, self.sentences[classes, 0], classes)
