# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Send clips over the semantic link, through GNU Radio, and report the receiver's outcomes.

Without options: the synthetic set and its shipped checkpoint, 2x2 Rayleigh fading at 10 dB, least
squares channel estimation, zero-forcing detection.  Options that take several values are swept, in
every combination; an option that has no effect is refused.

examples:
  run_link.py --snr=-10:20:5
  run_link.py --channel awgn rayleigh rician --snr 0:30:3 --json out/link.json --plot out/link.png
  run_link.py --data ave28 --csi perfect ls lmmse --detector zf lmmse --frames 200
  run_link.py --until-errors 500 --snr 0,10,20
  run_link.py --snr=-10:30:0.5 --frames 4000 --workers 8 --json out/link.json --resume
  run_link.py --radio mock:indoor --snr 0:20:5 --frames 100 --json out/indoor.json
  run_link.py --radio replay:out/indoor --detector lmmse
  run_link.py --media clip.mp4 --channel rayleigh --snr 10 --render out.mp4
  run_link.py --media v4l2:/dev/video0 --microphone alsa:default --frames 6
"""

import bisect
import os
import sys
import time
from pathlib import Path

from ..base import options
from ..base.errors import BlockError, SemcomError
from ..base.files import check_apart, check_writable, is_stream
from ..base.programs import exit_status, fault, program, stoppable
from ..run import scenario
from ..run.options import replayed
from ..sweep.cluster import Died, opened, options_of
from ..sweep.options import ClusterOptions

# Torch, GNU Radio and media decoders take seconds to import: modules that need them are imported in
# the functions that use them, so that --help does not wait.


def make_parser() -> options.Parser:
    """The program's options."""
    parser = options.Parser(description=__doc__)
    scenario.add_options(parser)
    options.add_options(parser, ClusterOptions)
    group = parser.add_argument_group("Output")
    group.add_argument(
        "--json", metavar="FILE", help="write the records into this file after every point"
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="keep the points that are in --json and run the others",
    )
    group.add_argument(
        "--plot",
        metavar="FILE",
        help="plot the task's measure over SNR into this file (.png, .pdf, .svg)",
    )
    group.add_argument(
        "--render",
        metavar="FILE",
        help="with --media: write an mp4: the sent film with the events drawn on it, or the "
        "received film beside the sent one",
    )
    group.add_argument(
        "--profile", action="store_true", help="with --media: print the time that each stage takes"
    )
    return parser


def parse(argv=None):
    return make_parser().parse_args(argv)


def points_of(args) -> list:
    """The points of the sweep; SemcomError, before anything runs, for options without effect."""
    from ..systems.registry import task_of

    noise = {}
    if path := replayed(getattr(args, "radio", "")):
        from ..run import replay

        told = replay.told_by(path)
        noise = told.noise
        vars(args).update(told.recalled(options.given(args, scenario.Scenario)))
    points = scenario.sweep(args)
    for name, given in (("--render", args.render), ("--profile", args.profile)):
        if given and not points[0].media:
            raise SemcomError(f"{name}: has an effect only with --media; leave it out")
    if args.render and not (task := task_of(points[0].system, points[0].task)).film:
        raise SemcomError(f"--render: has no effect for the task {task.name}; leave it out")
    if args.resume and (points[0].media or not args.json):
        raise SemcomError("--resume: has an effect only with --json and without --media")
    shared = options_of(args).wanted
    if shared and (args.render or args.profile):
        raise SemcomError(
            "--render, --profile: have an effect only in one process; leave --workers out"
        )
    if shared and points[0].media and not args.json:
        raise SemcomError("--media: with --workers the only output is --json; give it")
    check_outputs(points, args)
    known = noise.get("snr") is not None or not all(options.broken(p, "snr") for p in points)
    if args.plot and not known:
        raise SemcomError(f"--plot {args.plot}: no point has a known SNR; leave it out")
    if args.render and len(points) > 1:
        raise SemcomError(
            f"--render: draws one point, {len(points)} are given; give one value of each option"
        )
    return points


