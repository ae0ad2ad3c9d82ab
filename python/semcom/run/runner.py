# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs one point of a sweep through GNU Radio and makes its record.

Sets of clips and media files are run alike; the system's task defines outcomes and their scores.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..base.awake import Awake, Idle
from ..base.errors import BlockError, SemcomError
from ..base.options import settled
from ..blocks import guard
from ..blocks.clip_source import clip_source
from ..blocks.media_source import media_source
from ..chain import metrics
from ..data.films import Films
from ..systems.choice import decoder_of
from ..systems.loading import parted, shared_system
from ..systems.registry import task_of
from .budget import model_for
from .channel_uses import channel_uses
from .error_free import error_free
from .flowgraph import LinkFlowgraph
from .identity import identity
from .options import replayed
from .parts import (
    Part,
    Span,
    batch_of,
    counted,
    counts_of,
    frames_of,
    is_by_itself,
    is_divisible,
    merged,
    one_thread,
    spans,
)
from .radio_flowgraph import RadioFlowgraph, replay_flowgraph
from .radio_run import AirLog, air_record, check_heard
from .records import stopped_by
from .replay import Told, told_by, told_of_clips, told_of_model
from .scenario import Scenario
from .tally import Tally

MEASURED = ("evm_db", "papr_db", "channel_nmse_db", "path_snr_db")  # by the link meter, if any


@dataclass
class Run:
    """A point that was run: its flowgraph, received frames and duration; ``told`` is the
    description in the recording of a replay."""

    point: Scenario
    clips: object
    weights: str  # weights and settings
    flowgraph: object
    tally: Tally
    log: AirLog | None
    told: Told | None = None
    span: Span | None = None  # of its frames, if they are a part of the point's
    cut: bool = False  # ended before all frames were sent
    stop: BaseException | None = None  # exception that ended a run whose results are kept
    failures: list = field(default_factory=list)  # errors of files that could not be read
    wall_s: float = 0.0

    @property
    def net(self):
        """The system that ran."""
        return shared_system(self.point.system, self.weights, self.point.device)

    @property
    def task(self):
        """Its task."""
        return self.tally.task

    def is_live(self) -> bool:
        """Whether the run cannot be repeated: the results of films, devices and radios in real time
        are kept, whatever ends the run."""
        return isinstance(self.clips, Films) or (bool(self.log) and not self.flowgraph.lockstep)

    def is_cut(self) -> None:
        """Note that the run ends before all frames were sent."""
        self.cut = True


def run_point(point: Scenario, clips, on_frames=lambda count: None, make=None) -> dict:
    """Send clips over the link of ``point``; returns its JSON record.

    on_frames  called with the number of received frames, for a progress bar
    make       function of (point, weights) that makes another flowgraph than the point's

    guard.BlockError if a block failed or the flowgraph stalled.  An exception that ends a run that
    cannot be repeated (films, radios in real time) has the record so far as its attribute
    ``result``, with the cause in its key "stopped".
    """
    if make or is_one_run(point, clips):
        return in_one_run(point, clips, record, on_frames, make=make)
    return in_parts(point, clips, on_frames)


def is_one_run(point: Scenario, clips) -> bool:
    """Whether a single process sends all frames of a point in one run.

    Films are, since a film is then decoded while the one before is still sent; but with
    --until-errors the clock would decide how many frames are sent.
    """
    films = isinstance(clips, Films) and not point.until_errors
    return films or not is_divisible(point, clips)


def in_one_run(point: Scenario, clips, made, on_frames=lambda count: None, **how):
    """Run a whole point at once; returns ``made(run)``.

    how  further arguments of :func:`execute`
    """
    live = isinstance(clips, Films) and clips.streams()  # may need all threads to keep up
    with one_thread() if is_by_itself(point) and not live else contextlib.nullcontext():
        return kept(execute(point, clips, on_frames, **how), made)


def in_parts(point: Scenario, clips, on_frames=lambda count: None, **how) -> dict:
    """Run a divisible point part by part; returns its record.  Films that are stopped have the
    record so far as the exception's attribute ``result``.

    how  further arguments of :func:`measure`
    """
    parts = []
    try:
        for span in spans(point, clips):
            own = clips.file(span.file) if isinstance(clips, Films) else clips

            def seen(count, done=span.first):
                on_frames(done + count)

            parts.append(measure(point, own, span, seen, **how))
            if isinstance(clips, Films):
                clips.places = [*clips.places[: span.first], *own.places]
            if is_decided(point, parts):
                break
    except (KeyboardInterrupt, BlockError) as stop:
        parts += filter(None, [getattr(stop, "result", None)])
        if parts and isinstance(clips, Films):
            stop.result = joined_record(point, clips, parts, stop)
        raise
    return joined_record(point, clips, parts)


