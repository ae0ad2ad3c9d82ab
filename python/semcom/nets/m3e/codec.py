# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The difference between original and generated latents, and the semantic codec that sends it.

The Transformers have the layers of :mod:`semcom.nets.deepsc`.  Shapes: B frames, N tokens of
``dim`` numbers, T words, W the width of the Transformers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..deepsc import Layer
from ..layers import to_complex

USEFUL = 1e-4  # variance, relative to the largest, below which a component is not sent


def open_mask(tokens: Tensor) -> Tensor:
    """Additive attention mask [1, 1, 1, n] of zeros, for the n tokens [B, n, W]."""
    return torch.zeros(1, 1, 1, tokens.shape[1], device=tokens.device)


class Transformer(nn.Module):
    """Transformer layers over tokens [B, n, W], with a normalisation at the end."""

    def __init__(self, config, layers: int):
        super().__init__()
        self.layers = nn.ModuleList(Layer(config) for _ in range(layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        mask = open_mask(tokens) if mask is None else mask
        for layer in self.layers:
            tokens = layer(tokens, mask)
        return self.norm(tokens)


class Gate(nn.Module):
    """The gate: which part of the generated latents is subtracted from the original ones and added
    again, Theta and Gamma of Chen et al. (eqs. 15 to 17).

    Both ends compute it, so its inputs are known to both: the queries are the words, keys and
    values the generated latents.  The paper's Gamma attends with the original, which the receiver
    lacks.
    """

    def __init__(self, dim: int, width: int):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(n, width) for n in (width, dim, dim))
        self.head = nn.Sequential(nn.Linear(dim + width, width), nn.GELU(), nn.Linear(width, dim))

    def forward(self, words: Tensor, generated: Tensor) -> Tensor:
        """Words [B, T, W] and generated latents [B, N, dim] -> gate [B, N, dim] in 0 to 1."""
        mixed = attention(self.query(words), self.key(generated), self.value(generated))
        mixed = mixed.mean(1, keepdim=True).expand(-1, generated.shape[1], -1)
        return self.head(torch.cat([generated, mixed], -1)).sigmoid()


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V (eq. 17)."""
    return F.scaled_dot_product_attention(query, key, value)


def difference(original: Tensor, generated: Tensor, gate: Tensor) -> Tensor:
    """T' = T - T_s Theta, V' = V - V_s Gamma (eqs. 13, 14), elementwise."""
    return original - generated * gate


def restored(told: Tensor, generated: Tensor, gate: Tensor) -> Tensor:
    """The latents from a received difference: the inverse of :func:`difference`."""
    return told + generated * gate


class SemanticCodec(nn.Module):
    """A difference of N tokens to complex symbols and back (eqs. 5 and 8): semantic encoder C(B(x))
    and decoder, each a Transformer over the tokens behind the words of the text.

    The payload is [first symbol of each token, second symbol of each token, ...]: a frame may end
    after 1 to ``symbols`` symbols per token, and the receiver decodes those that came.

    In parallel to the Transformers there is a linear code of each token, which :meth:`start`
    initialises from its principal components, so that the Transformers learn the residual.
    """

    def __init__(self, config, dim: int, tokens: int, symbols: int, layers: int):
        super().__init__()
        self.tokens, self.symbols = tokens, symbols
        width = config.width
        self.place = nn.Parameter(torch.randn(2, tokens, width) * width**-0.5)
        self.taken = nn.Linear(dim, width)
        self.encoder = Transformer(config, layers)
        self.channel_encoder = nn.Sequential(
            nn.Linear(width + dim, width), nn.GELU(), nn.Linear(width, 2 * symbols)
        )
        self.channel_decoder = nn.Sequential(
            nn.Linear(3 * symbols, config.hidden), nn.GELU(), nn.Linear(config.hidden, width)
        )
        self.decoder = Transformer(config, layers)
        self.told = nn.Linear(width, dim)
        self.direct, self.direct_back = nn.Linear(dim, 2 * symbols), nn.Linear(3 * symbols, dim)
        for layer in (self.direct, self.direct_back):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    @property
    def started(self) -> bool:
        """Whether the linear code was initialised."""
        return bool(self.direct.weight.any())

    @torch.no_grad()
    def start(self, differences: Tensor, snrs: Tensor) -> None:
        """Initialise the linear code from differences [B, N, dim].

        Real and imaginary parts of the symbols are their principal components, the largest first
        and repeated if there are more parts, with the gains that lose least to noise (the square
        root of those that whiten); the decoder is the least-squares one at ``snrs`` [B] [dB].
        """
        flat, parts = differences.flatten(0, 1), 2 * self.symbols
        mean = flat.mean(0)
        variances, axes = torch.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
        useful = int((variances > USEFUL * variances[-1]).sum())
        order = -1 - torch.arange(parts) % useful
        gains = variances[order].rsqrt().sqrt()
        # parts 2 s and 2 s + 1 of symbol s; the real parts of all symbols stand first
        rows = (axes[:, order] * gains).T.unflatten(0, (-1, 2)).transpose(0, 1).flatten(0, 1)
        self.direct.weight.copy_(rows)
        self.direct.bias.copy_(-rows @ mean)
        for layer in (self.channel_encoder[-1], self.told):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        none = torch.zeros(len(differences), 0, self.place.shape[-1])
        symbols = self.encode(differences, none)
        noise = (10 ** (-snrs / 10))[:, None].expand(symbols.shape)
        symbols = symbols + torch.randn(symbols.shape, dtype=symbols.dtype) * noise.sqrt()
        inputs = self._inputs(symbols, noise).flatten(0, 1)
        inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], 1)
        back = torch.linalg.lstsq(inputs, flat, driver="gelsd").solution
        self.direct_back.weight.copy_(back[:-1].T)
        self.direct_back.bias.copy_(back[-1])

    def encode(self, difference: Tensor, words: Tensor, width: int | None = None) -> Tensor:
        """Difference [B, N, dim] and words [B, T, W] -> payload [B, N * width] complex64 of unit
        average power."""
        tokens = torch.cat([words, self.taken(difference) + self.place[0]], 1)
        features = self.encoder(tokens)[:, words.shape[1] :]
        reals = self.channel_encoder(torch.cat([features, difference], -1)).float()
        reals = reals + self.direct(difference).float()
        symbols = to_complex(reals).transpose(1, 2)[:, : width or self.symbols].flatten(1)
        power = torch.view_as_real(symbols).square().sum(-1).mean(1)
        return symbols * power.clamp_min(1e-12).rsqrt()[:, None]

    def decode(self, symbols: Tensor, noise: Tensor, words: Tensor) -> Tensor:
        """Payload [B, n] of any width and its noise variance [B, n] (inf: lost), words [B, T, W] ->
        difference [B, N, dim]."""
        inputs = self._inputs(symbols, noise)
        tokens = self.channel_decoder(inputs) + self.place[1]
        features = self.decoder(torch.cat([words, tokens], 1))[:, words.shape[1] :]
        return self.told(features) + self.direct_back(inputs)

    def _inputs(self, symbols: Tensor, noise: Tensor) -> Tensor:
        """The receiver's input of each token, [B, N, 3 symbols]."""
        missing = self.tokens * self.symbols - symbols.shape[1]
        symbols, noise = F.pad(symbols, (0, missing)), F.pad(noise, (0, missing), value=math.inf)
        inputs = seen(symbols, noise).unflatten(1, (self.symbols, self.tokens))
        return inputs.transpose(1, 2).flatten(2)


def seen(symbols: Tensor, noise: Tensor) -> Tensor:
    """Symbols [B, n] with noise variance [B, n] as input of a network, [B, n, 3]: real and
    imaginary part of the MMSE estimate of unit-power symbols, and the reliability of each; lost
    (noise inf) or non-finite symbols are 0."""
    finite = torch.isfinite(torch.view_as_real(symbols)).all(-1)
    known = torch.where(finite, 1 / (1 + noise), 0.0)
    clean = torch.where(known > 0, symbols, 0.0) * known
    return torch.cat([torch.view_as_real(clean), known[..., None]], -1)
