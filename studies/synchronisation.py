# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/synchronisation.md: detection, synchronisation and separation of bursts by the link's
receiver.

    studies synchronisation                              all sections, the page and its figures
    studies synchronisation --section noise peaks        some sections, on the screen alone
    studies synchronisation --trials 50 --out quick      all sections with few trials

Sections:
    detection   bursts received at two antennas while both users send
    sidelink    bursts received over the sidelink, sent once and twice
    noise       false alarms in noise
    estimates   carrier and time of one user beside their Cramer-Rao bounds
    payload     EVM after the receiver beside that of an aligned link
    peaks       peak power of bursts, with and without a limit

A point's figures depend on its settings, the number of its trials, the seed and the measured source
code; finished points are kept in OUT/points.json.  All take some ten minutes on one core.
"""

import argparse
import functools
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gnuradio.semcom import semcom_python
from gnuradio.semcom.base import screen
from gnuradio.semcom.base.files import check_writable, make_folder, sha256
from gnuradio.semcom.base.options import at_least
from rich.markdown import Markdown

from . import burst_measures as measures
from . import bursts, pages
from .bursts import PHASE_NOISE
from .synchronisation_page import AIMED, NO_NOISE, figures, page
from .work import Records, Unit, complete, keyed

SNRS = (-5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 25.0, 30.0)
PEAK_LIMITS = (None, 8.0, 7.0, 6.0)  # [dB]


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--section", nargs="+", choices=measures.MEASURES, help="sections to measure; default: all")
    add("--trials", type=at_least(1), help="largest number of trials per point")
    add("--seed", type=at_least(0), default=0, help="seed of all draws (default: %(default)s)")
    add("--out", type=Path, default=Path("out/synchronisation"), metavar="DIR",
        help="folder of points.json, and of a partial page (default: %(default)s)")  # fmt: skip
    add("--docs", type=Path, metavar="DIR",
        help="folder of the page; default: docs if everything is measured, else OUT")  # fmt: skip


def run(args: argparse.Namespace) -> None:
    whole = args.section is None and args.trials is None
    docs = args.docs or (pages.DOCS if whole else args.out)
    check_writable(args.out / "points.json")
    check_writable(docs / "synchronisation.md")
    planned = plan(args.section or tuple(measures.MEASURES), args.trials)
    units = [unit(point, args.seed) for point in planned]
    kept = complete("points", units, Records(args.out / "points.json"))
    records = [{k: v for k, v in record.items() if k != "key"} for record in kept]
    paths = figures(records, make_folder(docs / "figures"))
    text = page(records, command(args), {name: path.name for name, path in paths.items()})
    pages.write(docs / "synchronisation.md", text)
    screen.console().print(Markdown(text))


def command(args: argparse.Namespace) -> str:
    """The command that reproduces the figures, without its output folders."""
    words = ["--section", *args.section] if args.section else []
    words += ["--trials", args.trials] if args.trials else []
    return pages.command("synchronisation", *words, "--seed", args.seed)


def plan(sections=tuple(measures.MEASURES), most: int | None = None) -> list:
    """The points of ``sections``.  most  largest number of trials per point"""
    points = [
        *({"section": "detection", "channel": kind, "snr_db": snr,
           "trials": 4000 if snr == AIMED else 600}
          for kind in ("awgn", "rayleigh") for snr in SNRS),
        *({"section": "sidelink", "channel": kind, "snr_db": snr, "trials": 1000}
          for kind in ("awgn", "rayleigh", "rician") for snr in SNRS),
        *({"section": "noise", "antennas": antennas, "false_alarm": set_rate, "trials": frames}
          for antennas, set_rate, frames in ((2, 1e-4, 40_000), (1, 1e-4, 10_000), (1, 0.1, 4000))),
        *({"section": "estimates", "channel": kind, "phase_noise_dbc_hz": level, "snr_db": snr,
           "trials": 1000}
          for kind, level in (("awgn", None), ("rayleigh", None), ("awgn", PHASE_NOISE))
          for snr in SNRS),
        *({"section": "payload", "channel": kind, "phase_noise_dbc_hz": level, "snr_db": snr,
           "trials": 150}
          for kind, level in (("awgn", None), ("rayleigh", None), ("awgn", PHASE_NOISE))
          for snr in (*np.arange(-5.0, 31.0, 5.0).tolist(), NO_NOISE)),
        *({"section": "peaks", "payload": kind, "limit_db": limit, "trials": 200}
          for kind in ("qpsk", "normal") for limit in PEAK_LIMITS),
    ]  # fmt: skip
    chosen = [point for point in points if point["section"] in sections]
    return [{**p, "trials": min(p["trials"], most or p["trials"])} for p in chosen]


@functools.cache
def code() -> str:
    """Digest of the measured and the measuring source code, which tells versions apart."""
    files = (semcom_python.__file__, bursts.__file__, measures.__file__)
    return "-".join(sha256(file)[:16] for file in files)


def unit(point: dict, seed: int) -> Unit:
    """The unit of work of a point."""
    key = f"{json.dumps(point, sort_keys=True)} {seed} {code()}"

    def work(advance: Callable) -> dict:
        return {"key": key, **measure(point, seed, lambda n: advance(n / point["trials"]))}

    return Unit(key, point["section"], work, call=(keyed, (key, measure, point, seed)))


def measure(point: dict, seed: int, advance: Callable = lambda trials: None) -> dict:
    """A point with its results; ``advance`` is called with the number of finished trials.  Equal
    points and seeds give equal records, whatever else is measured."""
    key = json.dumps(point, sort_keys=True).encode()
    rng = np.random.default_rng([seed, zlib.crc32(key)])
    return {**point, "seed": seed, **measures.MEASURES[point["section"]](point, rng, advance)}