def check_outputs(points, args) -> None:
    """SemcomError for an output that cannot be written, would replace an input or is missing."""
    from ..report.tables import LONGEST

    if len(points) > LONGEST and not (args.json or args.plot):
        raise SemcomError(
            f"--json: missing; the table shows only {LONGEST} of the {len(points)} points"
        )
    if args.plot:
        from ..report import plots

        plots.check_plot(args.plot)
    if args.render:
        from ..media.video import check_video

        check_video(args.render)
    from ..data import set_files

    point, written = points[0], [path for path in (args.json, args.plot, args.render) if path]
    for path in written:
        check_writable(path)
    named = (point.checkpoint, point.adaptive, point.radio.partition(":")[2])
    read = [*point.media, *filter(None, named), *set_files(point.data)]
    for path, list_ in ((point.record, written), (replayed(point.radio), read)):
        if path:
            from ..protocol.recording import files_of

            list_ += files_of(path)
    check_apart(written, read)


def clips_of(points, args):
    """The set of clips of the options; a line on standard error for what is unknown of films."""
    from ..run.sets import clips_of
    from ..systems.choice import weights_for

    clips = clips_of(points)
    if not points[0].media:
        return clips
    weights_for(points[0], clips)  # the films take their classes
    for note in clips.truths.notes:
        print(f"{program()}: {note}", file=sys.stderr)
    if args.render and (streams := clips.streams()):
        raise SemcomError(
            f"--render: reads the films twice, and {streams[0]} can be read once; give a file, or "
            "leave --render out"
        )
    return clips


def run_all(points, clips, args, records):
    """Run every point; keep ``records`` and the JSON file up to date."""
    from ..base import screen
    from ..run.records import Pace

    known = not (points[0].media or replayed(points[0].radio) and not points[0].frames)
    frames = [known * (point.frames or len(clips)) for point in points]
    places = resumed(points, clips, args, records) if args.resume else []
    left = sorted({*range(len(points))} - {*places})
    run = run_on_cluster if options_of(args).wanted else run_here
    with screen.bar("frames") as bar:
        done = sum(frames[number] for number in places)
        task = bar.add_task("link", total=sum(frames) or None, completed=done)
        pace = Pace()

        def add(number: int, record: dict) -> None:
            at = bisect.bisect(places, number)
            places.insert(at, number)
            records.insert(at, record)
            if pace.is_due():
                began = time.monotonic()
                keep(args, records)
                pace.took(time.monotonic() - began)

        try:
            run(left, points, clips, args, add, lambda n, **more: bar.update(
                task, completed=done + n, **more))  # fmt: skip
        finally:
            keep(args, records)


def resumed(points, clips, args, records) -> list:
    """Numbers of the points that --json holds; their records are added to ``records``.

    SemcomError for a file with points of another sweep, which would be lost.
    """
    from ..run.identity import finished, key_of_point

    if not Path(args.json).is_file():
        return []
    kept = finished(args.json)
    wanted = [key_of_point(point, clips) for point in points]
    if others := len(kept.keys() - set(wanted)):
        raise SemcomError(
            f"--json {args.json}: has {others} points that are not in this sweep and would be "
            "lost; give another file, or leave --resume out to replace it"
        )
    places = [number for number, each in enumerate(wanted) if each in kept]
    for at, number in enumerate(places):
        records.insert(at, kept[wanted[number]])
    return places


def run_here(numbers, points, clips, args, add, advance) -> None:
    """Run points one after the other in this process."""
    before = 0
    for number in numbers:
        point, found, arrived = points[number], [], 0

        def on_frames(count, done=before):
            nonlocal arrived
            arrived = count
            advance(done + count)

        advance(before, description=point.where())
        try:
            run_one(point, clips, args, found, on_frames)
        finally:
            for record in found:
                add(number, record)
        before += point.frames or len(clips) or arrived
        advance(before)


def run_on_cluster(numbers, points, clips, args, add, advance) -> None:
    """Run points in worker processes.

    A point that ended the workers that tried it is reported by a line; the others are run.  Of
    several films those that were measured are kept, whatever ends the sweep.
    """
    from ..sweep.points import Sweep

    began, finished = time.monotonic(), 0
    with opened(options_of(args)) as cluster:
        sweep = Sweep(cluster, [points[number] for number in numbers], clips)
        try:
            for at, result in sweep.records(advance):
                if isinstance(result, Died):
                    fault(result.line)
                    continue
                add(numbers[at], result)
                finished += 1
                rate = 60 * finished / (time.monotonic() - began)
                advance(sweep.frames_done, description=f"{rate:.0f} points a minute")
        except (KeyboardInterrupt, BlockError, SemcomError) as stop:
            for at, record in sweep.cut(stop):
                add(numbers[at], record)
            raise


def keep(args, records, over: bool = False) -> None:
    """Write the JSON file; a pipe or a device only when the sweep is ``over``."""
    from ..run.records import write_json

    if args.json and records and is_stream(args.json) == over:
        write_json(args.json, records)


