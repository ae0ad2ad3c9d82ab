# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Channel state information, and the packed vector in which it travels as a stream tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch


@dataclass
class CSI:
    """A receiver's estimate of the channel, or the truth (B, R: batch axis, runs of symbols).

    h         [B, M, K] complex64, effective channel g e^(j theta) H; [B, R, M, K] if it varies
    err_var   [B, K] (or [B, R, K]) variance of the error of each entry of column k
    noise_var [B] variance of the noise at the receiver, g^2 N0
    snr       [B] linear: mean |h|^2 over the M K paths, debiased by err_var, over noise_var
    run       None, or [n] int64: which of the R matrices is valid at each payload symbol
    no_eff    None, or [B, K] (or [B, R, K]): effective noise variance after a detector
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


MOST_STREAMS = 8  # antennas, and transmitters
FIRST_BASE = 1 << 20  # first symbols travel in two parts, each within what float32 holds exactly


def pack(csi: CSI) -> np.ndarray:
    """The tag vector of one frame (a CSI without batch axis), in the format of lib/phy/flat/csi.h.

    [(M, K), (noise_var, snr), state of piece 0, (first_1), state of piece 1, ...], a state being
    [(err_var_k, no_eff_k) for each k, H row by row].  Piece r holds from symbol first_r on, written
    (first_r mod 2^20, first_r / 2^20), up to the next piece or the frame's end.  A constant
    channel has one piece; one that varies (``run`` is not None) one for each run.
    no_eff is 0 until a detector has written it.
    """
    num_rx, num_tx = csi.h.shape[-2:]
    width = 1 + num_tx + num_rx * num_tx
    if csi.run is None:
        rows, piece = np.zeros((1, width), np.complex64), ...
    else:
        piece, count = torch.unique_consecutive(csi.run, return_counts=True)
        rows, first = np.zeros((len(piece), width), np.complex64), (count.cumsum(0) - count).numpy()
        rows.real[:, 0], rows.imag[:, 0] = first % FIRST_BASE, first // FIRST_BASE
    # real and imaginary parts are set apart: inf * 1j would make a NaN of the other part
    rows.real[0, 0], rows.imag[0, 0] = csi.noise_var, csi.snr
    rows.real[:, 1 : 1 + num_tx] = csi.err_var[piece].numpy()
    if csi.no_eff is not None:
        rows.imag[:, 1 : 1 + num_tx] = csi.no_eff[piece].numpy()
    rows[:, 1 + num_tx :] = csi.h[piece].flatten(-2).numpy()
    return np.concatenate([np.array([num_rx + 1j * num_tx], np.complex64), rows.ravel()])


class Pieces(NamedTuple):
    """A tag vector as NumPy arrays: R pieces, each valid from symbol first_r on."""

    first: np.ndarray  # [R] int64
    h: np.ndarray  # [R, M, K]
    err_var: np.ndarray  # [R, K]
    no_eff: np.ndarray  # [R, K]
    noise_var: float
    snr: float


def read(vector: np.ndarray) -> Pieces:
    """Read a tag vector; ValueError if it has not the format of lib/phy/flat/csi.h."""
    rows, (num_rx, num_tx) = _rows(vector)
    streams, h = rows[:, 1 : 1 + num_tx], rows[:, 1 + num_tx :]
    numbers = float(rows[0, 0].real), float(rows[0, 0].imag)
    h = h.reshape(-1, num_rx, num_tx)
    return Pieces(_first(rows), h, streams.real, streams.imag, *numbers)


def _first(rows: np.ndarray) -> np.ndarray:
    """First symbols of pieces; for piece 0, noise_var and snr stand there."""
    first = np.zeros(len(rows), np.int64)
    if len(rows) == 1:
        return first
    parts = rows[1:, 0].astype(np.complex128)
    parts = parts.real, parts.imag
    if not all(((part >= 0) & (part < FIRST_BASE)).all() for part in parts):
        raise ValueError("csi vector: a piece begins at no symbol")
    first[1:] = np.floor(parts[0]) + FIRST_BASE * np.floor(parts[1])
    if (np.diff(first) <= 0).any():
        raise ValueError(f"csi vector: pieces begin at {first.tolist()}, not one after the other")
    return first


def unpack(vector: np.ndarray) -> CSI:
    """Tag vector -> CSI of its first piece, without batch axis."""
    return _state(_rows(vector)[0][:1], vector, 0)


def unpack_pieces(vector: np.ndarray) -> tuple[np.ndarray, CSI]:
    """Tag vector -> the first symbol of each of its R pieces [R] int64, and a CSI without batch
    axis: h [R, M, K], err_var [R, K], no_eff [R, K]; noise_var and snr are one number each.
    ValueError if the vector has not the format of lib/phy/flat/csi.h."""
    rows, _ = _rows(vector)
    return _first(rows), _state(rows, vector, slice(None))


def expand_no_eff(vector: np.ndarray, count: int) -> np.ndarray:
    """The noise of each of a frame's ``count`` = n symbols, [K, n] float32, from its tag vector."""
    pieces = read(vector)
    spans = np.diff(np.append(np.minimum(pieces.first, count), count))
    return np.repeat(pieces.no_eff, spans, axis=0).T


def mean_no_eff(no_eff: torch.Tensor) -> torch.Tensor:
    """Effective noise variance of a whole frame, [B, K], from that of each symbol, [B, K, n]; what
    is [B, K] already stays as it is.

    The harmonic mean, so that a part that was lost (infinite) does not hide the rest.
    """
    if no_eff.dim() == 2:
        return no_eff
    return (1 / (1 / no_eff).double().mean(-1)).to(no_eff.dtype)


def symbol_no_eff(no_eff: torch.Tensor, count: int) -> torch.Tensor:
    """Effective noise variance of each of a frame's ``count`` = n symbols, [B, K, n], from what a
    detector returned, [B, K] or [B, K, n]."""
    return no_eff if no_eff.dim() == 3 else no_eff[..., None].expand(-1, -1, count)


def _rows(vector: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """The pieces of a tag vector, [R, 1 + K + M K], and (M, K); column 0 is (noise_var, snr) in
    row 0."""
    size = vector.size
    sizes = (float(vector[0].real), float(vector[0].imag)) if size else (0.0, 0.0)
    if not all(number in range(1, MOST_STREAMS + 1) for number in sizes):
        raise ValueError(
            f"csi vector: M={sizes[0]:g}, K={sizes[1]:g}, 1 to {MOST_STREAMS} expected"
        )
    num_rx, num_tx = map(int, sizes)
    width = 1 + num_tx + num_rx * num_tx
    if size <= 1 or (size - 1) % width:
        raise ValueError(f"csi vector of {size} items does not fit M={num_rx}, K={num_tx}")
    return np.asarray(vector, np.complex64)[1:].reshape(-1, width), (num_rx, num_tx)


def _state(rows: np.ndarray, vector: np.ndarray, piece) -> CSI:
    num_rx, num_tx = int(vector[0].real), int(vector[0].imag)
    parts = torch.from_numpy(rows.copy())
    streams = parts[:, 1 : 1 + num_tx]
    return CSI(
        h=parts[:, 1 + num_tx :].unflatten(1, (num_rx, num_tx))[piece],
        err_var=streams.real[piece],
        noise_var=parts[0, 0].real,
        snr=parts[0, 0].imag,
        no_eff=streams.imag[piece],
    )
