# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Channel state information, and the packed vector in which it travels as a stream tag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class CSI:
    """What a receiver knows of the channel (all axes but the last of each are batch axes).

    h         [B, M, K] complex64, effective channel g e^(j theta) H; [B, R, M, K] if it moves
    err_var   [B, K] (or [B, R, K]) variance of the error of each entry of column k
    noise_var [B] variance of the noise at the receiver, g^2 N0
    snr       [B] linear: mean |h|^2 over the M K paths, debiased by err_var, over noise_var
    run       None, or [n] int64: which of the R matrices is valid at each payload symbol
    no_eff    None, or [B, K]: effective noise variance after a detector
    """

    h: torch.Tensor
    err_var: torch.Tensor
    noise_var: torch.Tensor
    snr: torch.Tensor
    run: torch.Tensor | None = None
    no_eff: torch.Tensor | None = None


def snr_of(h: torch.Tensor, err_var: torch.Tensor, noise_var: torch.Tensor) -> torch.Tensor:
    """max(0, mean |h|^2 - mean err_var) / noise_var of h [..., M, K]; no signal is always 0."""
    signal = (h.abs().square().mean((-2, -1)) - err_var.mean(-1)).clamp_min(0)
    return torch.where(signal > 0, signal / noise_var, torch.zeros_like(signal))


def pack(csi: CSI) -> np.ndarray:
    """The tag vector of one frame (a CSI without batch axis).

    [0] = (M, K)   [1] = (noise_var, snr)   [2, 2+K) = (err_var_k, no_eff_k)   then H row by row.
    no_eff is 0 until a detector has written it.
    """
    num_rx, num_tx = csi.h.shape
    vector = np.zeros(2 + num_tx + num_rx * num_tx, np.complex64)
    vector[0] = num_rx + 1j * num_tx
    # real and imaginary parts are set apart: inf * 1j would make a NaN of the other part
    vector.real[1], vector.imag[1] = csi.noise_var, csi.snr
    vector.real[2 : 2 + num_tx] = csi.err_var
    if csi.no_eff is not None:
        vector.imag[2 : 2 + num_tx] = csi.no_eff
    vector[2 + num_tx :] = csi.h.flatten()
    return vector


def unpack(vector: np.ndarray) -> CSI:
    """Inverse of :func:`pack`: tag vector -> CSI without batch axis."""
    vector = np.array(vector, np.complex64)
    num_rx, num_tx = (int(vector[0].real), int(vector[0].imag)) if vector.size else (0, 0)
    if num_rx < 1 or num_tx < 1 or vector.size != 2 + num_tx + num_rx * num_tx:
        raise ValueError(f"csi vector of {vector.size} items does not fit M={num_rx}, K={num_tx}")
    parts = torch.from_numpy(vector)
    streams = parts[2 : 2 + num_tx]
    return CSI(
        h=parts[2 + num_tx :].reshape(num_rx, num_tx),
        err_var=streams.real,
        noise_var=parts[1].real,
        snr=parts[1].imag,
        no_eff=streams.imag,
    )


def mean_no_eff(no_eff: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Effective noise variance [K] of a frame whose parts have ``no_eff`` [R, K] for ``spans`` [R]
    symbols: the harmonic mean.

    Harmonic, so that a part that was lost (infinite) does not hide the rest; as the detectors do
    for a channel that moves.
    """
    with np.errstate(divide="ignore"):  # 1/0 and 1/inf are what they should be
        return (1 / np.average(1 / no_eff, axis=0, weights=spans)).astype(np.float32)
