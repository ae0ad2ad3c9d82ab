# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pilot rows, one per transmitter: complex64 [K, P], orthogonal (X X^H proportional to the
identity)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from ..base.errors import SemcomError
from . import random

MOST_BOOST_DB = 300  # so that float32 holds the power of a pilot


def hadamard(num_tx: int, length: int, boost_db: float = 0.0) -> np.ndarray:
    """Rows of the smallest Sylvester-Hadamard matrix that holds ``num_tx`` of them, repeated along
    the window.

    Input
        num_tx: K transmitters;  length: P symbols, a multiple of the order;  boost_db: power above
        the payload's
    Output
        [K, P] complex64 of +-1 times 10^(boost_db/20)
    """
    return _boosted(_cover(num_tx, length), boost_db)


def zadoff_chu(num_tx: int, length: int, root: int = 1, boost_db: float = 0.0) -> np.ndarray:
    """One Zadoff-Chu sequence of length P for all transmitters, under a Hadamard cover.

    x_k[n] = c_k[n] exp(-j pi u n (n + P mod 2) / P) with gcd(u, P) = 1.  Its symbols have unit
    modulus, so the rows are as orthogonal as their covers c_k, the rows of :func:`hadamard`.  Those
    are periodic, with all their power in few spectral lines; the sequence spreads it over the band.
    """
    cover = _cover(num_tx, length)
    if math.gcd(root, length) != 1:
        raise SemcomError(
            f"Zadoff-Chu root {root}: has a factor in common with the length {length}; use root 1"
        )
    n = np.arange(length)
    sequence = np.exp(-1j * np.pi * root * n * (n + length % 2) / length)
    return _boosted(cover * sequence, boost_db)


def encoded_sine(
    num_tx: int,
    length: int,
    boost_db: float = 0.0,
    *,
    frequency: float = 103.7,
    sample_rate: float = 400.0,
    channels: int = 4,
    strides: tuple[int, ...] = (2, 4, 5),
    width: int = 16,
    seed: int = 0,
) -> np.ndarray:
    """Pilots of Yu et al. (arXiv:2412.06208, III-B2): a 10 s sinusoid through a source-channel
    encoder.

    conv k=7 to C channels; per stride S a residual unit (two k=3 convolutions) and a convolution of
    kernel 2S that doubles the channels; conv k=7 to D; GRU; dense, ReLU, dense; real pairs to
    complex.  The paper trains this encoder with the rest of the system; as a pilot only needs to be
    known, the weights here are random (``seed``) and fixed.  Every symbol is normalised to unit
    power, and repeated under a Hadamard cover that keeps the rows orthogonal.

    Input
        num_tx, length, boost_db: as in :func:`hadamard`
        frequency, sample_rate [Hz]; channels C; strides S of the blocks; width D of the last
        convolution and the GRU
    Output
        [K, P] complex64
    """
    cover = _cover(num_tx, length)
    order = 1 << (num_tx - 1).bit_length()
    time = torch.arange(int(10 * sample_rate)) / sample_rate
    features = _encode(torch.sin(2 * math.pi * frequency * time), channels, strides, width, seed)
    needed = length // order
    per_step = -(-needed // features.shape[0])
    dense = _Weights(seed + 1)
    hidden = F.relu(F.linear(features, dense((2 * width, width))))
    real = F.linear(hidden, dense((2 * per_step, 2 * width)))
    symbols = torch.complex(*real.chunk(2, dim=-1)).flatten()[:needed].numpy()
    return _boosted(np.repeat(symbols / np.abs(symbols), order) * cover, boost_db)


def _cover(num_tx: int, length: int) -> np.ndarray:
    order = 1 << (num_tx - 1).bit_length()
    if length < order or length % order:
        raise SemcomError(
            f"pilot length {length}: expected a multiple of {order} for {num_tx} transmitters"
        )
    matrix = np.ones((1, 1))
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return np.tile(matrix[:num_tx], length // order)


def _boosted(rows: np.ndarray, boost_db: float) -> np.ndarray:
    if not abs(boost_db) <= MOST_BOOST_DB:
        raise SemcomError(
            f"pilot boost: {boost_db:g} dB found, {-MOST_BOOST_DB} to {MOST_BOOST_DB} expected"
        )
    return (rows * 10 ** (boost_db / 20)).astype(np.complex64)


class _Weights:
    """Fixed random weights: each call gives a new tensor, uniform with the variance 2 / fan-in of
    ReLU layers."""

    def __init__(self, seed: int):
        self.seed, self.calls = seed, 0

    def __call__(self, shape: tuple[int, ...]) -> torch.Tensor:
        frame = torch.tensor([self.calls])
        self.calls += 1
        u = random.uniform(math.prod(shape), seed=self.seed, link=0, frame=frame, purpose=0)[0]
        return (2 * u - 1).reshape(shape) * math.sqrt(6 / math.prod(shape[1:]))


def _encode(
    wave: torch.Tensor, channels: int, strides: tuple[int, ...], width: int, seed: int
) -> torch.Tensor:
    weight = _Weights(seed)
    x = F.conv1d(wave[None, None], weight((channels, 1, 7)), padding=3)
    for stride in strides:
        inner = F.relu(F.conv1d(x, weight((channels, channels, 3)), padding=1))
        x = x + F.conv1d(inner, weight((channels, channels, 3)), padding=1)
        x = F.relu(
            F.conv1d(
                x, weight((2 * channels, channels, 2 * stride)), stride=stride, padding=stride // 2
            )
        )
        channels *= 2
    x = F.conv1d(x, weight((width, channels, 7)), padding=3)[0].T
    # built on "meta", so that PyTorch's global generator does not change
    gru = torch.nn.GRU(width, width, device="meta").to_empty(device="cpu")
    with torch.no_grad():
        for parameter in gru.parameters():
            parameter.copy_(
                weight(tuple(parameter.shape))
                if parameter.dim() > 1
                else torch.zeros_like(parameter)
            )
        return gru(x / x.abs().mean())[0]


KINDS = {"hadamard": hadamard, "zadoff_chu": zadoff_chu, "encoded_sine": encoded_sine}


def make(kind: str, num_tx: int, length: int, boost_db: float = 0.0) -> np.ndarray:
    """Rows [K, P] of the named kind with its default parameters."""
    if kind not in KINDS:
        raise SemcomError(f"pilots {kind!r}: expected one of {', '.join(KINDS)}")
    return KINDS[kind](num_tx, length, boost_db=boost_db)
