# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The third stage of a medium: gate, difference and semantic codec over the channel (Chen et al.
2024, eqs. 5 to 8 and 13 to 17), with encoder and decoder at half the rate."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...chain.link import TorchLink
from ...nets.m3e.codec import difference
from ...nets.m3e.networks import NAMES, PAD, UNTOLD
from ..air import carried, drawn_link, drawn_snr
from . import sentences
from .adversary import AHEAD, Adversary
from .media import Medium
from .part import AT_ONCE, MediumPart, in_parts

LATENTS = 0.02  # weight of what the receiver's latents are off
COMMITMENT = 0.02  # weight
BEGUN = 0.5  # share of the learning rate of networks that have learnt before
SNRS = (-5.0, 0.0, 8.0)  # [dB] at which it is judged
EXAMPLES, BEGINS = 384, (-4.0, 18.0)  # that the linear code is made of, SNRs [dB] that it is for


@dataclass
class Said:
    """The texts of a batch of B examples.

    sent        tokens [B, LENGTH] int64 as they were sent; PAD alone: no text
    sent_codes  generated codes [B, N] int64 of the text that was sent
    read        tokens [B, LENGTH] int64 as the receiver reads them; PAD alone: no text
    read_codes  generated codes [B, N] int64 of the text as it is read
    told        class [B] int64 in the text as it is read; UNTOLD without text
    coded       bool [B]: whether an example is decoded from its codes instead of its symbols
    """

    sent: Tensor
    sent_codes: Tensor
    read: Tensor
    read_codes: Tensor
    told: Tensor
    coded: Tensor


class Differences(MediumPart):
    """The parts "link" and "sound_link": train gate, semantic codec, encoder and decoder of a
    medium over a simulated link, against a discriminator.

    net     the system's networks, an M3EVSC
    config  options.M3ETraining of the part
    medium  the pictures or sounds

    The generator, its reader of words and the codebooks do not change.  A codec that has no linear
    code yet gets one from EXAMPLES training examples, for SNRs in BEGINS.
    """

    against_rate = 0.2

    def __init__(self, net, config, medium: Medium):
        super().__init__(config, medium)
        width = net.config.width
        self.adversary = Adversary(width, medium.channels, medium.against[1], AHEAD)
        self.sentences, own = sentences.of_classes(medium.what), self.own(net)
        with torch.no_grad():
            codes = [own.generator.generate(own.words(rows)) for rows in self.sentences]
        self.codes = torch.stack(codes)
        if not own.codec.started:
            self._start(own)

    @torch.no_grad()
    def _start(self, own) -> None:
        """Let the semantic codec begin with a linear one, of some training examples."""
        originals, classes = self.medium.batch(self.config.seed, 0, EXAMPLES)
        rows = self.sentences[classes, 0]
        rows[:: EXAMPLES // 64] = PAD  # some without text
        generated = own.of_codes(self.codes[classes, 0], rows)
        latents = torch.cat([own.encoder(part) for part in originals.split(AT_ONCE)])
        rest = difference(latents, generated, own.gate(own.words(rows), generated))
        own.codec.start(rest, torch.linspace(*BEGINS, EXAMPLES))

    def trained(self, net) -> list:
        """Semantic codec and gate at the full learning rate; encoder, decoder and the embedding of
        classes at BEGUN of it."""
        own = self.own(net)
        return [(1.0, [own.codec, own.gate]), (BEGUN, [own.encoder, own.decoder, own.names])]

    def loss(self, net, step: int) -> Tensor:
        """The medium's loss of the examples as they are decoded behind the link, LATENTS times the
        mean square error of the received latents, COMMITMENT times the distance of latents and
        codes, and the discriminator's part: a scalar."""
        own, (originals, classes) = self.own(net), self.drawn(step)
        said = self._said(classes)
        with self.low():
            latents = own.encoder(originals).float()
            received = self._sent(own, latents, said, step).float()
            received, commitment = self._some_coded(own, latents, received, said.coded, step)
            decoded = self.medium.decoded(own, received, said.told)
        loss = self.medium.loss(decoded, originals, classes, step, self.low())
        loss = loss + LATENTS * (received - latents.detach()).square().mean()
        loss = loss + COMMITMENT * commitment
        return loss + self.fooled(own, step, originals, decoded[0], said.told)

    def _said(self, classes: Tensor) -> Said:
        """Some are sent without text; of some it fails, or is another class's."""
        medium, place = self.medium, torch.rand(len(classes))
        which, other = (
            torch.randint(count, classes.shape) for count in (self.sentences.shape[1], NAMES)
        )
        silent = place < medium.silent
        lost = place < medium.silent + medium.failed
        mistaken = ~lost & (place < medium.silent + medium.failed + medium.mistaken)
        heard = torch.where(mistaken, other, classes)
        return Said(
            torch.where(silent[:, None], PAD, self.sentences[classes, which]),
            self.codes[classes, which],
            torch.where(lost[:, None], PAD, self.sentences[heard, which]),
            self.codes[heard, which],
            torch.where(lost, UNTOLD, heard),
            place > 1 - medium.coded,
        )

    def _sent(self, own, latents: Tensor, said: Said, step: int) -> Tensor:
        """Latents as they are received over a link that is drawn."""
        widths = self.medium.widths
        width = min(widths[int(torch.randint(len(widths), ()))], own.codec.symbols)
        payload = own.send(latents, said.sent, own.of_codes(said.sent_codes, said.sent), width)
        count = len(latents)
        snr = drawn_snr(self.config, count, self.medium.wide)
        frame = step * self.config.batch + torch.arange(count)  # never repeats
        symbols, noise = carried(drawn_link(self.config), payload, snr, frame)
        return own.receive(symbols, noise, said.read, own.of_codes(said.read_codes, said.read))

    def _some_coded(self, own, latents, received, coded, step: int) -> tuple[Tensor, Tensor]:
        """Some examples by their codes instead, so that encoder and decoder stay those of the
        codebooks; and the commitment loss of these."""
        if not coded.any():
            return received, received.new_zeros(())
        some, received = latents[coded], received.clone()
        codes = own.quantiser.encode(some.detach(), 1 + step % own.quantiser.stages)
        by_codes = own.quantiser.decode(codes)
        received[coded] = some + (by_codes - some).detach()
        return received, (some - by_codes).square().mean()

    def views(self, net, split: str):
        """Decoded examples of a split behind an AWGN link with LS, LMMSE and one antenna, at each
        of SNRS ("N dB"), with a text that the receiver reads correctly and all symbols per
        latent."""
        own, (originals, classes) = self.own(net), self.medium.held[split]
        link = TorchLink("awgn", "ls", "lmmse", num_rx=1, seed=0)
        for snr in SNRS:

            def shown(original, told, frame, snr=snr):
                rows = self.sentences[told, 0]
                generated = own.of_codes(self.codes[told, 0], rows)
                payload = own.send(own.encoder(original), rows, generated)
                came = carried(link, payload, torch.full(frame.shape, snr), frame)
                return own.decode(own.receive(*came, rows, generated), told)

            yield f"{snr:g} dB", in_parts(shown, originals, classes, torch.arange(len(classes)))
