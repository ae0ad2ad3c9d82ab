# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Our ZF core beside Sionna's ``zf_equalizer`` on the same frames, in turn, a thread each.

Sionna runs in the environment that ``make crosscheck`` sets up, as a process that answers each
line on its input with the seconds one call took.
"""

import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
from gnuradio.semcom import core

ROOT = Path(__file__).resolve().parents[2]
PEER = ROOT / "build" / "crosscheck" / "bin" / "python"
FRAMES, SYMBOLS, NOISE, ROUNDS = 500, 640, 0.1, 9


def rows() -> list:
    rng = np.random.default_rng(0)
    draw = lambda *shape: (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype("c8")  # noqa: E731
    h, y = draw(FRAMES, 2, 2), draw(FRAMES, 2, SYMBOLS)
    path = ROOT / "build" / "bench_sionna.npz"
    np.savez(path, h=h, y=y, noise=NOISE)
    command = [PEER, ROOT / "tools" / "time_sionna.py", path]
    ours, theirs = [], []
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(command, **pipes) as peer:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            core.detect_frames(y, h, NOISE, "zf")
            ours.append(2 * FRAMES * SYMBOLS / (time.perf_counter() - began) / 1e6)
            peer.stdin.write("again\n")
            peer.stdin.flush()
            theirs.append(2 * FRAMES * SYMBOLS / float(peer.stdout.readline()) / 1e6)
        peer.stdin.close()
    return [
        {
            "name": "ZF core, 2x2, one H per 640 symbols",
            "unit": "Msym/s",
            "ours": statistics.median(ours),
            "peer_name": "Sionna zf_equalizer",
            "peer": statistics.median(theirs),
            "ratio": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
            "goal": 3.0,
        }
    ]
