# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What all benchmarks share: ours and the peer in turns, rows, the table of them.

A turn of ours is followed by one of the peer (A B A B), so that what else the machine does meets
both; a ratio is the median of the turns' ratios, with its quartiles. What is timed is the
processor's time, unless a row says that it is the clock's.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

COLUMNS = ("name", "unit", "ours", "peer_name", "peer", "ratio", "quartiles", "goal")
WIDTH = 170  # of a table in a file
EXTENSIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "sve")


def seconds_of(work: Callable[[], object], clock=time.process_time) -> float:
    """What a call takes, of this process's processor time or of another ``clock``."""
    began = clock()
    work()
    return clock() - began


def in_turns(*measures: Callable[[], float], turns: int) -> list[tuple]:
    """Results of the measures, one after the other, ``turns`` times; a first time is not kept."""
    for measure in measures:
        measure()
    return [tuple(measure() for measure in measures) for _ in range(turns)]


def compared(pairs: list[tuple]) -> dict:
    """Medians of (ours, peer) of some turns, and the ratio with its quartiles."""
    low, ratio, high = statistics.quantiles([a / b for a, b in pairs], n=4)
    return {
        "ours": statistics.median(a for a, _ in pairs),
        "peer": statistics.median(b for _, b in pairs),
        "ratio": ratio,
        "quartiles": [low, high],
    }


def compare(ours: Callable[[], float], peer: Callable[[], float], turns: int) -> dict:
    """Our figure beside the peer's, measured in turns."""
    return compared(in_turns(ours, peer, turns=turns))


def row(name: str, unit: str, peer_name: str, goal: float, found: dict) -> dict:
    """A row of the table: what was compared, and what :func:`compare` found."""
    return {"name": name, "unit": unit, "peer_name": peer_name, "goal": goal, **found}


def machine() -> str:
    """The processor by name, how many cores of it there are, its vector instructions, its load."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    name = fields.get("model name", fields.get("CPU part", "unknown"))
    has = set((fields.get("flags") or fields.get("Features") or "").split())
    known = " ".join(extension for extension in EXTENSIONS if extension in has)
    cores = len(os.sched_getaffinity(0))
    return f"{name}, {cores} cores, {known}; load {os.getloadavg()[0]:.1f}"


def _cell(value) -> str:
    if isinstance(value, list):
        return " - ".join(f"{each:.3g}" for each in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def show(rows: list[dict]) -> None:
    """Print rows as a table, under the machine's name."""
    table = Table(title=f"ours beside a peer, in turns: {machine()}")
    for column in COLUMNS:
        right = column in ("ours", "peer", "ratio", "quartiles", "goal")
        table.add_column(column, justify="right" if right else "left")
    for each in rows:
        table.add_row(*[_cell(each[column]) for column in COLUMNS])
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
