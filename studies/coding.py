# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/coding.md: error rates of the classical channel coding beside closed forms and bounds.

    studies coding                            all points, the page and its figures
    studies coding --trials 200 --out quick   all points with few trials

Measured are the block error rate of each LDPC code, the uncoded bit error rate of each
constellation, and the SNR that each constellation with each code rate needs.  Finished points are
kept in OUT/points.json; they depend on their settings, the trials, the seed and the measured source
code.  All points take some five minutes on one core.
"""

import argparse
import functools
import json
import math
import zlib
from pathlib import Path

import numpy as np
from gnuradio.semcom import core, semcom_python
from gnuradio.semcom.base.files import check_writable, make_folder, sha256
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.phy import names
from rich.console import Console
from rich.markdown import Markdown

from . import pages
from .burst_measures import rate as share
from .coding_page import AIM, figures, page
from .error_rates import BITS
from .work import Records, Unit, complete, keyed

WORDS = 60_000  # largest number of blocks per point
ENOUGH = 300  # lost blocks after which a point ends
BATCH = 1000  # blocks sent at a time
WATERFALLS = {"1/2": 0.5, "2/3": 1.25, "3/4": 1.75, "5/6": 2.5}  # first Eb/N0 [dB]
STEP = 0.25  # [dB]
STEPS = 11
UNCODED = np.arange(-5.0, 41.0, 2.5)  # [dB] of Es/N0
SYMBOLS = 500_000  # of an uncoded point


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--trials", type=at_least(1), help="largest number of blocks per point")
    add("--seed", type=at_least(0), default=0, help="seed of all draws (default: %(default)s)")
    add("--out", type=Path, default=Path("out/coding"), metavar="DIR",
        help="for points.json, and the page with --trials (default: %(default)s)")  # fmt: skip
    add("--docs", type=Path, metavar="DIR",
        help="folder of the page; default: docs, with --trials OUT")  # fmt: skip


def run(args: argparse.Namespace) -> None:
    docs = args.docs or (args.out if args.trials else pages.DOCS)
    check_writable(args.out / "points.json")
    check_writable(docs / "coding.md")
    units = [unit(point, args.seed) for point in plan(args.trials)]
    records = complete("points", units, Records(args.out / "points.json"))
    figures(records, make_folder(docs / "figures"))
    words = ["--trials", args.trials] if args.trials else []
    text = page(records, pages.command("coding", *words, "--seed", args.seed))
    pages.write(docs / "coding.md", text)
    Console().print(Markdown(text))


def plan(most: int | None = None) -> list:
    """The points.  most  largest number of blocks, or of hundreds of uncoded symbols, per point"""
    words = min(WORDS, most or WORDS)
    return [
        *({"section": "waterfalls", "rate": rate, "length": length, "words": words,
           "ebn0_db": start + STEP * step}
          for rate, start in WATERFALLS.items() for length in names.CODE_LENGTHS
          for step in range(STEPS)),
        *({"section": "uncoded", "channel": channel, "modulation": modulation, "snr_db": snr_db,
           "symbols": min(SYMBOLS, 100 * (most or SYMBOLS))}
          for channel in ("awgn", "rayleigh") for modulation in names.MODULATIONS
          for snr_db in UNCODED.tolist()),
        *({"section": "modes", "modulation": modulation, "rate": rate, "method": method,
           "words": words}
          for modulation in names.MODULATIONS for rate in names.CODE_RATES
          for method in names.DEMAPPERS),
    ]  # fmt: skip


@functools.cache
def code() -> str:
    """Digest of the measured and the measuring source code, which tells versions apart."""
    return "-".join(sha256(file)[:16] for file in (semcom_python.__file__, __file__))


def unit(point: dict, seed: int) -> Unit:
    """The unit of work of a point."""
    key = f"{json.dumps(point, sort_keys=True)} {seed} {code()}"
    call = keyed, (key, measure, point, seed)
    return Unit(key, point["section"], lambda advance: keyed(*call[1]), call=call)


def measure(point: dict, seed: int) -> dict:
    """A point with its results; equal points and seeds give equal records."""
    rng = np.random.default_rng([seed, zlib.crc32(json.dumps(point, sort_keys=True).encode())])
    return {**point, "seed": seed, **MEASURES[point["section"]](point, rng)}


def noisy(rng, x: np.ndarray, variance: float) -> np.ndarray:
    """Symbols with complex Gaussian noise of ``variance`` added."""
    noise = rng.standard_normal((len(x), 2), np.float32).view(np.complex64)[:, 0]
    return x + np.float32(math.sqrt(variance / 2)) * noise


def waterfalls(point: dict, rng) -> dict:
    """Block error rate of a code with QPSK over Eb/N0."""
    ldpc = core.LdpcCode(point["rate"], point["length"])
    snr_db = point["ebn0_db"] + 10 * math.log10(2 * ldpc.k / ldpc.n)
    return {"lost": lost_blocks(rng, ldpc, "qpsk", "max_log", snr_db, point["words"])}


def lost_blocks(rng, ldpc, modulation: str, method: str, snr_db: float, most: int) -> dict:
    """Block error rate at Es/N0 = ``snr_db`` over at most ``most`` blocks, fewer after ENOUGH
    errors."""
    lost = sent = 0
    while sent < most and lost < ENOUGH:
        count = min(BATCH, most - sent)
        words = ldpc.encode(rng.integers(0, 2, (count, ldpc.k), np.uint8))
        x, variance = core.map_bits(words.ravel(), modulation), 10 ** (-snr_db / 10)
        noise = np.full(len(x), variance, np.float32)
        llrs = core.demap(noisy(rng, x, variance), noise, modulation, method)
        decisions, _, _ = ldpc.decode(llrs.reshape(words.shape))
        lost += int(((decisions < 0) != words).any(1).sum())
        sent += count
    return share(lost, sent)


def uncoded(point: dict, rng) -> dict:
    """Uncoded bit error rate; with Rayleigh fading every symbol has its own, known gain."""
    modulation, count = point["modulation"], point["symbols"]
    bits = rng.integers(0, 2, count * BITS[modulation], np.uint8)
    gain = np.ones(count, np.complex64)
    if point["channel"] == "rayleigh":
        gain = noisy(rng, 0 * gain, 1.0)
    variance = 10 ** (-point["snr_db"] / 10)
    y = noisy(rng, gain * core.map_bits(bits, modulation), variance) / gain
    llrs = core.demap(y, variance / np.abs(gain) ** 2, modulation)
    return {"wrong": share(int(((llrs < 0) != bits).sum()), len(bits))}


def modes(point: dict, rng) -> dict:
    """Es/N0 [dB] from which the error rate of blocks of 648 bits is at most AIM."""
    ldpc = core.LdpcCode(point["rate"], 648)
    efficiency = BITS[point["modulation"]] * ldpc.k / ldpc.n
    settings = ldpc, point["modulation"], point["method"]
    snr_db, before = 10 * math.log10(2**efficiency - 1), 1.0  # that of capacity
    while True:
        snr_db += STEP
        lost = lost_blocks(rng, *settings, snr_db, min(point["words"], WORDS // 6))["rate"]
        if lost <= AIM:
            break
        before = lost
    # between the last two, the logarithm falls evenly
    back = math.log(AIM / max(lost, AIM / 100)) / math.log(before / max(lost, AIM / 100))
    return {"efficiency": efficiency, "needed_db": snr_db - STEP * back}


MEASURES = {"waterfalls": waterfalls, "uncoded": uncoded, "modes": modes}
