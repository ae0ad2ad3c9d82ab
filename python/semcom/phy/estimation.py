# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Channel estimation from pilots: Y = H X + N with the rows X [K, P] known, at least K of them
independent.

Assumed: N has zero mean and covariance N0' I.  All estimators return the estimate *and* its error
variance.  Pilots that are not finite give H = 0, err_var = noise_var = inf, snr = 0, for which
detectors return no_eff = inf. Several pilot blocks of one frame give an estimate each; the noise
variance is their mean.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from ..base.errors import SemcomError
from .channel import RUN
from .csi import CSI, snr_of
from .names import INTERPOLATIONS


def ls(y: torch.Tensor, rows: torch.Tensor | np.ndarray) -> CSI:
    """Least squares over the whole window (Yu et al., arXiv:2412.06208, eq. 5, for M antennas and K
    users).

    H = Y X^H (X X^H)^-1,  N0' = ||Y - H X||^2 / (M (P - K)),  err_var_k = N0' [(X X^H)^-1]_kk.
    P = K leaves no residual: N0' is then 0, "cannot be measured".

    Input
        y: [B, M, P] or [B, M, Q, P] complex64, received pilots;  rows: [K, P] complex64
    Output
        CSI with h [B, M, K] or [B, Q, M, K]
    """
    y, x, finite = _prepare(y, rows)
    h, noise_var, gram_inv = _fit(y, x)
    return _csi(h, noise_var[:, None, None] * _diagonal(gram_inv), noise_var, finite)


def ls_min_residual(y: torch.Tensor, rows: torch.Tensor | np.ndarray) -> CSI:
    """The estimator of Yu et al. (eqs 5 and 6): LS in steps of 2K symbols, of which the step with
    the smallest residual is kept.

    A shorter last step is joined to the one before.  As the residual does not depend on the
    estimation error, this is as good as any single step and worse than :func:`ls`; use it to
    reproduce the paper.
    Shapes as in :func:`ls`.
    """
    y, x, finite = _prepare(y, rows)
    _, noise_var, _ = _fit(y, x)
    fits = []
    for part in _steps(x):
        window, known = y[..., part], x[:, part]
        gram_inv = torch.linalg.inv(known @ known.mH)
        h = window @ known.mH @ gram_inv
        fits.append((h, (window - h @ known).abs().square().sum((-2, -1)), _diagonal(gram_inv)))
    best = torch.stack([residual for _, residual, _ in fits]).argmin(0)
    h = torch.stack([h for h, _, _ in fits])
    h = h.gather(0, best[None, ..., None, None].expand(1, *h.shape[1:]))[0]
    gain = torch.stack([diagonal for _, _, diagonal in fits])[best]
    return _csi(h, noise_var[:, None, None] * gain, noise_var, finite)


