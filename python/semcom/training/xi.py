# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Calibrates the confidence of the receiver of m3e_vsc in decoded sentences, and its xi.

xi is the similarity of meaning of a decoded and the sent sentence (Chen et al. 2024, eq. 9), a
cosine of sentence embeddings.  The receiver does not have the original, so it predicts xi from the
confidence of the words; the prediction is fitted here to sentences decoded over the link.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..chain.link import TorchLink
from ..data.descriptions import PAD, text
from ..nets.m3e.text import TextCodec
from .air import carried

POINTS = tuple((channel, snr) for channel in ("awgn", "rayleigh") for snr in range(-8, 13, 2))
TEMPERATURES = tuple(0.5 + 0.05 * i for i in range(31))
ROUNDS = 200  # of the fit


def received(codec: TextCodec, rows: Tensor, channel: str, snr: float, width: int, seed: int = 0):
    """Sentences [B, LENGTH] over pilots, channel, least squares and LMMSE at 1x1 -> logits
    [B, LENGTH, V] and the noise variance [B, width]."""
    link = TorchLink(channel, "ls", "lmmse", num_rx=1, seed=seed)
    each = torch.full((len(rows),), float(snr))
    symbols, noise = carried(link, codec.encode(rows, width), each, torch.arange(len(rows)))
    return codec.decode(symbols, noise), noise


@torch.no_grad()
def calibrate(codec: TextCodec, rows: Tensor, compare: Callable | None, width: int) -> None:
    """Set the temperature of the words' chances and the layer of xi from sentences of validation.

    compare  (sentence, sentence) -> cosine of their meanings; None: xi stays as it is
    """
    heard = [received(codec, rows, *point, width) for point in POINTS]
    inside = rows != PAD
    costs = [
        sum(F.cross_entropy(logits[inside] / t, rows[inside]) for logits, _ in heard)
        for t in TEMPERATURES
    ]
    codec.temperature.fill_(TEMPERATURES[int(torch.stack(costs).argmin())])
    if compare is not None:
        _fit(codec.xi, *readings(codec, rows, compare, heard))


def readings(codec: TextCodec, rows: Tensor, compare, heard: Sequence) -> tuple[Tensor, Tensor]:
    """Signs [N, SIGNS] of what was heard of the sentences, point by point, and what xi really is,
    [N], negative cosines as 0."""
    signs, true = [], []
    for logits, noise in heard:
        told, own = codec.signs(logits, noise)
        signs.append(own)
        pairs = zip(rows.tolist(), told.tolist(), strict=True)
        true += [max(0.0, compare(text(sent), text(read))) for sent, read in pairs]
    return torch.cat(signs), torch.tensor(true)


@torch.enable_grad()
def _fit(layer: torch.nn.Linear, signs: Tensor, true: Tensor) -> None:
    """Logistic regression of what xi is."""
    torch.nn.init.zeros_(layer.weight)
    fit = torch.optim.LBFGS(layer.parameters(), max_iter=ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        fit.zero_grad()
        off = F.binary_cross_entropy_with_logits(layer(signs)[:, 0], true)
        off.backward()
        return off

    fit.step(loss)