def measure(point: Scenario, clips, span: tuple, on_frames=lambda count: None, made=None,
            **how) -> Part:  # fmt: skip
    """Run only the frames [first, end) of a divisible point; returns their results.

    clips  the set; of films, the file of the span by itself
    made   function of a finished Run that makes its Part; None: :func:`part_of`
    how    further arguments of :func:`execute`

    SemcomError for a file that has another number of clips than was counted.
    """
    span = Span(*span)
    with one_thread():
        part = kept(execute(point, clips, on_frames, span=span, **how), made or part_of)
    if isinstance(clips, Films) and part.sent != span.end - span.first:
        raise SemcomError(
            f"{clips.names[0]}: {part.sent} clips, {span.end - span.first} were counted before; "
            "keep the files during a run"
        )
    return part


def is_decided(point: Scenario, parts: list) -> bool:
    """Whether the first parts of a point have the number of errors that ends it."""
    task = task_of(point.system, point.task)
    rows = (row for part in parts for row in part.scores.values())
    return bool(point.until_errors) and sum(map(task.errors, rows)) >= point.until_errors


def joined_record(point: Scenario, clips, parts: list, stop: BaseException | None = None) -> dict:
    """The record of a divisible point from its parts.

    stop  exception that ended the point before all parts were measured
    """
    point, weights = as_run(point, clips)
    whole = merged(parts)
    if not stop:
        check_sent(whole.sent, whole.failures)
    found = record_of(point, clips, weights, whole)
    if stop:
        found["stopped"] = stopped_by(stop)
    return found | films_record(whole) if isinstance(clips, Films) else found


def kept(run: Run, result):
    """The ``result`` of a finished run, whose memory is freed.  The exception that stopped a run is
    raised, with the result as its attribute ``result``."""
    found = result(run)
    run.flowgraph.release()
    if run.stop:
        run.stop.result = found
        raise run.stop
    return found


def execute(point: Scenario, clips, on_frames=lambda count: None, make=None, watch=None,
            on_outcome=lambda number, outcome: None, span=None) -> Run:  # fmt: skip
    """Run a point; the caller has to free the flowgraph.

    watch       called with the flowgraph before it starts
    on_outcome  called with the number and the outcome of each received frame
    span        the frames to send, for a divisible point

    The other arguments are those of :func:`run_point`.
    """
    told = told_by(path) if (path := replayed(point.radio)) else None
    point, weights = as_run(point, clips, told)
    flowgraph = build(point, clips, weights, make, span)
    if is_by_itself(point):
        _set_batches(point, clips, flowgraph, shared_system(point.system, weights, point.device))
    if watch:
        watch(flowgraph)
    frames = point.frames or (None if told else len(clips) or None)
    log = _air_log(point, flowgraph, frames, told)
    classes = shared_system(point.system, weights, point.device).classes
    tally = Tally(task_of(point.system, point.task), clips, classes, on_outcome)
    flowgraph.sink.judge = tally.judge
    run = Run(point, clips, weights, flowgraph, tally, log, told, span)
    if point.record:
        flowgraph.recording.tell(lambda: told_of_run(run))
    run.net.begin()
    began = time.perf_counter()
    try:
        # A radio in real time does not wait for a busy computer.
        silence = Awake() if point.radio else Idle()
        guard.run(
            flowgraph,
            progress=lambda: _progress(run, on_frames),
            cut=run.is_cut,
            silence=silence,
        )
    except (KeyboardInterrupt, BlockError) as stop:
        by_hand = isinstance(stop, KeyboardInterrupt)
        if not (run.is_live() and (by_hand or tally.seen)):
            raise
        run.stop = stop
    if isinstance(clips, Films) and flowgraph.source:
        run.failures = flowgraph.source.failures
        if not (span or run.stop):  # a stopped run may not have come to a film that can be read
            check_sent(flowgraph.source.sent, run.failures)
    run.wall_s = time.perf_counter() - began
    if told:
        check_heard(flowgraph.ends[0].recording, told.path, log.sync)
    for number, items in flowgraph.receiver.decoder.leftovers():
        tally.judge(number, run.task.outcome(items))
    on_frames(run.tally.seen)
    if log:
        log.finish(flowgraph.source.sent if flowgraph.source else frames, run.cut or bool(run.stop))
        run.tally.miss(range(log.frames))
    return run


