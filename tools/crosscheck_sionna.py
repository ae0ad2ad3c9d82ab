# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sionna's side: its results for the same inputs, and the relative error of ours (at most 1e-4)."""

import sys

import numpy as np
import torch
from sionna.phy.mimo import lmmse_equalizer, zf_equalizer
from sionna.phy.ofdm import LSChannelEstimator, PilotPattern, ResourceGrid

LIMIT = 1e-4


def distance(ours, theirs) -> float:
    """Largest relative error of a frame: the error's norm over that of Sionna's answer."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    flat = (len(ours), -1)
    error = np.linalg.norm((ours - theirs).reshape(flat), axis=1)
    return float(np.max(error / np.linalg.norm(theirs.reshape(flat), axis=1)))


def detectors(data) -> dict:
    """Symbols and effective noise of ZF and LMMSE.

    Sionna computes in double precision here: its normal equations lose more in single precision
    than what is compared.
    """
    h, y = torch.from_numpy(data["h"]).cdouble(), torch.from_numpy(data["y"]).cdouble()
    m, n = y.shape[1:]
    noise = float(data["noise"]) * torch.eye(m, dtype=torch.complex128)
    h_each = h[:, None].expand(-1, n, -1, -1)
    out = {}
    for name, equalizer in (("zf", zf_equalizer), ("lmmse", lmmse_equalizer)):
        covariance = noise.expand(*h_each.shape[:2], m, m)
        x, no_eff = equalizer(y.transpose(1, 2), h_each, covariance, precision="double")
        out[f"{name} symbols"] = distance(data[f"{name}_x"], x.transpose(1, 2))
        out[f"{name} no_eff"] = distance(data[f"{name}_no_eff"], no_eff[:, 0])
    return out


def estimator(data) -> dict:
    """LS per pilot symbol, averaged: with one user at a time that is the pooled LS."""
    pilots, rows = data["pilots"], data["rows"]
    (frames, m, length), k = pilots.shape, rows.shape[0]
    repeats = length // k
    # a grid of one subcarrier whose every OFDM symbol is a pilot
    mask = np.ones((1, k, length, 1), bool)
    pattern = PilotPattern(mask, rows[None])
    grid = ResourceGrid(length, 1, 15e3, num_tx=1, num_streams_per_tx=k, pilot_pattern=pattern)
    estimate = LSChannelEstimator(grid).estimate_at_pilot_locations
    y = torch.from_numpy(pilots)[:, None, :, None, None].expand(-1, -1, -1, 1, k, -1)
    noise = torch.from_numpy(data["ls_noise"]).reshape(frames, 1, 1).expand(frames, 1, m)
    h, err_var = estimate(y, noise)  # [batch, rx, antenna, tx, stream, pilot symbol]
    own = torch.arange(length) % k  # whose turn each pilot symbol is
    h, err_var = h[:, 0, :, 0], err_var.expand(h.shape)[:, 0, :, 0]
    pooled = torch.stack([h[:, :, u, own == u].mean(-1) for u in range(k)], -1)
    variance = torch.stack([err_var[:, 0, u, own == u].mean(-1) / repeats for u in range(k)], -1)
    return {
        "ls H": distance(data["ls_h"], pooled),
        "ls err_var": distance(data["ls_err_var"], variance),
    }


def main() -> int:
    with np.load(sys.argv[1]) as file:
        stored = {name: file[name] for name in file.files}
    worst = 0.0
    for size in dict.fromkeys(name.split("/")[0] for name in stored):
        data = {n.split("/")[1]: v for n, v in stored.items() if n.startswith(size + "/")}
        for what, error in {**detectors(data), **estimator(data)}.items():
            worst = max(worst, error)
            print(f"{size:>4}  {what:<14} largest relative difference {error:.1e}")
    print(f"worst {worst:.1e}, limit {LIMIT:.0e}: {'agrees' if worst <= LIMIT else 'DIFFERS'}")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
