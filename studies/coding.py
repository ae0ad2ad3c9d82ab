# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/coding.md: what the classical channel coding reaches, beside closed forms and bounds.

    studies coding                            everything, the page and its figures
    studies coding --trials 200 --out quick   a rough look at everything

Measured are blocks lost by each LDPC code, uncoded bit errors of each constellation, and the SNR
that each constellation with each code rate needs.  Finished points are kept in OUT/points.json;
they depend on their settings, the trials, the seed and the code that is measured.  One core takes
some five minutes for all.
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

WORDS = 60_000  # most blocks of a point
ENOUGH = 300  # lost blocks after which no more are sent
BATCH = 1000  # blocks sent at a time
WATERFALLS = {"1/2": 0.5, "2/3": 1.25, "3/4": 1.75, "5/6": 2.5}  # [dB] of Eb/N0 where they begin
STEP = 0.25  # [dB]
STEPS = 11
UNCODED = np.arange(-5.0, 41.0, 2.5)  # [dB] of Es/N0
SYMBOLS = 500_000  # of an uncoded point


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--trials", type=at_least(1), help="no more blocks than these at any point")
    add("--seed", type=at_least(0), default=0, help="of all draws (default: %(default)s)")
    add("--out", type=Path, default=Path("out/coding"), metavar="DIR",
        help="points, and the page if it is not for docs/ (default: %(default)s)")  # fmt: skip
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
    """The points; ``most``: no more blocks, or hundreds of uncoded symbols, than that at any."""
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
    """What tells the code that is measured, and that measures, from other versions of it."""
    return "-".join(sha256(file)[:16] for file in (semcom_python.__file__, __file__))


def unit(point: dict, seed: int) -> Unit:
    """The unit of work of a point."""
    key = f"{json.dumps(point, sort_keys=True)} {seed} {code()}"
    call = keyed, (key, measure, point, seed)
    return Unit(key, point["section"], lambda advance: keyed(*call[1]), call=call)


def measure(point: dict, seed: int) -> dict:
    """A point with what was found; equal points and seeds give equal records."""
    rng = np.random.default_rng([seed, zlib.crc32(json.dumps(point, sort_keys=True).encode())])
    return {**point, "seed": seed, **MEASURES[point["section"]](point, rng)}


def noisy(rng, x: np.ndarray, variance: float) -> np.ndarray:
    """Symbols in complex noise."""
    noise = rng.standard_normal((len(x), 2), np.float32).view(np.complex64)[:, 0]
    return x + np.float32(math.sqrt(variance / 2)) * noise


def waterfalls(point: dict, rng) -> dict:
    """Blocks lost by a code, as QPSK."""
    ldpc = core.LdpcCode(point["rate"], point["length"])
    snr_db = point["ebn0_db"] + 10 * math.log10(2 * ldpc.k / ldpc.n)
    return {"lost": lost_blocks(rng, ldpc, "qpsk", "max_log", snr_db, point["words"])}


def lost_blocks(rng, ldpc, modulation: str, method: str, snr_db: float, most: int) -> dict:
    """The share of blocks with a wrong bit at Es/N0, of ``most``, or fewer once it is known."""
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
    """Bits decided wrong; under Rayleigh fading every symbol has a known gain of its own."""
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
    """Es/N0 [dB] from which no more than AIM of the blocks of 648 bits are lost."""
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
