# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run one side of the link alone: a terminal (audio, video, text, ...) or the receiver.

Each side is a process, on one host or on three; between them are radio devices or a mock radio
(mock_radio.py).  Start the receiver first, then the video terminal, then the audio terminal, which
sends first.  All three need the same options of the waveform.  A terminal ends when it has sent its
clips; the receiver ends with the last clip, or ten seconds after the last burst.

examples, a line in each of four terminals:
  mock_radio.py --preset bench --sample-rate 1e6 --snr 14
  terminal.py receiver --radio zmq: --sample-rate 1e6 --turnaround 0.2 --frames 50 --json out.json
  terminal.py video --radio zmq: --sample-rate 1e6 --turnaround 0.2 --frames 50
  terminal.py audio --radio zmq: --sample-rate 1e6 --turnaround 0.2 --frames 50
text with retransmissions, over a return link:
  mock_radio.py --preset bench --sample-rate 1e6 --snr 6 --return-link tcp://127.0.0.1:5553 \
    'tcp://*:5563'
  terminal.py receiver --system deepsc --radio zmq: --sample-rate 1e6 --attempts 3 --frames 20
  terminal.py text --system deepsc --radio zmq: --sample-rate 1e6 --attempts 3 --frames 20
with USRPs, named by their serial numbers:
  terminal.py receiver --radio "uhd:;;serial=30F1234"
  terminal.py video --radio "uhd:;serial=30F5678;" --tx-gain 20 --antenna ";TX/RX+RX2;"
with a LimeSDR, through SoapySDR:
  terminal.py audio --radio "soapy:driver=lime;;"
"""

import json

from ..base import options
from ..base.errors import BlockError, SemcomError
from ..base.files import check_outputs
from ..base.programs import exit_status, program
from ..run import scenario
from ..run.options import DEVICES
from ..systems.registry import systems


def sides() -> list:
    """Terminals of all systems, and the receiver."""
    variants = [names for entry in systems().values() for names in entry.variants.values()]
    return [*dict.fromkeys(name for names in variants for name in names), "receiver"]


def make_parser(shared: bool = True) -> options.Parser:
    """The program's options; ``shared``: also those of run_link.py."""
    parser = options.Parser(description=__doc__)
    parser.add_argument("side", choices=sides())
    if shared:
        scenario.add_options(parser, leave_out=("media", "microphone", "features", "weights"))
    group = parser.add_argument_group("This side")
    group.add_argument(
        "--first",
        type=options.at_least(0),
        default=0,
        metavar="N",
        help="number of the first clip to send, if a terminal is restarted",
    )
    group.add_argument(
        "--json", metavar="FILE", help="write the counts and measures into this file"
    )
    return parser


def parse(argv=None):
    return make_parser().parse_args(argv)


def the_point(args):
    """The point that the options give; SemcomError if one side alone cannot run it."""
    if getattr(args, "radio", "").partition(":")[0] not in ("zmq", *DEVICES):
        raise SemcomError(
            "--radio: expected a radio that other processes can use: zmq:HOST, uhd:DEVICES or "
            "soapy:DEVICES"
        )
    points = scenario.sweep(args)
    if len(points) > 1:
        raise SemcomError(
            f"one side runs one point, {len(points)} are given; give one value of each option"
        )
    if args.side == "receiver" and args.first:
        raise SemcomError("--first: has an effect only at a terminal; leave it out")
    return points[0]


def run(args) -> dict:
    from rich.progress import TimeElapsedColumn

    from ..base import screen
    from ..data import set_files
    from ..run import one_side
    from ..run.sets import clips_of

    point = the_point(args)
    named = filter(None, (point.checkpoint, point.adaptive))
    check_outputs([args.json], [*point.media, *named, *set_files(point.data)])
    clips = clips_of([point])
    with screen.bar("frames", TimeElapsedColumn()) as bar:
        task = bar.add_task(args.side, total=(point.frames or len(clips)) - args.first)

        def on_frames(count):
            bar.update(task, completed=count)

        if args.side == "receiver":
            return one_side.run_receiver(point, clips, on_frames)
        return one_side.run_terminal(args.side, point, clips, args.first, on_frames)


def main(argv=None) -> int:
    """Run the program; its exit status."""
    args = parse(argv)
    return exit_status(program(), lambda: work(args), bad_input=(SemcomError, ValueError))


def work(args) -> None:
    """Run a side and print its result, also if it was stopped."""
    try:
        tell(args, run(args))
    except (KeyboardInterrupt, BlockError) as stop:
        if found := getattr(stop, "result", None):
            tell(args, found)
        raise


def tell(args, found: dict) -> None:
    """Print and write the counts and measures of a side."""
    from ..report import tables
    from ..run.records import write_json

    if args.json:
        write_json(args.json, [found])
    if args.side == "receiver":
        tables.show(tables.table([found]))
    else:
        print(json.dumps(found))
