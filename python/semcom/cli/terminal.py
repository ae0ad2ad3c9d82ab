# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run one side of the link alone: the audio terminal, the video terminal or the receiver.

Each side is a process, on one host or three; the radios between them are USRPs or a mock radio
(apps/mock_radio.py).  Start the receiver first, then the video terminal, then the audio terminal,
which begins.  All three need the same options of the waveform.  A terminal ends when it has sent
its clips; the receiver ends with the last clip, or ten seconds after the last burst.

examples, a line in each of four terminals:
  mock_radio.py --preset bench --sample-rate 1e6 --snr 14
  terminal.py receiver --radio zmq: --sample-rate 1e6 --turnaround 0.2 --frames 50 --json out.json
  terminal.py video --radio zmq: --sample-rate 1e6 --turnaround 0.2 --frames 50
  terminal.py audio --radio zmq: --sample-rate 1e6 --turnaround 0.2 --frames 50
with USRPs, named by their serial numbers:
  terminal.py receiver --radio "uhd:;;serial=30F1234"
  terminal.py video --radio "uhd:;serial=30F5678;" --tx-gain 20
"""

import argparse
import json
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from ..base import options
from ..base.errors import SemcomError
from ..base.files import check_writable
from ..blocks.guard import BlockError
from ..data import open_set
from ..report import tables
from ..run import one_side, scenario
from ..run.records import write_json

SIDES = ("audio", "video", "receiver")


def parse(argv=None):
    parser = options.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("side", choices=SIDES)
    scenario.add_options(parser)
    parser.add_argument("--first", type=options.at_least(0), default=0, metavar="N",
                        help="number of the first clip, for a terminal started again")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write what was counted or measured")
    return parser.parse_args(argv)


def the_point(args):
    """The one point that the options name; SemcomError if it is none for a side alone."""
    points = scenario.sweep(args)
    if len(points) > 1:
        raise SemcomError(f"one link at a time, {len(points)} are named; give one of each option")
    if points[0].radio.partition(":")[0] not in ("zmq", "uhd"):
        raise SemcomError("--radio: zmq:HOST or uhd:DEVICES expected, a radio that others hear")
    return points[0]


def run(args) -> dict:
    point = the_point(args)
    if args.json:
        check_writable(args.json)
    clips = open_set(args.data or None, args.split)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), "frames",
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(args.side, total=point.frames or len(clips))

        def on_frames(count):
            bar.update(task, completed=count)

        if args.side == "receiver":
            return one_side.run_receiver(point, clips, on_frames)
        return one_side.run_terminal(args.side, point, clips, args.first, on_frames)


def main(argv=None) -> int:
    args = parse(argv)
    try:
        found = run(args)
    except (SemcomError, BlockError, ValueError) as cause:
        print(f"terminal.py: error: {cause}", file=sys.stderr)
        return 1 if isinstance(cause, BlockError) else 2
    except KeyboardInterrupt:
        print("terminal.py: stopped", file=sys.stderr)
        return 130
    if args.json:
        write_json(args.json, [found])
    if args.side == "receiver":
        Console().print(tables.table([found]))
    else:
        print(json.dumps(found))
    return 0