def _air_log(point: Scenario, flowgraph, frames: int | None, told) -> AirLog | None:
    """The log of a run over radios or of a recording; None for the aligned chain."""
    if told:
        length = len(flowgraph.ends[0].recording)
        return AirLog(flowgraph, frames, told.check_frames(point, length))
    return AirLog(flowgraph, frames) if point.radio else None


def check_sent(sent: int, failures: list) -> None:
    """BlockError with the errors of films that could not be read, if nothing was sent."""
    if failures and not sent:
        raise BlockError("; ".join(dict.fromkeys(failures)))


def as_run(point: Scenario, clips, told: Told | None = None) -> tuple[Scenario, str]:
    """The point with its options as they are run, and its weights and settings.

    told  description in a recording that is replayed
    """
    films = isinstance(clips, Films)
    if films:
        point = replace(point, media=tuple(clips.names), features=clips.asked)
    if told:
        point = told.recall_point(point)
        told.check_clips(clips, point.split)
    point = settled(point)
    weights = told.model(point, clips) if told else model_for(point, clips)
    if films and not told:
        point = replace(point, features=clips.features)
    return point, weights


def build(point: Scenario, clips, weights: str, make=None, span=None):
    """The flowgraph of a point, or of a span of its frames."""
    if make:
        return make(point, weights)
    if replayed(point.radio):
        return replay_flowgraph(point, weights)
    net = shared_system(point.system, weights, point.device)
    source = source_of(clips, [place.takes for place in net.topology], point.frames, span)
    return (RadioFlowgraph if point.radio else LinkFlowgraph)(point, source, weights)


def _set_batches(point: Scenario, clips, flowgraph, net) -> None:
    """Make the batches of networks depend only on frame numbers."""
    size = batch_of(point, clips, net)
    end = frames_of(point, clips) if size > 1 else None
    encoders = [terminal.encoder for terminal in flowgraph.ends_of_chain]
    for block in [*encoders, flowgraph.receiver.decoder]:
        block.in_batches(size, end)


def told_of_run(run: Run) -> dict:
    """The fields of a run's recording that are known at its end."""
    told = told_of_clips(run.clips) | told_of_model(run.point, run.weights)
    if run.cut:  # how many were sent is not known; without one that was heard, nothing is
        run.log.update()
        return {**told, "frames": run.log.highest + 1 or None}
    sent = run.flowgraph.source.sent if run.flowgraph.source else run.log.frames
    return {**told, "frames": sent} if sent else told


def source_of(clips, takes: list, frames: int, span=None):
    """The source block for a set, or a span of its frames, or media files."""
    span = span or Span(0, frames)
    if not isinstance(clips, Films):
        return clip_source(clips, frames=span.end, takes=takes, first=span.first)
    source = media_source(clips.names, clips.microphone, clips.features, clips.weights,
                          takes=takes, frames=frames and frames - span.first)  # fmt: skip
    clips.places, source.failures = source.places, []
    clips.first = source.first = span.first
    return source


def _progress(run: Run, on_frames):
    """The progress function of a run for guard.run: it grows with received frames; None at the
    end."""
    flowgraph, tally, log = run.flowgraph, run.tally, run.log
    on_frames(tally.seen)
    if log:
        log.update()
    if log and not flowgraph.lockstep and log.is_over(flowgraph.sink, run.point.attempts > 1):
        return None
    if run.span is None and 0 < run.point.until_errors <= tally.errors():
        run.is_cut()
        return None
    source = flowgraph.ends[0] if run.told else flowgraph.source
    # Sent frames are progress, also if none is received.
    return tally.seen + (source.sent if source else 0)


def part_of(run: Run) -> Part:
    """The results of the frames of a run."""
    flowgraph, rows = run.flowgraph, run.tally.rows
    source, windows = flowgraph.source, windows_of(run) if isinstance(run.clips, Films) else {}
    return Part(
        file=run.span.file if run.span else 0,
        scores=dict(rows),
        units={number: length(run, number) for number in rows},
        free=None
        if run.stop
        else error_free(run, sorted(rows)),  # a stopped program has to end soon
        measured=flowgraph.meter.measured() if flowgraph.meter else None,
        counts=counts_of(flowgraph, run.net),
        sent=source.sent - getattr(source, "first", 0) if source else None,
        received=flowgraph.sink.received,
        wall_s=run.wall_s,
        windows=windows,
        failures=run.failures,
        seconds=sum(run.clips.place(number)[2] for number in windows),
    )


