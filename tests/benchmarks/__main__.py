# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run every benchmark: a table on screen, and a JSON file of rows.

A row is name, unit, ours, peer_name, peer, ratio (ours / peer, both in the same run), goal
(the ratio to reach; of costs, in CPU s / s, the most there may be).
"""

import argparse
import importlib
import json
import pkgutil

from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.run.records import versions
from rich.console import Console
from rich.table import Table

import tests.benchmarks

COLUMNS = ("name", "unit", "ours", "peer_name", "peer", "ratio", "goal")


def collect() -> list:
    """The rows of every ``bench_*`` module in this folder."""
    rows = []
    for module in pkgutil.iter_modules(tests.benchmarks.__path__):
        if module.name.startswith("bench_"):
            rows += importlib.import_module(f"tests.benchmarks.{module.name}").rows()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", default="out/bench.json", help="default: %(default)s")
    args = parser.parse_args()
    rows = collect()
    table = Table(title="benchmarks (ratio = ours / peer, one run)")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in ("ours", "peer", "ratio") else "left")
    for row in rows:
        cells = [row[c] for c in COLUMNS]
        table.add_row(*[f"{c:.3g}" if isinstance(c, float) else str(c) for c in cells])
    Console().print(table)
    with replacing(args.json) as temporary, open(temporary, "w") as file:
        json.dump({"versions": versions(), "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
