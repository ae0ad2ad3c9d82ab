# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""gr-semcom's side of the comparison with Sionna: writes the inputs and the C++ code's results to
the .npz file that the command line names.

Keys are "MxK/name", for M antennas and K users of SIZES.
"""

import sys

import numpy as np
from gnuradio.semcom import core
from gnuradio.semcom.phy.csi import unpack

FRAMES, SYMBOLS, CONDITION = 400, 16, 100.0
SIZES = [(1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 8)]


def complex_normal(rng, *shape):
    """Independent complex normal numbers of variance 1, [*shape] complex64."""
    z = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return (z / np.sqrt(2)).astype(np.complex64)


def detection(rng, m: int, k: int) -> dict:
    """Frames through Rayleigh channels of a condition number below CONDITION, detected by both
    methods.

    m  receive antennas
    k  users

    Returns h [n, m, k], y [n, m, SYMBOLS] complex64, the noise variance "noise", and of zf and
    lmmse the detected symbols "METHOD_x" and their effective noise variances "METHOD_no_eff"; n is
    at most FRAMES.
    """
    h = complex_normal(rng, 4 * FRAMES, m, k)
    h = h[np.linalg.cond(h) < CONDITION][:FRAMES]
    noise = 0.1
    x = complex_normal(rng, len(h), k, SYMBOLS)
    y = (h @ x + np.sqrt(noise) * complex_normal(rng, len(h), m, SYMBOLS)).astype(np.complex64)
    out = {"h": h, "y": y, "noise": np.float32(noise)}
    for method in ("zf", "lmmse"):
        out[f"{method}_x"], out[f"{method}_no_eff"] = core.detect_frames(y, h, noise, method)
    return out


def estimation(rng, m: int, k: int, repeats: int = 4) -> dict:
    """Pilots of one user at a time, the pattern for which Sionna's LS is the pooled one too.

    m        receive antennas
    k        users
    repeats  pilots of each user

    Returns the received pilots [FRAMES, m, k repeats] and the sent ones, "rows" [k, k repeats],
    complex64, and of the LS estimate the channels "ls_h", their error variances "ls_err_var" and
    the noise variance "ls_noise".
    """
    rows = np.tile(np.eye(k), repeats).astype(np.complex64)
    h = complex_normal(rng, FRAMES, m, k)
    y = (h @ rows + 0.3 * complex_normal(rng, FRAMES, m, rows.shape[1])).astype(np.complex64)
    states = [unpack(core.estimate(frame, rows, "ls")) for frame in y]
    return {
        "pilots": y,
        "rows": rows,
        "ls_h": np.stack([s.h.numpy() for s in states]),
        "ls_err_var": np.stack([s.err_var.numpy() for s in states]),
        "ls_noise": np.stack([s.noise_var.numpy() for s in states]),
    }


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(0)
    out = {}
    for m, k in SIZES:
        for name, value in {**detection(rng, m, k), **estimation(rng, m, k)}.items():
            out[f"{m}x{k}/{name}"] = value
    np.savez(sys.argv[1], **out)


if __name__ == "__main__":
    main()
