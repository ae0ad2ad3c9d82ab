# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What the kernels in C++ cost: beside this machine's roof, and over each size, as Markdown.

The roof of a kernel is the lower of what the second-level cache can carry of its bytes, and of what
one core can compute of its flops (tests/cpp/roofs.cc).  Bytes are what it must read and write of
each symbol; flops are counted in its source, a function of fast_math.h with them.
Times are the processor's, the shortest of several.

    .venv/bin/python -m tests.benchmarks.costs
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gnuradio.semcom import core
from gnuradio.semcom.phy import pilots

from tests.parity import dense

from .bench_phy import complex_normal, one_core
from .turns import machine, seconds_of

ROOT = Path(__file__).resolve().parents[2]
TURNS, REPEATS = 9, 200
FRAME = 640
# of one complex normal number: half of a Philox block (10 rounds of 2 products, 6 others), a
# logarithm, a root, cosine and sine
NORMAL = 10 * 8 / 2 + 26 + 1 + 24


def shortest(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """[s] of one call."""

    def many() -> None:
        for _ in range(repeats):
            work()

    many()
    return min(seconds_of(many) for _ in range(TURNS)) / repeats


def roofs() -> list[float]:
    """What tests/cpp/roofs.cc finds: bytes a second of the first-level cache, of the second, of
    memory, and flops a second of one core."""
    done = subprocess.run([ROOT / "build/tests/cpp/roofs"], check=True, capture_output=True)
    return [float(number) for number in done.stdout.split()]


def kernels() -> list[tuple]:
    """(name, symbols, bytes of each, flops of each, seconds)."""
    rng = np.random.default_rng(0)
    h, y = complex_normal(rng, (100, 2, 2)), complex_normal(rng, (100, 2, FRAME))
    x = complex_normal(rng, (2, 65536))
    bits = core.map_bits(rng.integers(0, 2, 4 * 16384, np.uint8), "16qam")
    noise = np.full(len(bits), 0.1, np.float32)
    code = core.LdpcCode("3/4", 648)
    words = rng.integers(0, 2, (200, code.n))
    hopeless = (words - 0.5).astype(np.float32)  # no iteration is spared
    edges = dense(code).sum() / code.n  # 16-bit integers, twice as many in a vector as floats
    fading = {"num_rx": 2, "snr_db": 10.0}
    return [
        ("detection, 2x2", 2 * y.shape[0] * FRAME, 16, 2 * 8 + 2,
         shortest(lambda: core.detect_frames(y, h, 0.1, "zf"), 20)),
        ("noise, CN(0, 1)", 65536, 8, NORMAL,
         shortest(lambda: core.complex_normal(1, 0, 0, 0, 65536), 20)),
        ("channel, 2x2 Rayleigh", x.size, 16, 2 * 8 + 8 + NORMAL,
         shortest(lambda: core.mimo_channel(x, **fading), 5)),
        ("channel, with Doppler", x.size, 16, 2 * 8 + 8 + NORMAL + 4 * 16 * 34 / 8 / 2,
         shortest(lambda: core.mimo_channel(x, doppler=1e-3, **fading), 5)),
        ("soft demapper, 16QAM", len(bits), 12 + 16, 2 * 2 * 10,
         shortest(lambda: core.demap(bits, noise, "16qam"), 20)),
        ("LDPC 3/4, a bit and iteration", 20 * words.size, 8 * edges, 4 * edges,
         shortest(lambda: code.decode(hopeless, 20), 5)),
    ]  # fmt: skip


def table(columns: list[str], rows: list[list]) -> None:
    """Print a table in Markdown."""
    print("\n| " + " | ".join(columns) + " |\n|---|" + "---:|" * (len(columns) - 1))
    for cells in rows:
        print("| " + " | ".join(c if isinstance(c, str) else f"{c:.3g}" for c in cells) + " |")


def roofline() -> None:
    *moved, flops = roofs()
    near, far, memory = (f"{each / 1e9:.0f} GB/s" for each in moved)
    print(
        f"\nroofs of one core: {near} from the first-level cache, {far} from the second, {memory}"
    )
    print(f"from memory, {flops / 1e9:.0f} Gflop/s not fused")
    rows = []
    for name, symbols, size, work, seconds in kernels():
        roof = min(moved[1] / size, flops / work)
        rate = symbols / seconds
        rows.append([name, size, work, rate / 1e6, roof / 1e6, rate / roof])
    columns = ["kernel", "bytes a symbol", "flops a symbol", "Msym/s", "roof", "share of it"]
    table(columns, rows)


def over_streams() -> None:
    """ns of a symbol of one stream."""
    rng, rows = np.random.default_rng(0), []
    for k in (1, 2, 4, 8):
        h, y = complex_normal(rng, (50, k, k)), complex_normal(rng, (50, k, FRAME))
        x = complex_normal(rng, (k, 32768))
        found = shortest(lambda h=h, y=y: core.detect_frames(y, h, 0.1, "zf"), 20) / y.size
        passed = shortest(lambda x=x, k=k: core.mimo_channel(x, num_rx=k), 5) / x.size
        rows.append([f"{k} x {k}", 1e9 * found, 1e9 * found / k, 1e9 * passed, 1e9 * passed / k])
    table(["M x K", "detection", "for each input", "channel", "for each input"], rows)


def over_lengths() -> None:
    """us of a frame, and ns of a symbol of it; spacing of pilots."""
    rng, rows = np.random.default_rng(0), []
    for n in (64, 640, 6400, 64000):
        h, y = complex_normal(rng, (20, 2, 2)), complex_normal(rng, (20, 2, n))
        x = complex_normal(rng, (2, n))
        found = shortest(lambda h=h, y=y: core.detect_frames(y, h, 0.1, "zf"), 20) / 20
        passed = shortest(lambda x=x: core.mimo_channel(x, num_rx=2), 20)
        rows.append([str(n), 1e6 * found, 1e9 * found / n, 1e6 * passed, 1e9 * passed / n])
    table(["symbols of a frame", "detection [us]", "a symbol [ns]", "channel [us]", "[ns]"], rows)
    rows, known = [], np.asarray(pilots.make("hadamard", 2, 32))
    payload = 6400
    for spacing in (3200, 1600, 800, 400, 200):
        blocks = -(-payload // spacing) + 1
        y = complex_normal(rng, (2, payload + 32 * blocks))
        for method in ("nearest", "linear"):
            estimate = shortest(
                lambda y=y, s=spacing, m=method: core.estimate_frame(y, known, "ls", s, m), 20
            )
            csi = core.estimate_frame(y, known, "ls", spacing, method)
            received = y[:, :payload]
            detect = shortest(lambda r=received, c=csi: core.detect(r, c, "zf"), 20)
            rows.append([f"{spacing}, {method}", blocks, 1e6 * estimate, 1e6 * detect])
    columns = ["spacing of pilots, 6400 symbols", "pilot blocks", "estimation [us]", "ZF [us]"]
    table(columns, rows)


@one_core()
def main() -> None:
    print(machine())
    roofline()
    over_streams()
    over_lengths()


if __name__ == "__main__":
    main()
