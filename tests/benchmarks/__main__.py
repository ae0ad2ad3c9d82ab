# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run benchmarks, all or those named: a table on screen, and a JSON file of rows.

A row is name, unit, ours, peer_name, peer, ratio (ours / peer, median over turns), quartiles (of
the ratio) and goal (the ratio to reach; of costs, in CPU s / s, the most there may be).

    .venv/bin/python -m tests.benchmarks phy link
"""

import argparse
import importlib
import json
import pkgutil

from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.run.records import versions

import tests.benchmarks

from .turns import machine, show

NAMES = sorted(
    module.name.removeprefix("bench_")
    for module in pkgutil.iter_modules(tests.benchmarks.__path__)
    if module.name.startswith("bench_")
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--json", default="out/bench.json", help="default: %(default)s")
    args = parser.parse_args()
    if unknown := sorted(set(args.names) - set(NAMES)):
        parser.error(f"{unknown[0]}: no benchmark; choose of {', '.join(NAMES)}")
    before, rows = machine(), []
    for name in args.names or NAMES:
        rows += importlib.import_module(f"tests.benchmarks.bench_{name}").rows()
    show(rows)
    found = {"machine": [before, machine()], "versions": versions(), "rows": rows}
    with replacing(args.json) as temporary, open(temporary, "w") as file:
        json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
