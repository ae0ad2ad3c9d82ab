# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Detection of K streams from M >= K antennas: y = H x + n.

Assumed: x has zero mean and unit covariance; n has zero mean and covariance S I, where
S = N0' + sum_k err_var_k also holds the error of the channel estimate.  Every detector returns the
symbols *and* their effective noise variance: x_hat_k = x_k + e_k with E|e_k|^2 = no_eff_k, [B, K],
or [B, K, n] where the channel state changes within the frame.

Where detection is not possible, the result is x = 0 with no_eff = inf and no gradient: if H or a
variance is not finite, H is zero, or a matrix A is too near to a singular one (1 / (|A|_F |A^+|_F)
< 1e-6, with A = H for ZF and A = [H; sqrt(S) I] for LMMSE).  For LMMSE a zero column affects only
its own stream.
"""

from __future__ import annotations

import math

import torch

from .csi import CSI

SMALLEST_CONDITION = 1e-6


def zf(y: torch.Tensor, csi: CSI) -> tuple[torch.Tensor, torch.Tensor]:
    """Zero forcing: x = (H^H H)^-1 H^H y, no_eff_k = S [(H^H H)^-1]_kk (Yu et al., eq. 7).

    Input
        y: [B, M, n] complex64, payload;  csi: h [B, M, K], or [B, R, M, K] with ``run`` [n]
    Output
        x: [B, K, n] complex64;  no_eff: [B, K] float32, or [B, K, n], that of each symbol, with
        ``run``
    """
    h, variance, known = _known(csi)
    inverse, known = _inverse(h.mH @ h, known)
    no_eff = variance[..., None] * inverse.diagonal(dim1=-2, dim2=-1).real
    return _apply(inverse @ h.mH, no_eff, known[..., None].expand_as(no_eff), y, csi)


def lmmse(y: torch.Tensor, csi: CSI) -> tuple[torch.Tensor, torch.Tensor]:
    """Unbiased LMMSE: G = (H^H H + S I)^-1 H^H, d = diag(G H), x = d^-1 G y, no_eff_k = 1/d_k - 1.

    Shapes as in :func:`zf`.
    """
    h, variance, known = _known(csi)
    eye = torch.eye(h.shape[-1], dtype=h.dtype, device=h.device)
    inverse, known = _inverse(h.mH @ h + variance[..., None, None] * eye, known)
    filters = inverse @ h.mH
    d = (filters @ h).diagonal(dim1=-2, dim2=-1).real
    known = known[..., None] & (d > 0)
    d = torch.where(known, d, 1.0)
    return _apply(filters / d[..., None], (1 / d - 1).clamp_min(0), known, y, csi)


def none(
    y: torch.Tensor, csi: CSI | None, num_tx: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """No detection: stream k is antenna k, no_eff_k = N0', or 0 ("unknown") without CSI."""
    num_tx = csi.h.shape[-1] if num_tx is None else num_tx
    noise = torch.zeros(y.shape[0], device=y.device) if csi is None else csi.noise_var
    return _finite_or_zero(y[:, :num_tx])[0], noise.nan_to_num(math.inf)[:, None].expand(-1, num_tx)


METHODS = {"zf": zf, "lmmse": lmmse, "none": none}


def _known(csi):
    """H in double precision and S, each [B, ...], with non-finite values replaced; and a mask of
    where both were finite."""
    variance = csi.err_var.sum(-1).double()
    variance = variance + csi.noise_var.double().reshape(-1, *[1] * (variance.dim() - 1))
    known = torch.isfinite(variance) & torch.isfinite(torch.view_as_real(csi.h)).flatten(-3).all(-1)
    h = torch.where(known[..., None, None], csi.h, 0.0).to(torch.complex128)
    return h, torch.where(known, variance, 1.0), known


def _inverse(gram, known):
    """(A^H A)^-1, the identity where A is too near to singular; and a mask of where it is not."""
    # |A|_F^2 and |A^+|_F^2 are the traces of the Gram matrix and of its inverse
    inverse, failed = torch.linalg.inv_ex(gram.detach())
    condition = (_trace(gram.detach()) * _trace(inverse)).rsqrt()
    known = known & (failed == 0) & (condition >= SMALLEST_CONDITION)
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    # inverted again behind the mask: a gradient through a singular inverse is NaN even if unused
    return torch.linalg.inv(torch.where(known[..., None, None], gram, eye)), known


def _trace(matrix):
    return matrix.diagonal(dim1=-2, dim2=-1).real.sum(-1)


def _apply(filters, no_eff, known, y, csi):
    filters = torch.where(known[..., None], filters, 0.0).to(torch.complex64)
    no_eff = torch.where(known, no_eff, math.inf)
    y, finite = _finite_or_zero(y)
    if csi.run is None:
        x = filters @ y
    else:
        x = torch.einsum("bnkm,bmn->bkn", filters[:, csi.run], y)
        no_eff = no_eff[:, csi.run].mT
    return torch.where(finite.all(1, keepdim=True), x, 0.0), no_eff.float()


def _finite_or_zero(y):
    finite = torch.isfinite(torch.view_as_real(y)).all(-1)
    return torch.where(finite, y, 0.0), finite
