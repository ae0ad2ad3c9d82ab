# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Code of a number from 0 to 63, the length of the text that follows, in 16 QPSK symbols.

The code is the first-order Reed-Muller code RM(1, 5), 32 bits for 6, of distance 16: the rows of
the Hadamard matrix of order 32 and their negatives (biorthogonal signals, Proakis, Digital
Communications, section 3.2).  The decoder is maximum likelihood from soft symbols: the codeword of
largest correlation.  At a symbol SNR of 1/N0 and d^2 = 32 between codewords that are not negatives
of each other, the union bound is 62 Q(sqrt(16/N0)) + Q(sqrt(32/N0)), 2e-3 at 0 dB.
"""

from __future__ import annotations

import math

import torch

from . import pilots

BITS, SYMBOLS = 6, 16
LARGEST = (1 << BITS) - 1
SMALLEST_NOISE = 1e-6  # so that a symbol without noise has a finite weight


def encode(lengths: torch.Tensor) -> torch.Tensor:
    """Lengths [B] int64 in 0..63 -> [B, 16] complex64 of unit power; real parts carry bits 0 to
    15 of the codeword, imaginary parts the rest."""
    if lengths.numel() and not 0 <= int(lengths.min()) <= int(lengths.max()) <= LARGEST:
        raise ValueError(
            f"length {int(lengths.min())} to {int(lengths.max())}: expected 0 to {LARGEST}"
        )
    return _codewords(lengths.device)[lengths]


def decode(symbols: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Received symbols [B, 16] and their noise variances [B, 16] -> lengths [B] int64 in 0..63, and
    the probability [B] float32 of each, all lengths being equally likely before.

    Without a valid symbol the result is 0, with probability 1/64.
    """
    probability, best = likelihoods(symbols, noise).softmax(1).max(1)
    return best, probability


def likelihoods(symbols: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Log-likelihood [B, 64] of each length up to a common constant; arguments of :func:`decode`.
    For a repeated codeword, add the log-likelihoods.

    A symbol has the weight 1/noise; with infinite noise, or if it is not finite, it has none.
    """
    finite = torch.isfinite(torch.view_as_real(symbols)).all(-1)
    weight = torch.where(finite, 1 / noise.clamp_min(SMALLEST_NOISE), 0.0)
    weighted = torch.where(weight > 0, symbols, 0.0) * weight
    return 2 * (weighted @ _codewords(symbols.device).mH).real


def _codewords(device) -> torch.Tensor:
    """[64, 16] complex64: lengths 0 to 31 are rows of the Hadamard matrix, 32 to 63 their
    negatives."""
    rows = torch.from_numpy(pilots.hadamard(2 * SYMBOLS, 2 * SYMBOLS).real).to(device) / math.sqrt(
        2
    )
    rows = torch.complex(rows[:, :SYMBOLS], rows[:, SYMBOLS:])
    return torch.cat([rows, -rows])
