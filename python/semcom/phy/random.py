# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Counter-based random numbers: Philox4x32-10 (Salmon et al., SC'11).

A value depends only on (seed, link, frame, purpose, index), never on how work is split, so C++ and
Torch draw the same channel and any frame can be drawn again by itself.
"""

from __future__ import annotations

import math

import torch

MASK = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10

FADING = 0x100
LINE_OF_SIGHT = 0x101
CARRIER_PHASE = 0x102
DOPPLER = 0x103


def _mul_hi_lo(a: int, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    # int64 wraps modulo 2^64, and masking after the arithmetic shift recovers the unsigned high
    # word
    product = b * a
    return (product >> 32) & MASK, product & MASK


def philox(counter: torch.Tensor, key: tuple[int, int]) -> torch.Tensor:
    """Philox4x32-10 block function.

    Input
        counter: [..., 4] int64, four 32-bit words
        key: two 32-bit words
    Output
        [..., 4] int64, four uniformly distributed 32-bit words
    """
    c0, c1, c2, c3 = counter.unbind(-1)
    k0, k1 = key
    for _ in range(ROUNDS):
        hi0, lo0 = _mul_hi_lo(MULTIPLIERS[0], c0)
        hi1, lo1 = _mul_hi_lo(MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = hi1 ^ c1 ^ k0, lo1, hi0 ^ c3 ^ k1, lo0
        k0, k1 = (k0 + WEYL[0]) & MASK, (k1 + WEYL[1]) & MASK
    return torch.stack([c0, c1, c2, c3], dim=-1)


def words(count: int, *, seed: int, link: int, frame: torch.Tensor, purpose: int) -> torch.Tensor:
    """First ``count`` words of one random stream of each frame: frame [B] int64 -> [B, count]
    int64."""
    blocks = -(-count // 4)
    index = torch.arange(blocks, dtype=torch.int64, device=frame.device).expand(len(frame), blocks)
    counter = torch.stack(
        [
            index,
            (frame & MASK)[:, None].expand_as(index),
            ((frame >> 32) & MASK)[:, None].expand_as(index),
            torch.full_like(index, link * 65536 + purpose),
        ],
        dim=-1,
    )
    return philox(counter, (seed & MASK, (seed >> 32) & MASK)).flatten(1)[:, :count]


def uniform(count: int, **stream) -> torch.Tensor:
    """Uniform numbers in (0, 1]: u = ((word >> 8) + 0.5) 2^-24, rounded in float32 as in C++ -> [B,
    count]."""
    return ((words(count, **stream) >> 8).to(torch.float32) + 0.5) * 2.0**-24


def complex_normal(count: int, **stream) -> torch.Tensor:
    """Box-Muller: CN(0, 1) number n = sqrt(-ln u_2n) exp(j 2 pi u_2n+1) -> [B, count] complex64."""
    u = uniform(2 * count, **stream)
    return torch.polar(torch.sqrt(-torch.log(u[:, 0::2])), 2 * math.pi * u[:, 1::2])
