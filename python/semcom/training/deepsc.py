# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Parts of the training of ``deepsc`` (``recipes.text``): sentences as tokens, the link, the cross
entropy of tokens, calibration of the receiver's confidence."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn import functional as F

from ..chain.link import TorchLink
from ..data.text import Sentences
from ..nets.deepsc import DeepSC, parts, valid
from ..nets.vocabulary import Vocabulary
from .air import carried

TEMPERATURES = tuple(round(0.5 + 0.05 * i, 2) for i in range(21))
POOL = 64  # batches that are sorted by length together
VALIDATION = tuple((channel, snr) for channel in ("awgn", "rayleigh") for snr in (-3.0, 0.0, 6.0))


class Tokens:
    """Sentences as tokens; a long one is several, see :func:`semcom.nets.deepsc.parts`."""

    def __init__(self, sentences: Sentences, vocabulary: Vocabulary, limit: int | None = None):
        cut = [
            part for sentence in sentences[:limit] for part in parts(vocabulary.encode(sentence))
        ]
        rows = [part for part in cut if part]
        self.lengths = torch.tensor([len(row) for row in rows])
        self.flat = torch.tensor([number for row in rows for number in row])
        self.starts = self.lengths.cumsum(0) - self.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """tokens [B, T] int64, zero beyond each length, and lengths [B]."""
        lengths = self.lengths[index]
        inside = valid(lengths, int(lengths.max()))
        place = self.starts[index, None] + torch.arange(inside.shape[1])
        return self.flat[place.where(inside, 0)].where(inside, 0), lengths


def batches(tokens: Tokens, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Indices of one pass in random order, sentences of like length together, at most ``size``
    tokens with padding."""
    order = torch.randperm(len(tokens), generator=generator)
    pool = POOL * max(1, size // max(1, int(tokens.lengths.float().mean())))
    for some in order.split(pool):
        some = some[tokens.lengths[some].argsort(stable=True)]
        made, start = [], 0
        for end in range(1, len(some) + 1):
            full = end == len(some)
            if full or (end + 1 - start) * int(tokens.lengths[some[end]]) > size:
                made.append(some[start:end])
                start = end
        for number in torch.randperm(len(made), generator=generator).tolist():
            yield made[number]


def send(net: DeepSC, link: TorchLink, tokens, lengths, snr_db, frame):
    """Payload through pilots, channel, estimation and detection at 1x1 -> symbols [B, n] and
    their noise variance [B, n]."""
    return carried(link, net.encode(tokens, lengths), snr_db, frame)


def lose(noise: torch.Tensor, lengths, share: float, generator) -> torch.Tensor:
    """Noise variances [B, n] with a run of up to half the payload, at any place, at infinity in a
    ``share`` of the rows: what a lost fragment looks like."""
    count = noise.shape[1]
    draw = torch.rand(3, len(noise), 1, generator=generator)
    sent = (lengths * (count // int(lengths.max())))[:, None]
    size = draw[0] * sent / 2 * (draw[1] < share)
    start = draw[2] * (sent - size)
    place = torch.arange(count)
    return noise.masked_fill((place >= start) & (place < start + size), math.inf)


class TiedCrossEntropy(torch.autograd.Function):
    """Mean cross entropy [nat] of ``features @ weight.T + bias``, features [N, d], weight [V, d],
    bias [V], target [N] int64.

    Equal to ``F.cross_entropy`` of the logits, without ever holding N x V of them: the gradient is
    computed chunk by chunk with the loss.  For a vocabulary of ten thousand words this saves half
    of a step's time.
    """

    CHUNK = 512

    @staticmethod
    def forward(ctx, features, weight, bias, target, dtype):
        wide, small = weight.to(dtype), features.to(dtype)
        total = features.new_zeros((), dtype=torch.float32)
        by_features, by_weight = torch.empty_like(small), torch.zeros_like(weight)
        by_bias = torch.zeros_like(bias)
        for some in torch.arange(len(target)).split(TiedCrossEntropy.CHUNK):
            part = slice(int(some[0]), int(some[-1]) + 1)
            share = (small[part] @ wide.T).float().add_(bias)
            total += F.nll_loss(share.sub_(share.logsumexp(1, True)), target[part], reduction="sum")
            share.exp_()[some - some[0], target[part]] -= 1
            by_bias += share.sum(0)
            share = share.to(dtype)
            by_features[part] = share @ wide
            by_weight += share.T @ small[part]
        ctx.save_for_backward(by_features, by_weight, by_bias)
        ctx.count = len(target)
        return total / ctx.count

    @staticmethod
    def backward(ctx, grad):
        features, weight, bias = (g * (grad / ctx.count) for g in ctx.saved_tensors)
        return features.float(), weight, bias, None, None


def loss(net: DeepSC, symbols, noise, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Cross entropy [nat], mean over the tokens of a batch, of received symbols."""
    inside = valid(lengths, tokens.shape[1])
    features = net.features(symbols, noise, lengths)[inside].float()
    dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
    with torch.autocast("cpu", enabled=False):
        return TiedCrossEntropy.apply(
            features, net.embedding.weight, net.bias, tokens[inside], dtype
        )


def received(net: DeepSC, tokens: Tokens, channel: str, snr: float, batch: int = 256):
    """What the receiver makes of all sentences at one SNR [dB]; yields a batch's tokens and logits
    within the sentences, [N] and [N, V]."""
    link = TorchLink(channel, "ls", "lmmse", num_rx=1, seed=0)
    for index in torch.arange(len(tokens)).split(batch):
        numbers, lengths = tokens.batch(index)
        inside = valid(lengths, numbers.shape[1])
        symbols = send(net, link, numbers, lengths, torch.full((len(index),), snr), index)
        yield numbers[inside], net.decode(*symbols, lengths)[inside]


@torch.no_grad()
def validate(net: DeepSC, tokens: Tokens) -> dict[str, float]:
    """Share of tokens that are right, per ``channel@snr`` of VALIDATION, and their mean."""
    right = {}
    for channel, snr in VALIDATION:
        found = [logits.argmax(-1) == n for n, logits in received(net, tokens, channel, snr)]
        right[f"{channel}@{snr:g}"] = float(torch.cat(found).double().mean())
    right["mean"] = sum(right.values()) / len(right)
    return right


@torch.no_grad()
def calibrate(net: DeepSC, tokens: Tokens) -> float:
    """Set the temperature of the receiver's confidence to the one of TEMPERATURES that has the
    least cross entropy over VALIDATION; returns it."""
    total = torch.zeros(len(TEMPERATURES), dtype=torch.float64)
    for channel, snr in VALIDATION:
        for numbers, logits in received(net, tokens, channel, snr):
            for place, temperature in enumerate(TEMPERATURES):
                total[place] += F.cross_entropy(logits / temperature, numbers, reduction="sum")
    net.temperature.fill_(TEMPERATURES[int(total.argmin())])
    return float(net.temperature)
