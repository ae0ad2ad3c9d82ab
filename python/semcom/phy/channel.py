# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The simulated MIMO channel: Y = g e^(j theta) (H X + N)."""

from __future__ import annotations

import math

import torch

from . import random
from .csi import CSI, snr_of
from .names import CHANNELS as MODELS

UPLINK, SIDELINK, RETURN = 0, 1, 64  # numbers of links in the random draws; sidelink i has 1 + i
"""Link numbers: the channels of one seed draw independently."""
RUN = 8
"""Symbols over which H is held constant under Doppler, counted from the frame's first symbol."""
REPEAT_SLOTS = 1 << 16
"""Frames from one attempt at a frame to the next under Doppler: far apart in time."""

_PATHS = 16


def mimo_channel(
    x: torch.Tensor,
    *,
    model: str,
    snr_db: float | torch.Tensor,
    frame: torch.Tensor,
    num_rx: int | None = None,
    seed: int = 0,
    link: int = 0,
    rician_k: float = 4.0,
    doppler: float = 0.0,
    gain_db: float = 0.0,
) -> tuple[torch.Tensor, CSI]:
    """Send one frame per batch element through the channel.

    ``none``: Y = X.  ``awgn``: H = eye(M, K).  ``rayleigh``: entries CN(0, 1).  ``rician``:
    sqrt(k/(k+1)) e^(j phi) + sqrt(1/(k+1)) CN(0, 1) with phi of its own for each entry;
    ``rician_rank1``: one phi for all.  theta is uniform and new in each frame.  With doppler > 0
    the CN(0, 1) part follows Jakes' sum of 16 sinusoids over absolute time.

    Input
        x: [B, K, L] complex64, unit average power per stream
        snr_db: N0 = 10^(-snr_db/10); a number or [B]
        frame: [B] int64, the frame numbers that key the randomness (with seed and link)
        num_rx: antennas M, default K
        rician_k: ratio of line-of-sight to scattered power, linear
        doppler: maximum Doppler shift in cycles per symbol
        gain_db: g, scales signal and noise alike
    Output
        y: [B, M, L] complex64, differentiable with respect to x
        csi: the truth (err_var 0); h [B, M, K], or [B, R, M, K] with ``run`` [L] under Doppler
    """
    if model not in MODELS:
        raise ValueError(f"channel model {model!r}: expected one of {', '.join(MODELS)}")
    batch, num_tx, length = x.shape
    num_rx = num_tx if num_rx is None else num_rx
    if model == "none":
        return _no_channel(x, num_rx)
    stream = {"seed": seed, "link": link, "frame": frame}
    snr = torch.as_tensor(snr_db, dtype=torch.float32, device=x.device).expand(batch)
    gain = 10 ** (gain_db / 20)
    theta = 2 * math.pi * random.uniform(1, purpose=random.CARRIER_PHASE, **stream)
    front_end = torch.polar(torch.full_like(theta, gain), theta)[..., None]

    h, run = _fading(model, (num_rx, num_tx), length, stream, rician_k, doppler)
    h = front_end * h if run is None else front_end[:, None] * h
    n0 = 10 ** (-snr / 10)
    noise = torch.stack(
        [random.complex_normal(length, purpose=m, **stream) for m in range(num_rx)], dim=1
    )
    signal = h @ x if run is None else torch.einsum("blmk,bkl->bml", h[:, run], x)
    y = signal + front_end * n0.sqrt()[:, None, None] * noise

    return y, _truth(h, gain**2 * n0, run)


def _truth(h: torch.Tensor, noise_var: torch.Tensor, run: torch.Tensor | None) -> CSI:
    err_var = torch.zeros(*h.shape[:-2], h.shape[-1], device=h.device)
    paths = h.flatten(1, -2)  # of all runs
    snr = snr_of(paths, torch.zeros_like(paths[:, 0].real), noise_var)
    return CSI(h, err_var, noise_var, snr, run)


def _no_channel(x: torch.Tensor, num_rx: int) -> tuple[torch.Tensor, CSI]:
    batch, num_tx, _ = x.shape
    if num_rx != num_tx:
        raise ValueError(
            f"channel model 'none' has no mixing: num_rx {num_rx} must equal num_tx {num_tx}"
        )
    zeros = torch.zeros(batch, num_tx, device=x.device)
    h = torch.eye(num_tx, dtype=torch.complex64, device=x.device).expand(batch, -1, -1)
    return x, CSI(h, zeros, zeros[:, 0], torch.full_like(zeros[:, 0], math.inf))


def _fading(model, shape, length, stream, rician_k, doppler):
    """H of each frame: ([B, M, K], None), or ([B, R, M, K], run of each symbol) if it varies."""
    num_rx, num_tx = shape
    frame = stream["frame"]
    if model == "awgn":
        return torch.eye(num_rx, num_tx, dtype=torch.complex64, device=frame.device).expand(
            len(frame), -1, -1
        ), None
    run = None
    if doppler > 0:
        run = torch.arange(length, device=frame.device) // RUN
        scattered = _jakes(shape, length, stream, doppler)
    else:
        scattered = random.complex_normal(
            num_rx * num_tx, purpose=random.FADING, **stream
        ).unflatten(1, shape)
    if model == "rayleigh":
        return scattered, run
    # under Doppler the line of sight stays what it was in frame 0
    los_stream = stream if run is None else {**stream, "frame": torch.zeros_like(frame)}
    phi = 2 * math.pi * random.uniform(num_rx * num_tx, purpose=random.LINE_OF_SIGHT, **los_stream)
    if model == "rician_rank1":
        phi = phi[:, :1].expand_as(phi)
    los = torch.polar(torch.ones_like(phi), phi).unflatten(1, shape)
    los = los if run is None else los[:, None]
    return math.sqrt(rician_k / (rician_k + 1)) * los + math.sqrt(
        1 / (rician_k + 1)
    ) * scattered, run


def slot_of(number: torch.Tensor) -> torch.Tensor:
    """Time of a transmission in units of its own length: numbers (see semcom.protocol.frames) [B]
    int64 -> [B] float64; of a complete first attempt, its frame number."""
    frame, fragment = number & random.MASK, (number >> 32) & 0xFFF
    fragments, attempt = ((number >> 44) & 0xFFF) + 1, (number >> 56) & 0xFF
    return (frame * fragments + fragment + attempt * REPEAT_SLOTS).double()


def _jakes(shape, length, stream, doppler):
    """Sum of 16 plane waves per entry, at the first symbol of each run of absolute time -> [B, R,
    M, K]."""
    frame = stream["frame"]
    entries = shape[0] * shape[1]
    u = random.uniform(
        17 * entries, purpose=random.DOPPLER, **{**stream, "frame": torch.zeros_like(frame)}
    )
    phase = 2 * math.pi * u.double().unflatten(1, (entries, 17))
    offset = phase[..., :1] - math.pi
    wave = torch.arange(_PATHS, dtype=torch.float64, device=frame.device)
    angle = (2 * math.pi * wave - math.pi + offset) / _PATHS
    start = torch.arange(0, length, RUN, dtype=torch.float64, device=frame.device)
    time = slot_of(frame)[:, None] * length + start
    argument = (
        2 * math.pi * doppler * time[:, :, None, None] * angle.cos()[:, None]
        + phase[:, None, :, 1:]
    )
    h = torch.polar(torch.ones_like(argument), argument).sum(-1) / math.sqrt(_PATHS)
    return h.to(torch.complex64).unflatten(-1, shape)