def record(run: Run) -> dict:
    """The record of a finished run (keys: docs/reference/records.md)."""
    noise = run.told.noise if run.told else {}
    heard, part = run.log.mean_symbols if run.log else 0.0, part_of(run)
    found = record_of(run.point, run.clips, run.weights, part, heard, **noise)
    if run.stop:
        found["stopped"] = stopped_by(run.stop)
    if isinstance(run.clips, Films):
        found |= films_record(part)
    return found | (air_record(run.point, run.flowgraph, run.log) if run.log else {})


def record_of(point: Scenario, clips, weights: str, part: Part, heard=0.0, **noise) -> dict:
    """The record of a point from the results of its frames.

    heard  [symbols] mean payload of the frames that a radio's receiver received
    noise  {option: SNR [dB]} of a recording
    """
    net, task = (
        shared_system(point.system, weights, point.device),
        task_of(point.system, point.task),
    )
    numbers = counted(part.scores, task, point.until_errors)
    scores = np.array([part.scores[n] for n in numbers])
    figures = task.figures(scores, point.seed)
    units = [part.units[n] for n in numbers]
    free = [part.free[n] for n in numbers] if part.free is not None else []
    measured = dict.fromkeys(MEASURED)
    if part.measured is not None:
        measured = metrics.link_figures(part.measured[1])
    known, (file, _) = identity(point, clips, weights), parted(weights)
    told = known["scenario"]  # without the options that had no effect
    noise = noise or told
    return {
        "system": point.system,
        "task": task.name,
        "variant": point.variant,
        "decoder": decoder_of(net),
        "split": told.get("split"),
        "checkpoint": Path(file).name if file else None,
        **known,
        "channel": point.radio or point.channel,
        "snr_db": noise.get("snr"),
        "sidelink_snr_db": noise.get("sidelink_snr"),
        "csi": told.get("csi"),
        "detector": told["detector"],
        "seed": point.seed,
        **figures,
        f"{task.primary}_error_free": task.figures(np.array(free), point.seed)[task.primary]
        if free
        else None,
        "channel_nmse_db": measured["channel_nmse_db"],
        "measured_snr_db": measured_snr_db(point, measured["path_snr_db"]),
        "evm_db": measured["evm_db"],
        "papr_db": measured["papr_db"],
        **channel_uses(point, net, part.counts, task.unit, units, heard),
        "frames_sent": part.sent,
        "frames_received": part.received,
        **attempts_record(point, part.counts),
        **net.figures(part.counts),
        "wall_s": part.wall_s,
        "clips_per_s": part.received / part.wall_s,
    }


def length(run: Run, number: int) -> int:
    """Number of units of a frame; for a film without truth, its seconds."""
    known = run.task.length(run.tally.truth(number))
    return known or (run.clips.place(number)[2] if isinstance(run.clips, Films) else 0)


def windows_of(run: Run) -> dict:
    """{frame: keys of the record} of each window of media that was received."""
    clips = run.clips
    return {
        n: {"file": Path(clips.place(n)[0]).name, **entry, "truth": clips.names_of_truth(n)}
        for n, entry in run.tally.entries.items()
    }


def films_record(part: Part) -> dict:
    """The additional keys of a run over media files: each window, and the speed relative to real
    time."""
    windows = [part.windows[number] for number in sorted(part.windows)]
    return {"media": windows, "media_failed": part.failures, "seconds": part.seconds,
            "times_real_time": part.seconds / part.wall_s}  # fmt: skip


def attempts_record(point: Scenario, counts: dict) -> dict:
    """The additional keys of a run with retransmissions: attempts of a frame (or of a fragment),
    their mean and histogram; frames that were not good enough after the last attempt; answers lost
    on a simulated return link."""
    if point.attempts == 1:
        return {}
    took = [counts.get(f"took_{n}", 0) for n in range(1, point.attempts + 1)]
    mean = sum(n * count for n, count in enumerate(took, 1)) / max(1, sum(took))
    return {
        "attempts": {"mean": mean, "frames": took},
        "frames_given_up": counts["given_up"],
        "answers_lost": counts.get("answers_lost"),
    }


def measured_snr_db(point: Scenario, path_snr_db):
    """SNR per stream from the pilots' mean over all M x K paths; AWGN has only K paths."""
    if path_snr_db is None or point.channel == "none":
        return None  # without noise only rounding errors would be measured
    if point.channel != "awgn":
        return path_snr_db
    return path_snr_db + float(10 * np.log10(point.antennas))
