# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The first stage of a medium: its VQGAN (Esser, Rombach, Ommer 2021, eqs. 4 to 7), for which Chen
et al. 2024 give eqs. (11) and (12)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...nets.m3e.networks import NAMES, UNTOLD
from .adversary import Adversary
from .media import Medium
from .part import MediumPart, in_parts

COMMITMENT = 0.25  # weight in the loss
LATE = 0.6  # of the steps, from which the discriminator counts
STAGES = (0, 1, 2, 4)  # of the codes, where it is judged; 0: not quantised


class Codebooks(MediumPart):
    """The parts "pictures" and "sounds": train encoder, codebooks and decoder of a medium against a
    discriminator.

    net     the system's networks, an M3EVSC
    config  options.M3ETraining of the part
    medium  the pictures or sounds

    The discriminator counts from LATE of the steps on.  The moving averages of the codebooks, which
    no checkpoint has, are set from the codes.
    """

    def __init__(self, net, config, medium: Medium):
        super().__init__(config, medium)
        width, first = net.config.width, int(LATE * config.steps)
        self.adversary = Adversary(width, medium.channels, medium.against[0], first)
        quantiser = self.own(net).quantiser  # weights of --init have codes but no averages
        quantiser.count.fill_(1.0)
        quantiser.sums.copy_(quantiser.books)

    def trained(self, net) -> list:
        """Encoder, decoder and the embedding of classes, at the full learning rate; the codebooks
        follow the latents by moving averages."""
        own = self.own(net)
        return [(1.0, [own.encoder, own.decoder, own.names])]

    def loss(self, net, step: int) -> Tensor:
        """The medium's loss of the decoded examples, COMMITMENT times the commitment loss of the
        quantiser, and the discriminator's part: a scalar."""
        own, (originals, classes) = self.own(net), self.drawn(step)
        told, used = self._told(classes), self._used(len(classes), own.quantiser.stages)
        with self.low():
            latents = own.encoder(originals).float()
            coded, commitment = own.quantiser(latents, used)
            taken = torch.where((used > 0)[:, None, None], coded, latents)
            decoded = self.medium.decoded(own, taken, told)
        loss = self.medium.loss(decoded, originals, classes, step, self.low())
        loss = loss + COMMITMENT * commitment
        return loss + self.fooled(own, step, originals, decoded[0], told)

    def _told(self, classes: Tensor) -> Tensor:
        """What the text is said to name: mostly what is there."""
        place, other = torch.rand(len(classes)), torch.randint(NAMES, classes.shape)
        told = torch.where(place < self.medium.untold, UNTOLD, classes)
        return torch.where(place > 1 - self.medium.wrong, other, told)

    def _used(self, count: int, stages: int) -> Tensor:
        """Stages of each example, 1 to all; 0 where it is not quantised."""
        free = torch.rand(count) < self.medium.free
        return torch.where(free, 0, torch.randint(1, stages + 1, (count,)))

    def views(self, net, split: str):
        """Decoded examples of a split, "not quantised" and from 1, 2 and 4 stages of codes ("N
        stages"), as many as there are; the decoder is told the class of each."""
        own, (originals, classes) = self.own(net), self.medium.held[split]
        latents = in_parts(own.encoder, originals)
        for stages in (some for some in STAGES if some <= own.quantiser.stages):
            told = latents
            if stages:
                told = own.quantiser.decode(own.quantiser.encode(latents, stages))
            yield (
                f"{stages} stages" if stages else "not quantised",
                in_parts(own.decode, told, classes),
            )
