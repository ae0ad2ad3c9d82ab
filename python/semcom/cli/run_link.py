# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Send clips over the semantic link, through GNU Radio, and report what the receiver made of them.

Without options: the synthetic set and its shipped checkpoint, 2x2 Rayleigh fading at 10 dB, least
squares, zero-forcing.  Options marked with several values are swept, in every combination.

examples:
  run_link.py --snr=-10:20:5
  run_link.py --channel awgn rayleigh rician --snr 0:30:3 --json out/link.json --plot out/link.png
  run_link.py --data ave28 --csi perfect ls lmmse --detector zf lmmse --frames 200
  run_link.py --until-errors 500 --snr 0,10,20
  run_link.py --radio mock:indoor --snr 0:20:5 --frames 100 --json out/indoor.json
  run_link.py --radio replay:out/indoor --detector lmmse
  run_link.py --media clip.mp4 --channel rayleigh --snr 10 --render out.mp4
  run_link.py --media v4l2:/dev/video0 --microphone alsa:default --frames 6
"""

import argparse
import os
import sys

if "--profile" in sys.argv:  # GNU Radio reads it once, when it is loaded
    os.environ["GR_CONF_PERFCOUNTERS_ON"] = "True"

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TimeRemainingColumn,
)  # fmt: skip

from ..base import options
from ..base.errors import SemcomError
from ..base.files import check_writable
from ..blocks.guard import BlockError
from ..data import open_set
from ..data.films import Films
from ..media.video import check_video
from ..perception.features import FEATURES
from ..report import plots, tables
from ..report.film import render
from ..run import films, scenario
from ..run.records import write_json
from ..run.runner import run_point
from ..systems.registry import topology_of


def parse(argv=None):
    parser = options.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    scenario.add_options(parser)
    parser.add_argument("--json", metavar="FILE", help="write the records here, after every point")
    parser.add_argument("--plot", metavar="FILE", help="plot accuracy over SNR (.png, .pdf, .svg)")
    group = parser.add_argument_group("media, in the place of a set of clips")
    group.add_argument("--media", nargs="+", metavar="FILE", help="files, or v4l2:/dev/video0")
    group.add_argument("--microphone", default="", help="device of the sound, as alsa:default")
    group.add_argument("--features", choices=FEATURES, default="compact")
    group.add_argument("--weights", default="", metavar="DIR", help="weights of the features vgg")
    group.add_argument("--render", metavar="FILE", help="write an mp4 with the events on it")
    group.add_argument("--profile", action="store_true", help="print what each stage takes")
    return parser.parse_args(argv)


def clips_of(args, points):
    """The set that the options name: a folder, the task's own generated set, or media files."""
    if args.media:
        named = Films(args.media, args.microphone, args.features, args.weights)
        for note in named.truths.notes:
            print(f"run_link.py: {note}", file=sys.stderr)
        return named
    takes = {place.takes for point in points for place in topology_of(point.system)}
    return open_set(args.data or None, args.split, text="text" in takes)


def run_all(points, clips, args, records):
    """Run every point, keep ``records`` and the JSON file up to date; the last run over films."""
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), "frames",
               TimeRemainingColumn())  # fmt: skip
    frames = [point.frames or len(clips) for point in points]
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("link", total=sum(frames) or None)
        for i, point in enumerate(points):
            before = sum(frames[:i])
            bar.update(task, description=f"{point.radio or point.channel} {point.snr:g} dB")
            records.append(
                run_one(point, clips, args, lambda n, b=before: bar.update(task, completed=b + n))
            )
            if frames[i]:
                bar.update(task, completed=before + frames[i])
            if args.json:
                write_json(args.json, records)


def run_one(point, clips, args, on_frames) -> dict:
    """Run a point; of films, show and draw what was understood."""
    if not args.media:
        return run_point(point, clips, on_frames)
    run = films.run_films(point, clips, on_frames)
    title = f"{point.system}, {point.radio or point.channel}, {point.snr:g} dB"
    Console().print(films.table(run.windows, title))
    if args.profile:
        Console().print(films.profile_table(run))
    if args.render:
        render(args.render, run, point, clips)
    return run.record


def main(argv=None) -> int:
    args = parse(argv)
    records, status = [], 0
    try:
        points = scenario.sweep(args)
        if args.json:
            check_writable(args.json)
        if args.plot:
            plots.check_plot(args.plot)
            check_writable(args.plot)
        if args.render:
            check_video(args.render)
            check_writable(args.render)
        if args.render and len(points) > 1:
            raise SemcomError(
                f"--render: draws one link, {len(points)} are named; give one value of each option"
            )
        run_all(points, clips_of(args, points), args, records)
    except (SemcomError, BlockError, ValueError) as cause:
        print(f"run_link.py: error: {cause}", file=sys.stderr)
        status = 1 if isinstance(cause, BlockError) else 2
    except KeyboardInterrupt:
        print(f"run_link.py: stopped; {len(records)} points are finished", file=sys.stderr)
        status = 130
    if records and not args.media:
        Console().print(tables.table(records))
    if records and args.plot:
        try:
            plots.plot(args.plot, records)
        except SemcomError as cause:
            print(f"run_link.py: error: {cause}", file=sys.stderr)
            status = status or 2
    return status
