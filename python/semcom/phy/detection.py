# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Detection of K streams from M >= K antennas: y = H x + n.

Assumed: x has zero mean and unit covariance; n has zero mean and covariance S I, where S = N0' +
sum_k err_var_k also holds the error of the channel estimate.  Every detector returns the symbols
*and* their effective noise variance: x_hat_k = x_k + e_k with E|e_k|^2 = no_eff_k.

Where nothing can be said, the answer is x = 0 with no_eff = inf and no gradient: H singular
(reciprocal condition number below 1e-6), zero or not finite, or a variance not finite.  For LMMSE a
zero column takes only its own stream.
"""

from __future__ import annotations

import math

import torch

from .csi import CSI

RCOND = 1e-6


def zf(y: torch.Tensor, csi: CSI) -> tuple[torch.Tensor, torch.Tensor]:
    """Zero forcing: x = (H^H H)^-1 H^H y, no_eff_k = S [(H^H H)^-1]_kk (Yu et al.,
    arXiv:2412.06208, eq. 7).

    Input
        y: [B, M, n] complex64, payload;  csi: h [B, M, K], or [B, R, M, K] with ``run`` [n]
    Output
        x: [B, K, n] complex64;  no_eff: [B, K] float32 (of a moving channel: the harmonic mean over
        the symbols)
    """
    h, variance, known = _known(csi)
    gram = h.mH @ h
    known = known & _well_conditioned(gram)
    inverse = torch.linalg.inv(_safe(gram, known))
    no_eff = variance[..., None] * inverse.diagonal(dim1=-2, dim2=-1).real
    return _apply(inverse @ h.mH, no_eff, known[..., None].expand_as(no_eff), y, csi)


def lmmse(y: torch.Tensor, csi: CSI) -> tuple[torch.Tensor, torch.Tensor]:
    """Unbiased linear MMSE: G = (H^H H + S I)^-1 H^H, d = diag(G H), x = d^-1 G y, no_eff_k = 1/d_k
    - 1.

    Shapes as in :func:`zf`.
    """
    h, variance, known = _known(csi)
    heard = h.abs().square().sum(-2) > 0
    eye = torch.eye(h.shape[-1], dtype=h.dtype, device=h.device)
    regular = h.mH @ h + variance[..., None, None] * eye + torch.diag_embed((~heard).to(h.dtype))
    known = known & _well_conditioned(regular)
    filters = torch.linalg.inv(_safe(regular, known)) @ h.mH
    d = (filters @ h).diagonal(dim1=-2, dim2=-1).real
    known = known[..., None] & heard & (d > 0)
    d = torch.where(known, d, 1.0)
    return _apply(filters / d[..., None], (1 / d - 1).clamp_min(0), known, y, csi)


def none(
    y: torch.Tensor, csi: CSI | None, num_tx: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """No detection: stream k is antenna k, no_eff_k = N0', or 0 ("unknown") without CSI.  Shapes as
    in :func:`zf`."""
    num_tx = csi.h.shape[-1] if num_tx is None else num_tx
    noise = torch.zeros(y.shape[0], device=y.device) if csi is None else csi.noise_var
    return _finite_or_zero(y[:, :num_tx])[0], noise[:, None].expand(-1, num_tx)


METHODS = {"zf": zf, "lmmse": lmmse, "none": none}


def _known(csi):
    """H in double precision and S, each [B, ...], with what is not finite replaced; and where both
    were finite."""
    variance = csi.err_var.sum(-1).double()
    variance = variance + csi.noise_var.double().reshape(-1, *[1] * (variance.dim() - 1))
    known = torch.isfinite(variance) & torch.isfinite(torch.view_as_real(csi.h)).flatten(-3).all(-1)
    h = torch.where(known[..., None, None], csi.h, 0.0).to(torch.complex128)
    return h, torch.where(known, variance, 1.0), known


def _well_conditioned(gram):
    # the Gram matrix of H has the squared condition number of H
    values = torch.linalg.eigvalsh(gram.detach())
    return values[..., 0] > RCOND**2 * values[..., -1]


def _safe(matrix, usable):
    eye = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    return torch.where(usable[..., None, None], matrix, eye)


def _apply(filters, no_eff, known, y, csi):
    filters = torch.where(known[..., None], filters, 0.0).to(torch.complex64)
    no_eff = torch.where(known, no_eff, math.inf)
    y, finite = _finite_or_zero(y)
    if csi.run is None:
        x = filters @ y
    else:
        x = torch.einsum("bnkm,bmn->bkn", filters[:, csi.run], y)
        no_eff = 1 / (1 / no_eff[:, csi.run]).mean(1)
    return torch.where(finite.all(1, keepdim=True), x, 0.0), no_eff.float()


def _finite_or_zero(y):
    finite = torch.isfinite(torch.view_as_real(y)).all(-1)
    return torch.where(finite, y, 0.0), finite
