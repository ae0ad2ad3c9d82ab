# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/synchronisation.md: how well bursts are found, aligned and parted.

    tools/measure_sync.py                                everything, the page and its figures
    tools/measure_sync.py --section noise peaks          some sections, on the screen alone
    tools/measure_sync.py --trials 50 --json quick.json  a rough look at everything, in seconds

Sections:
    detection   bursts received at two antennas, both users on the air
    feedback    bursts received over the feedback link, sent once and twice
    noise       false alarms in noise
    estimates   carrier and time of one user beside their Cramer-Rao bounds
    payload     EVM after the whole chain beside that of an aligned link
    peaks       peak power of bursts, with and without a limit

A point's figures depend on its settings, the number of its trials and the seed, and on nothing
else.  One core suffices for everything in some minutes.
"""

import argparse
import sys
from pathlib import Path

from gnuradio.semcom.base.errors import exit_status
from gnuradio.semcom.base.files import check_writable, make_folder, replacing
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from studies import sync_report, sync_study

ROOT = Path(__file__).resolve().parents[1]


def measured(points: list, seed: int) -> list:
    """Records of the points, under a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    records = []
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=len(points))
        for point in points:
            bar.update(task, description=point["section"])
            records.append(
                sync_study.measure(
                    point, seed, lambda n, whole=point["trials"]: bar.advance(task, n / whole)
                )
            )
    return records


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--section", nargs="+", choices=sync_study.MEASURES, help="measure these; default: all"
    )
    parser.add_argument("--trials", type=int, help="no more than these at any point")
    parser.add_argument("--seed", type=int, default=0, help="of all draws (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records here")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE",
        help="write the page here; default: docs/synchronisation.md if everything is measured",
    )  # fmt: skip
    parser.add_argument(
        "--figures", type=Path, metavar="DIR",
        help="draw into this folder; default: docs/figures, or figures beside --markdown",
    )  # fmt: skip
    args = parser.parse_args()
    if args.trials is not None and args.trials < 1:
        parser.error(f"--trials {args.trials}: 1 or more expected")
    if args.seed < 0:
        parser.error(f"--seed {args.seed}: 0 or more expected")
    if args.markdown is None and args.section is None and args.trials is None:
        args.markdown = ROOT / "docs" / "synchronisation.md"
    if args.figures is None and args.markdown is not None:
        args.figures = args.markdown.parent / "figures"
    return args


def command(args: argparse.Namespace) -> str:
    """The command that gives the same figures, wherever it writes them."""
    words = [".venv/bin/python tools/measure_sync.py"]
    words += ["--section", *args.section] if args.section else []
    words += ["--trials", str(args.trials)] if args.trials else []
    return " ".join([*words, "--seed", str(args.seed)])


def run(args: argparse.Namespace) -> None:
    for path in filter(None, (args.json, args.markdown)):
        check_writable(path)
    if args.figures:
        make_folder(args.figures)
    points = sync_study.plan(args.section or tuple(sync_study.MEASURES), args.trials)
    records = measured(points, args.seed)
    if args.json:
        records.write_json(args.json, records)
    paths = sync_report.figures(records, args.figures) if args.figures else {}
    folder = args.markdown.parent if args.markdown else Path()
    lines = sync_report.page(records, command(args), paths, folder)
    if args.markdown:
        with replacing(args.markdown) as temporary:
            Path(temporary).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    Console().print(Markdown("\n".join(lines)))


if __name__ == "__main__":
    args = parse()
    sys.exit(exit_status("measure_sync.py", lambda: run(args)))