def _steps(x: torch.Tensor) -> list[slice]:
    """Steps of 2K pilots whose rows are independent; the whole window if there are none."""
    num_tx, length = x.shape
    starts = range(0, max(1, length // (2 * num_tx)) * 2 * num_tx, 2 * num_tx)
    ends = [*starts[1:], length]
    steps = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
    usable = [s for s in steps if torch.linalg.matrix_rank(x[:, s], rtol=1e-6) == num_tx]
    return usable or [slice(None)]


def lmmse(y: torch.Tensor, rows: torch.Tensor | np.ndarray) -> CSI:
    """Linear MMSE with the prior h ~ CN(0, s2), s2 = max(mean |H_ls|^2 - mean err_var, 0) measured
    from the pilots.

    A = X X^H + (N0'/s2) I,  H = Y X^H A^-1,  err_var_k = N0' [A^-1]_kk;  s2 = 0 gives H = 0 with
    err_var 0. Shapes as in :func:`ls`.
    """
    y, x, finite = _prepare(y, rows)
    h_ls, noise_var, gram_inv = _fit(y, x)
    noise = noise_var[:, None].expand(h_ls.shape[:2])
    prior = h_ls.abs().square().mean((-2, -1)) - noise * _diagonal(gram_inv).mean()
    known = prior > 0
    ratio = torch.where(known, noise / torch.where(known, prior, 1.0), 0.0)
    eye = torch.eye(x.shape[0], dtype=x.dtype, device=x.device)
    inverse = torch.linalg.inv(x @ x.mH + ratio[..., None, None] * eye)
    h = torch.where(known[..., None, None], y @ x.mH @ inverse, 0.0)
    err_var = torch.where(known[..., None], noise[..., None] * _diagonal(inverse), 0.0)
    return _csi(h, err_var, noise_var, finite)


METHODS = {"ls": ls, "ls_min_residual": ls_min_residual, "lmmse": lmmse}


def interpolate(csi: CSI, payload: int, pilots: int, spacing: int, how: str = "nearest") -> CSI:
    """From one estimate per pilot block to one per run of 8 payload symbols.

    ``nearest``: the pilot block whose centre is nearest to the run's (ties: the earlier).
    ``linear``: between the centres of the blocks before and after, with err_var (1-w)^2 e_before +
    w^2 e_after.

    Input
        csi: h [B, Q, M, K], one per pilot block;  payload n, pilots P, spacing S in symbols
    Output
        CSI with h [B, R, M, K] and ``run`` [n]
    """
    if how not in INTERPOLATIONS:
        raise ValueError(f"interpolation {how!r}: expected {' or '.join(INTERPOLATIONS)}")
    symbol = torch.arange(payload, device=csi.h.device)
    block, within = symbol // spacing, symbol % spacing
    run = block * spacing + within // RUN  # unequal where two neighbours are of different runs
    _, run, size = torch.unique_consecutive(run, return_inverse=True, return_counts=True)
    starts = size.cumsum(0) - size
    centre = within[starts] + (size - 1) / 2
    length = torch.where(block[starts] == block[-1], payload - block[-1] * spacing, spacing)
    # distance from the centre of the pilot block before the payload block, over the distance of the
    # two centres
    weight = ((pilots + 1) / 2 + centre) / (pilots + length)
    if how == "nearest":
        weight = (weight > 0.5).to(weight.dtype)
    before, after = block[starts], block[starts] + 1
    w = weight[:, None]
    h = csi.h[:, before] * (1 - w[..., None]) + csi.h[:, after] * w[..., None]
    err_var = csi.err_var[:, before] * (1 - w).square() + csi.err_var[:, after] * w.square()
    return CSI(h, err_var, csi.noise_var, csi.snr, run)


def _prepare(y, rows):
    """-> y [B, Q, M, P] complex128 with non-finite frames zeroed, x [K, P], finite [B]."""
    x = torch.as_tensor(rows, device=y.device).to(torch.complex128)
    if torch.linalg.matrix_rank(x) < x.shape[0]:
        raise SemcomError(
            f"pilots of shape {tuple(x.shape)}: the rows must be independent; use hadamard rows"
        )
    y = y.transpose(1, 2) if y.dim() == 4 else y[:, None]
    finite = torch.isfinite(torch.view_as_real(y)).flatten(1).all(1)
    # replaced, not multiplied: 0 * NaN would be NaN, and its gradient too
    y = torch.where(finite[:, None, None, None], y, 0.0)
    return y.to(torch.complex128), x, finite


def _fit(y, x):
    """Pooled LS: h [B, Q, M, K], the noise variance [B] as the mean over the blocks, and (X
    X^H)^-1."""
    num_tx, length = x.shape
    gram_inv = torch.linalg.inv(x @ x.mH)
    h = y @ x.mH @ gram_inv
    if length == num_tx:
        return h, torch.zeros(y.shape[0], dtype=torch.float64, device=y.device), gram_inv
    residual = (y - h @ x).abs().square().sum((-2, -1)).mean(1)
    return h, residual / (y.shape[2] * (length - num_tx)), gram_inv


def _diagonal(matrix: torch.Tensor) -> torch.Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1).real


def _csi(h, err_var, noise_var, finite):
    h = torch.where(finite[:, None, None, None], h, 0.0)
    err_var = torch.where(finite[:, None, None], err_var, math.inf).expand(
        *h.shape[:2], h.shape[-1]
    )
    noise_var = torch.where(finite, noise_var, math.inf)
    snr = torch.where(finite, snr_of(h.flatten(1, 2), err_var.mean(1), noise_var), 0.0)
    if h.shape[1] == 1:
        h, err_var = h[:, 0], err_var[:, 0]
    return CSI(h.to(torch.complex64), err_var.float(), noise_var.float(), snr.float())
