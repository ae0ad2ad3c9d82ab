#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run the paper's experiments, each a figure with its tables, through the GNU Radio flowgraph.

Finished points are kept in OUT/points.json: after Ctrl-C the same command goes on where it
stopped, and a point that several experiments share is run once.  Each experiment leaves
OUT/NAME.json, OUT/NAME.md and OUT/NAME.png.

experiments:
{experiments}

examples:
  experiment.py estimators --system pilot_ave --frames 100
  experiment.py all --data DIR --models runs/seed0 runs/seed1 runs/seed2 --out out/experiments
"""

import argparse
import sys

from gnuradio.semcom.base.errors import exit_status
from gnuradio.semcom.base.options import Parser

from studies import experiments, study


def parse():
    known = experiments.definitions()
    taught = "\n".join(f"  {name:14} {experiment.help}" for name, experiment in known.items())
    parser = Parser(
        description=__doc__.format(experiments=taught),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="+", metavar="NAME", choices=[*known, "all"], help="see above; or all"
    )
    study.add_options(parser, out="out/experiments")
    args = parser.parse_args()
    args.names = list(known) if "all" in args.names else args.names
    return args


def main() -> None:
    args = parse()
    chosen, _, _ = study.run(args.names, args)
    for name in chosen:
        print(f"wrote {args.out / name}.png, .md, .json")


if __name__ == "__main__":
    sys.exit(exit_status("experiment.py", main, study.STOPPED))