def run_one(point, clips, args, records, on_frames) -> None:
    """Run a point and add its record, also of a run that was stopped; print and draw the outcomes
    of films."""
    from ..run.runner import run_point

    if not point.media:
        try:
            records.append(run_point(point, clips, on_frames))
        except (KeyboardInterrupt, BlockError) as stop:
            records += filter(None, [getattr(stop, "result", None)])
            raise
        return
    done, stop = run_over_films(point, clips, args, on_frames)
    records.append(done.record)
    show_films(done, point, args)
    if stop:
        raise stop
    if args.render and done.windows:
        from ..report.film import render

        render(args.render, done, point, clips)


def run_over_films(point, clips, args, on_frames) -> tuple:
    """Run a point over films: (result, exception that stopped it or None).

    With --render and the task of media, the received film is written while the link runs.
    """
    from contextlib import nullcontext

    from ..run.films import run_films
    from ..systems.registry import task_of

    drawn, stop = nullcontext(), None
    if args.render and task_of(point.system, point.task).film == "media":
        from ..report.film import shown_film

        drawn = shown_film(args.render, point, clips)
    try:
        with drawn as film:
            more = {"on_outcome": film.take} if film else {}
            try:
                done = run_films(point, clips, on_frames, **more)
            except (KeyboardInterrupt, BlockError) as cause:
                stop, done = cause, getattr(cause, "result", None)
                if done is None:
                    raise
            if film:
                film.finish(0 if stop else len(clips.places))
    except SemcomError:
        if not stop or done.record["frames_received"]:
            raise
        # it was stopped before the first clip came, so there is no film
    return done, stop


def show_films(run, point, args) -> None:
    """Print the outcomes of films and, with --profile, the times of the stages."""
    from ..report import tables
    from ..run import films

    if run.windows:
        tables.show(films.table(run.windows, f"{point.system}, {point.where()}"))
    if said := films.said_table(run.record):
        tables.show(said)
    if args.profile:
        tables.show(films.profile_table(run))


def where(record: dict) -> str:
    """Channel and SNR of a point."""
    snr = record["snr_db"]
    return record["channel"] + ("" if snr is None else f", {snr:g} dB")


def room_for(args, record: dict) -> str:
    """The options that may make room for the units of a point."""
    if hasattr(args, "adaptive"):
        return "more --uses"
    smaller = ", a smaller --size" if "size" in record["scenario"] else ""
    return f"more --uses{smaller} or another --source"


def show(args, records) -> int:
    """Print the table, write the plot, name the films that failed; exit status 1 if any did."""
    from ..report import plots, tables

    try:
        keep(args, records, over=True)
    finally:  # what cannot be written can be read
        for task in dict.fromkeys(record["task"] for record in records):
            if "media" not in records[0] or task != "events":
                tables.show(tables.table([each for each in records if each["task"] == task]))
    for record in records:
        if record.get("units_cut"):
            print(
                f"{program()}: {100 * record['units_cut']:.0f} % of the units at "
                f"{where(record)} did not fit: the largest clip needs {record['payload_needed']} "
                f"payload symbols at its lowest quality; give {room_for(args, record)}",
                file=sys.stderr,
            )
    if args.plot:
        plots.plot(args.plot, records)
    failures = [line for record in records for line in record.get("media_failed", ())]
    for line in dict.fromkeys(failures):
        print(f"{program()}: error: {line}", file=sys.stderr)
    return 1 if failures else 0


def main(argv=None) -> int:
    """Run the program; its exit status."""
    args = parse(argv)
    if args.profile:  # GNU Radio reads the variable once, when it is loaded
        os.environ["GR_CONF_PERFCOUNTERS_ON"] = "True"
    from ..run.records import Records

    records = Records()

    def work():
        points = points_of(args)
        run_all(points, clips_of(points, args), args, records)

    with stoppable():
        status = ended(work, records)
        shown = ended(lambda: show(args, records), records) if records else 0
        return status or shown


def ended(work, records) -> int:
    """Do ``work``; the exit status, with the number of finished points if it is stopped."""

    def finished() -> str:
        whole = sum("stopped" not in record for record in records)
        part = len(records) - whole
        more = f", {'one' if part == 1 else part} in part" if part else ""
        return f"{whole} points are finished{more}"

    return exit_status(program(), work, finished, (SemcomError, ValueError))
