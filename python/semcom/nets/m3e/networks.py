# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""All networks of M3E-VSC, as one set of weights.

Pictures and sounds have the same chain with networks of their own (:class:`Modality`): latents,
latents generated from the text, the difference of both, symbols, and back.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..configs import M3EConfig
from .check import Check
from .codec import Gate, SemanticCodec, difference, restored
from .generator import Generator
from .picture import GRID, PictureDecoder, PictureEncoder
from .quantiser import ResidualQuantiser
from .sound import HEIGHTS, TIMES, SoundDecoder, SoundEncoder
from .text import TextCodec, Words

NAMES = 29  # AVE's classes; the last one is everything else
UNTOLD = NAMES  # class number of a picture or sound that the text does not describe
PAD = 0  # token of an empty text


class Modality(nn.Module):
    """A VQGAN, its generator from text, and the semantic codec of the differences.

    Text is tokens [B, LENGTH]; a row of PAD only means no text (it was lost, or not sent), and the
    difference is then the latents themselves.  ``told`` [B] int64 is the class in the text, or
    UNTOLD.
    """

    def __init__(self, config: M3EConfig, vocabulary: int, encoder, decoder, dim: int,
                 latents: int, symbols: int):  # fmt: skip
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.names = nn.Embedding(NAMES + 1, config.width)
        self.quantiser = ResidualQuantiser(dim, config.codes, config.stages)
        self.words = Words(config, vocabulary)
        self.generator = Generator(config, latents, config.codes)
        self.gate = Gate(dim, config.width)
        self.codec = SemanticCodec(config, dim, latents, symbols, config.layers)

    def decode(self, latents: Tensor, told: Tensor) -> Tensor:
        """Latents [B, N, dim] and the class in the text [B] -> pictures or spectra."""
        return self.decoder(latents, self.names(told))

    def generated(self, tokens: Tensor) -> Tensor:
        """T_s: latents [B, N, dim] generated from the text; 0 without text."""
        codes = self.generator.generate(self.words(tokens))
        return self.of_codes(codes, tokens)

    def of_codes(self, codes: Tensor, tokens: Tensor) -> Tensor:
        """The latents [B, N, dim] of generated codes [B, N]; 0 without text."""
        there = (tokens != PAD).any(1)[:, None, None]
        return self.quantiser.decode(codes[..., None]) * there

    def send(self, latents: Tensor, tokens: Tensor, generated: Tensor, width=None) -> Tensor:
        """Latents and text -> payload [B, N * width] complex64 (eqs. 13, 14 and 5)."""
        words = self.words(tokens)
        rest = difference(latents, generated, self.gate(words, generated))
        return self.codec.encode(rest, words, width)

    def receive(self, symbols: Tensor, noise: Tensor, tokens: Tensor, generated: Tensor) -> Tensor:
        """Payload [B, n], its noise variance [B, n], and the received text -> latents [B, N,
        dim]."""
        words = self.words(tokens)
        rest = self.codec.decode(symbols, noise, words)
        return restored(rest, generated, self.gate(words, generated))


class Networks(nn.Module):
    """All networks in a checkpoint of m3e_vsc."""

    def __init__(self, config: M3EConfig, vocabulary: int):
        super().__init__()
        self.config = config
        self.text = TextCodec(config, vocabulary)
        self.check = Check()
        dim = config.picture_dim
        self.pictures = Modality(
            config, vocabulary, PictureEncoder(dim), PictureDecoder(dim, config.width), dim,
            GRID**2, config.picture_symbols,
        )  # fmt: skip
        dim = config.sound_dim
        self.sounds = Modality(
            config, vocabulary, SoundEncoder(dim), SoundDecoder(dim, config.width), dim,
            TIMES * HEIGHTS, config.sound_symbols,
        )  # fmt: skip
