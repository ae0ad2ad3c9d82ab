# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Send clips over the semantic link, through GNU Radio, and report what the receiver made of them.

Without options: the synthetic set and its shipped checkpoint, 2x2 Rayleigh fading at 10 dB, least
squares, zero-forcing.  Options marked with several values are swept, in every combination; one that
has no effect is refused.

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

import os
import sys

from ..base import options
from ..base.errors import BlockError, SemcomError, program, take_faults
from ..base.files import check_writable
from ..run import scenario
from ..run.options import replayed

# What needs Torch, GNU Radio or decoders of media is imported where it is used: not for --help.


def parse(argv=None):
    parser = options.Parser(description=__doc__)
    scenario.add_options(parser)
    group = parser.add_argument_group("What is written")
    group.add_argument("--json", metavar="FILE", help="write the records here, after every point")
    group.add_argument("--plot", metavar="FILE", help="plot the task over SNR (.png, .pdf, .svg)")
    group.add_argument("--render", metavar="FILE", help="of media, an mp4 with the events on it")
    group.add_argument("--profile", action="store_true", help="of media, what each stage takes")
    return parser.parse_args(argv)


def points_of(args) -> list:
    """The points of the sweep; SemcomError for options that mean nothing, before anything runs."""
    if path := replayed(getattr(args, "radio", "")):
        from ..run import replay

        told = replay.told_by(path)
        vars(args).update(told.recalled(options.given(args, scenario.Scenario)))
    points = scenario.sweep(args)
    for name, given in (("--render", args.render), ("--profile", args.profile)):
        if given and not points[0].media:
            raise SemcomError(f"{name}: has an effect only with --media; leave it out")
    if args.json:
        check_writable(args.json)
    if args.plot:
        from ..report import plots

        plots.check_plot(args.plot)
        check_writable(args.plot)
    if args.render:
        from ..media.video import check_video

        check_video(args.render)
        check_writable(args.render)
    if args.render and len(points) > 1:
        raise SemcomError(
            f"--render: draws one link, {len(points)} are named; give one value of each option"
        )
    return points


def clips_of(points):
    """The set that the options name; what is not known of films is said."""
    from ..run.sets import clips_of

    clips = clips_of(points)
    for note in clips.truths.notes if points[0].media else ():
        print(f"{program()}: {note}", file=sys.stderr)
    return clips


def run_all(points, clips, args, records):
    """Run every point, keep ``records`` and the JSON file up to date; the last run over films."""
    from ..base import screen
    from ..run.records import raise_stopped, write_json

    known = not replayed(points[0].radio)  # what a recording does not tell, nobody knows
    frames = [point.frames or known * len(clips) for point in points]
    with screen.bar("frames") as bar:
        task = bar.add_task("link", total=sum(frames) or None)
        for i, point in enumerate(points):
            before = sum(frames[:i])
            bar.update(task, description=point.where())
            records.append(
                run_one(point, clips, args, lambda n, b=before: bar.update(task, completed=b + n))
            )
            if args.json:
                write_json(args.json, records)
            raise_stopped(records[-1])
            if frames[i]:
                bar.update(task, completed=before + frames[i])


def run_one(point, clips, args, on_frames) -> dict:
    """Run a point; of films, show and draw what was understood."""
    from ..run.runner import run_point
    from ..systems.registry import task_of

    if not point.media or task_of(point.system, point.task).name != "events":
        return run_point(point, clips, on_frames)
    from ..report import tables
    from ..run import films

    run = films.run_films(point, clips, on_frames)
    tables.show(films.table(run.windows, f"{point.system}, {point.where()}"))
    if args.profile:
        tables.show(films.profile_table(run))
    if args.render:
        from ..report.film import render

        render(args.render, run, point, clips)
    return run.record


def where(record: dict) -> str:
    """Channel and SNR of a point."""
    snr = record["snr_db"]
    return record["channel"] + ("" if snr is None else f", {snr:g} dB")


def show(args, records) -> None:
    """The table and the plot of a sweep over a set."""
    from ..report import plots, tables

    if "media" not in records[0] or records[0]["task"] != "events":
        tables.show(tables.table(records))
    for record in records:
        if record.get("units_cut"):
            print(
                f"{program()}: {100 * record['units_cut']:.0f} % of the units at "
                f"{where(record)} did not fit: the largest clip needs {record['payload_needed']} "
                f"payload symbols at its lowest quality; give more --uses, a smaller --size or "
                "another --source",
                file=sys.stderr,
            )
    if args.plot:
        plots.plot(args.plot, records)


def main(argv=None) -> int:
    """Run the program; its exit status."""
    args = parse(argv)
    if args.profile:  # GNU Radio reads it once, when it is loaded
        os.environ["GR_CONF_PERFCOUNTERS_ON"] = "True"
    records, status = [], 0
    try:
        points = points_of(args)
        run_all(points, clips_of(points), args, records)
    except (SemcomError, BlockError, ValueError) as cause:
        print(f"{program()}: error: {cause}", file=sys.stderr)
        status = 1 if isinstance(cause, BlockError) else 2
    except KeyboardInterrupt:
        whole = sum(not record.get("stopped") for record in records)
        more = "" if whole == len(records) else ", one as far as it came"
        print(f"{program()}: stopped; {whole} points are finished{more}", file=sys.stderr)
        status = 130
    if records:
        try:
            show(args, records)
        except SemcomError as cause:
            print(f"{program()}: error: {cause}", file=sys.stderr)
            status = status or 2
    return status or (1 if take_faults() else 0)
