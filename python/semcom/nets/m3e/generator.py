# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Generates the latents of a picture or sound from text: a Transformer over the codes of the
VQGAN's first stage, which fills masked codes in few passes (Chang et al., MaskGIT, CVPR 2022).

Both ends generate, so the result depends only on the words: in each pass the most likely codes are
kept, and ties are resolved by position.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .codec import Transformer

PASSES = 4


class Generator(nn.Module):
    """The generator from words to codes.

    config  sizes of the Transformer
    tokens  number N of codes of a picture or second of sound
    codes   number of codes in the codebook
    """

    def __init__(self, config, tokens: int, codes: int):
        super().__init__()
        self.tokens, self.masked = tokens, codes
        self.embedding = nn.Embedding(codes + 1, config.width)  # the last one: masked
        self.place = nn.Parameter(torch.randn(tokens, config.width) * config.width**-0.5)
        self.transformer = Transformer(config, config.layers)
        self.logits = nn.Linear(config.width, codes)

    def forward(self, codes: Tensor, words: Tensor) -> Tensor:
        """Codes [B, N] int64, some of them ``masked``, and words [B, T, W] -> logits
        [B, N, codes]."""
        tokens = torch.cat([words, self.embedding(codes) + self.place], 1)
        return self.logits(self.transformer(tokens)[:, words.shape[1] :])

    @torch.no_grad()
    def generate(self, words: Tensor) -> Tensor:
        """Words [B, T, W] -> codes [B, N]."""
        codes = torch.full((len(words), self.tokens), self.masked, device=words.device)
        for number in range(1, PASSES + 1):
            chance, best = self(codes, words).softmax(-1).max(-1)
            known = codes != self.masked
            chance, best = torch.where(known, 2.0, chance), torch.where(known, codes, best)
            kept = self.tokens - int(self.tokens * math.cos(math.pi / 2 * number / PASSES))
            order = chance.argsort(dim=1, descending=True, stable=True)[:, :kept]
            codes = codes.scatter(1, order, best.gather(1, order))
        return codes

    def loss(self, codes: Tensor, words: Tensor) -> Tensor:
        """Cross entropy of codes [B, N] with a random share masked, by Torch's random generator
        (Chang et al. 2022, eq. 1)."""
        share = torch.cos(math.pi / 2 * torch.rand(len(codes), 1, device=codes.device))
        masked = torch.rand(codes.shape, device=codes.device) < share
        masked[:, 0] |= ~masked.any(1)
        logits = self(torch.where(masked, self.masked, codes), words)
        return nn.functional.cross_entropy(logits[masked].float(), codes[masked])
