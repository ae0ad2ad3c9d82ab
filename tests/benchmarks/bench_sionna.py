# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Ours beside Sionna's, in turn, a thread each: ZF on the same frames, LDPC decoding.

Sionna runs in the environment that ``make crosscheck`` sets up, as a process that answers each
line on its input with the processor time that one call took.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gnuradio.semcom import core

from .bench_coding import EBN0_DB, ITERATIONS, Words
from .turns import compare, row, seconds_of

ROOT = Path(__file__).resolve().parents[2]
PEER = ROOT / "build" / "crosscheck" / "bin" / "python"
FRAMES, SYMBOLS, NOISE, ROUNDS = 500, 640, 0.1, 9


def rows() -> list:
    return [zero_forcing(), decoder()]


def zero_forcing() -> dict:
    rng = np.random.default_rng(0)
    draw = lambda *shape: (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype("c8")  # noqa: E731
    h, y = draw(FRAMES, 2, 2), draw(FRAMES, 2, SYMBOLS)
    found = beside_sionna(
        lambda: core.detect_frames(y, h, NOISE, "zf"),
        2e-6 * FRAMES * SYMBOLS,
        "zf",
        {"h": h, "y": y, "noise": NOISE},
    )
    return row("ZF core, 2x2, one H per 640 symbols", "Msym/s", "Sionna zf_equalizer", 3.0, found)


def decoder() -> dict:
    words = Words(np.random.default_rng(0))
    settings = {"k": words.code.k, "noise": words.noise, "variance": words.variance}
    settings |= {"iterations": ITERATIONS}
    name = f"LDPC decoder, k = 486, n = 648, Eb/N0 {EBN0_DB:g} dB"
    peer_name = f"Sionna LDPC5GDecoder, min-sum, {ITERATIONS} iterations"
    found = beside_sionna(words.decode, words.megabits, "ldpc", settings)
    return row(name, "Mbit/s", peer_name, 10.0, found)


def beside_sionna(ours: Callable, amount: float, kind: str, data: dict) -> dict:
    """Rates, ``amount`` over processor time, of ``ours`` and of what tools/time_sionna.py calls
    ``kind``."""
    path = ROOT / "build" / f"bench_sionna_{kind}.npz"
    np.savez(path, **data)
    command = [PEER, ROOT / "tools" / "time_sionna.py", kind, path]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(command, **pipes) as peer:

        def theirs() -> float:
            peer.stdin.write("again\n")
            peer.stdin.flush()
            return amount / float(peer.stdout.readline())

        found = compare(lambda: amount / seconds_of(ours), theirs, ROUNDS)
        peer.stdin.close()
    return found
