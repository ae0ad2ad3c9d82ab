# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The text of a GOP: its features for the other networks, and its channel symbols (Chen et al.
2024, eqs. 5, 8, 18 to 21).

Sentences are tokens [B, LENGTH] int64: [CLS], words, [SEP] and padding.  The receiver decodes the
end of the sentence from the symbols and needs no length.  All tokens are sent, not only the pooled
[CLS] of eq. (20), which is a bottleneck; and all are decoded at once with context on both sides,
while eq. (21) decodes word by word.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..layers import to_complex
from .codec import Transformer, seen

LENGTH = 18  # tokens of a sentence with [CLS], [SEP] and padding
SIGNS = 4  # features of confidence from which xi is computed
CLS = 1  # token that every sentence begins with
CARRIED = 32  # features of a token between the symbols and the receiver's Transformer


class Words(nn.Module):
    """Tokens [B, LENGTH] -> features [B, LENGTH, W] of the words in context."""

    def __init__(self, config, vocabulary: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.width)
        self.place = nn.Parameter(torch.randn(LENGTH, config.width) * config.width**-0.5)
        self.transformer = Transformer(config, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.transformer(self.embedding(tokens) + self.place)


class TextCodec(nn.Module):
    """Encodes sentences as at most ``symbols`` complex symbols and decodes them; a frame may end
    after any number of them, and the receiver decodes those that came."""

    def __init__(self, config, vocabulary: int):
        super().__init__()
        self.symbols, width = config.text_symbols, config.width
        self.embedding = nn.Embedding(vocabulary, width)
        self.place = nn.Parameter(torch.randn(2, LENGTH, width) * width**-0.5)
        self.encoder = Transformer(config, config.layers)
        self.carry = nn.Linear(width, CARRIED)
        self.channel_encoder = nn.Sequential(
            nn.Linear(LENGTH * CARRIED, 512), nn.GELU(), nn.Linear(512, 2 * self.symbols)
        )
        self.channel_decoder = nn.Sequential(
            nn.Linear(3 * self.symbols, 512), nn.GELU(), nn.Linear(512, LENGTH * CARRIED)
        )
        self.fetch = nn.Linear(CARRIED, width)
        self.decoder = Transformer(config, config.layers)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.register_buffer("temperature", torch.ones(()))  # of the probabilities of its words
        self.xi = nn.Linear(SIGNS, 1)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def encode(self, tokens: Tensor, width: int | None = None) -> Tensor:
        """tokens [B, LENGTH] -> the first ``width`` symbols [B, width] complex64, of unit average
        power."""
        taken = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim)
        features = self.encoder(taken + self.place[0])
        reals = self.channel_encoder(self.carry(features).flatten(1)).float()
        symbols = to_complex(reals)[:, : width or self.symbols]
        power = torch.view_as_real(symbols).square().sum(-1).mean(1)
        return symbols * power.clamp_min(1e-12).rsqrt()[:, None]

    def decode(self, symbols: Tensor, noise: Tensor) -> Tensor:
        """Symbols [B, n] and their noise variance [B, n] (inf: lost) -> logits [B, LENGTH, V]."""
        missing = self.symbols - symbols.shape[1]
        symbols, noise = F.pad(symbols, (0, missing)), F.pad(noise, (0, missing), value=math.inf)
        inputs = seen(symbols, noise).flatten(1)
        carried = self.channel_decoder(inputs).unflatten(1, (LENGTH, CARRIED))
        features = self.decoder(self.fetch(carried) + self.place[1])
        return F.linear(features, self.embedding.weight, self.bias)

    def judged(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [B, LENGTH, V] and the noise variance [B, n] of their symbols -> tokens [B,
        LENGTH], the probability [B] that all are correct, and xi [B]: the similarity of meaning
        (eq. 9) to the sent sentence, 0 to 1, as the receiver expects it."""
        tokens, signs = self.signs(logits, noise)
        return tokens, signs[:, 0].exp(), self.xi(signs).sigmoid()[:, 0]

    def signs(self, logits: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The most likely tokens [B, LENGTH], and features of their confidence [B, SIGNS]:
        logarithms of the probability of all, of the worst one, their mean; the reliability of the
        symbols."""
        logits = logits.float().clone()
        # Every sentence begins with it.
        logits[:, 0] = F.one_hot(torch.tensor(CLS), logits.shape[-1]) * 100.0
        best, tokens = (logits / self.temperature).log_softmax(-1).max(-1)
        known = (1 / (1 + noise)).mean(1)
        signs = torch.stack([best.sum(1), best.amin(1), best.mean(1), known], 1)
        return tokens, signs.clamp(-20, 1)
