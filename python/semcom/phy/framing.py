# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Insertion of pilots into frames, and their removal.

spacing 0: ``[row | payload]``.  spacing S > 0: ``[row | payload S | row | payload S | ... | row]``,
a row after each payload block, also the last, which may be shorter.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from .csi import CSI


def frame_length(payload: int, pilots: int, spacing: int = 0) -> int:
    """Symbols of a frame, pilots included, for ``payload`` symbols."""
    return payload + pilots * (1 if spacing == 0 else -(-payload // spacing) + 1)


def payload_length(total: int, pilots: int, spacing: int = 0) -> int:
    """Inverse of :func:`frame_length`."""
    if spacing == 0:
        return total - pilots
    blocks = -(-(total - pilots) // (spacing + pilots))
    return total - (blocks + 1) * pilots


def positions(total: int, pilots: int, spacing: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions of the pilots [Q, P] and of the payload symbols [n] within a frame, int64."""
    payload = payload_length(total, pilots, spacing)
    if payload <= 0:
        raise ValueError(
            f"frame of {total} symbols is too short for {pilots} pilots at spacing {spacing}"
        )
    period = total if spacing == 0 else spacing + pilots
    index = torch.arange(total)
    is_pilot = index % period < pilots
    if spacing:
        is_pilot[total - pilots :] = True
    return index[is_pilot].unflatten(0, (-1, pilots)), index[~is_pilot]


def insert_pilots(x: torch.Tensor, rows: torch.Tensor, spacing: int = 0) -> torch.Tensor:
    """x [B, K, n] and rows [K, P], both complex64 -> frame [B, K, F]."""
    batch, num_tx, payload = x.shape
    total = frame_length(payload, rows.shape[1], spacing)
    pilot_at, payload_at = positions(total, rows.shape[1], spacing)
    blocks = len(pilot_at)
    everything = torch.cat([rows.repeat(1, blocks).expand(batch, -1, -1), x], dim=-1)
    order = torch.cat([pilot_at.flatten(), payload_at]).argsort()
    return everything[..., order.to(x.device)]


def strip_pilots(
    y: torch.Tensor, pilots: int, spacing: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """y [B, M, F] -> received pilots [B, M, Q, P] and payload [B, M, n]."""
    pilot_at, payload_at = positions(y.shape[-1], pilots, spacing)
    return y[..., pilot_at.to(y.device)], y[..., payload_at.to(y.device)]


def at_payload(truth: CSI, payload: int, pilots: int, spacing: int = 0) -> CSI:
    """True CSI of a frame restricted to the payload: ``run`` [F] becomes ``run`` [n]."""
    if truth.run is None:
        return truth
    total = frame_length(payload, pilots, spacing)
    return replace(truth, run=truth.run[positions(total, pilots, spacing)[1].to(truth.run.device)])
