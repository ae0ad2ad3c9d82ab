# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run one point of a sweep through GNU Radio and turn what came out into a record.

Sets of clips and media files take the same way; what an outcome is, and what it is worth, the
system's task knows.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..base.errors import BlockError
from ..base.files import sha256
from ..base.options import settled
from ..blocks import guard
from ..blocks.clip_source import clip_source
from ..blocks.media_source import media_source
from ..chain import reference
from ..data.clipset import clip_number
from ..data.films import Films
from ..systems.choice import decoder_of, error_free_weights
from ..systems.loading import parted, shared_system
from ..systems.registry import task_of
from .budget import model_for
from .channel_uses import channel_uses
from .flowgraph import LinkFlowgraph
from .options import replayed
from .radio_flowgraph import RadioFlowgraph, replay_flowgraph
from .radio_run import AirLog, air_record, check_heard
from .records import stopped_by
from .replay import Told, told_by, told_of_clips, told_of_model
from .scenario import Scenario, settings

MEASURED = ("evm_db", "papr_db", "channel_nmse_db", "path_snr_db")  # beside the chain, if at all


class Tally:
    """Scores of the frames of a run, counted as they arrive at the sink.

    ``entries`` has what a record says of each window of films.  ``on_outcome`` is called with the
    number and the outcome of each frame.
    """

    def __init__(self, task, clips, classes, on_outcome=lambda number, outcome: None):
        self.task, self.clips, self.classes, self.rows, self.entries = task, clips, classes, {}, {}
        self._on_outcome = on_outcome

    @property
    def seen(self) -> int:
        return len(self.rows)

    def judge(self, number: int, outcome) -> None:
        """Count a frame that came."""
        if number in self.rows:
            return
        if isinstance(self.clips, Films):
            start = self.clips.places[number][1]
            self.entries[number] = self.task.entry(outcome, self.classes, start)
        self.rows[number] = self.task.score(self.truth(number), outcome)
        self._on_outcome(number, outcome)

    def truth(self, number: int):
        """What a frame really was."""
        return self.task.truth(self.clips, clip_number(self.clips, number))

    def miss(self, numbers) -> None:
        """Count the frames that did not arrive as missed."""
        for number in set(numbers) - set(self.rows):
            self.rows[number] = self.task.score(self.truth(number), None)

    def until(self, errors: int) -> list:
        """Frame numbers in order, up to the one in which the ``errors``-th error fell (0: all)."""
        numbers, wrong = [], 0
        for number in sorted(self.rows):
            numbers.append(number)
            wrong += self.task.errors(self.rows[number])
            if errors and wrong >= errors:
                break
        return numbers

    def errors(self) -> int:
        return sum(self.task.errors(row) for row in self.rows.values())


@dataclass
class Run:
    """One point that was run: its flowgraph, what arrived, and how long it took; ``told`` by the
    recording, of a replay."""

    point: Scenario
    clips: object
    weights: str  # and settings
    flowgraph: object
    tally: Tally
    log: AirLog | None
    told: Told | None = None
    cut: bool = False  # ended before all was sent
    stop: BaseException | None = None  # what ended a run whose frames so far are kept
    failures: list = field(default_factory=list)  # lines of the files that could not be read
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
        """Whether it cannot be had again: what came of films, devices and radios by the clock is
        kept, whatever ends it."""
        return isinstance(self.clips, Films) or (bool(self.log) and not self.flowgraph.lockstep)

    def is_cut(self) -> None:
        """It ends here, whatever was still to be sent."""
        self.cut = True


def run_point(point: Scenario, clips, on_frames=lambda count: None, make=None) -> dict:
    """Send clips over the link that ``point`` describes; return its JSON record.

    on_frames  called with the number of frames that have arrived, for a progress bar
    make       of (point, weights), in the place of the flowgraph that the point asks for
    Raises guard.BlockError if a block failed or the flowgraph stalled.  What ends a run that cannot
    be had again (films, radios that go by their clocks) is raised with the record of what came till
    then as its attribute ``result``; the cause stands there as "stopped".
    """
    return kept(execute(point, clips, on_frames, make), record)


def kept(run: Run, result):
    """``result`` of a run that is over, whose memory is then let go.  Of one that was stopped, what
    stopped it is raised, with the result as its attribute ``result``."""
    found = result(run)
    run.flowgraph.release()
    if run.stop:
        run.stop.result = found
        raise run.stop
    return found


def execute(point: Scenario, clips, on_frames=lambda count: None, make=None, watch=None,
            on_outcome=lambda number, outcome: None) -> Run:  # fmt: skip
    """Run a point; whoever calls lets go of the flowgraph.

    watch       called with the flowgraph before it starts
    on_outcome  called with the number and the outcome of each frame that arrives
    The others as of :func:`run_point`.
    """
    if isinstance(clips, Films):
        point = replace(point, media=tuple(clips.names), features=clips.asked)
    told = told_by(path) if (path := replayed(point.radio)) else None
    if told:
        point = told.recall_point(point)
        told.check_clips(clips, point.split)
    point = settled(point)
    weights = told.model(point, clips) if told else model_for(point, clips)
    if isinstance(clips, Films) and not told:
        point = replace(point, features=clips.features)
    flowgraph = build(point, clips, weights, make)
    if watch:
        watch(flowgraph)
    frames = point.frames or (None if told else len(clips) or None)
    log = None
    if told:
        recording = flowgraph.ends[0].recording
        log = AirLog(flowgraph, frames, told.check_frames(point, len(recording)))
    elif point.radio:
        log = AirLog(flowgraph, frames)
    classes = shared_system(point.system, weights, point.device).classes
    tally = Tally(task_of(point.system, point.task), clips, classes, on_outcome)
    flowgraph.sink.judge = tally.judge
    run = Run(point, clips, weights, flowgraph, tally, log, told)
    if point.record:
        flowgraph.recording.tell(lambda: told_of_run(run))
    run.net.begin()
    began = time.perf_counter()
    try:
        guard.run(flowgraph, progress=lambda: _progress(run, on_frames), cut=run.is_cut)
    except (KeyboardInterrupt, BlockError) as stop:
        by_hand = isinstance(stop, KeyboardInterrupt)
        if not (run.is_live() and (by_hand or tally.seen)):
            raise
        run.stop = stop
    if isinstance(clips, Films) and flowgraph.source:
        run.failures = flowgraph.source.failures
        if run.failures and not flowgraph.source.sent:
            raise BlockError("; ".join(dict.fromkeys(run.failures)))
    run.wall_s = time.perf_counter() - began
    if told:
        check_heard(recording, told.path, log.sync)
    for number, items in flowgraph.receiver.decoder.leftovers():
        tally.judge(number, run.task.outcome(items))
    on_frames(run.tally.seen)
    if log:
        log.finish(flowgraph.source.sent if flowgraph.source else frames, run.cut or bool(run.stop))
        run.tally.miss(range(log.frames))
    return run


def build(point: Scenario, clips, weights: str, make=None):
    """The flowgraph of a point."""
    if make:
        return make(point, weights)
    if replayed(point.radio):
        return replay_flowgraph(point, weights)
    net = shared_system(point.system, weights, point.device)
    source = source_of(clips, [place.takes for place in net.topology], point.frames)
    return (RadioFlowgraph if point.radio else LinkFlowgraph)(point, source, weights)


def told_of_run(run: Run) -> dict:
    """What the recording of a run tells besides its options, when the run is over or was cut."""
    told = told_of_clips(run.clips) | told_of_model(run.point, run.weights)
    if run.cut:
        run.log.update()
    sent = run.flowgraph.source.sent if run.flowgraph.source else run.log.frames
    frames = run.log.highest + 1 if run.cut else sent
    return {**told, "frames": frames} if frames else told


def source_of(clips, takes: list, frames: int):
    """The block that sends a set, or media files."""
    if not isinstance(clips, Films):
        return clip_source(clips, frames=frames, takes=takes)
    source = media_source(clips.names, clips.microphone, clips.features, clips.weights,
                          takes=takes, frames=frames)  # fmt: skip
    clips.places, source.failures = source.places, []
    return source


def _progress(run: Run, on_frames):
    """Heartbeat of a run for its watchdog: grows with what arrives; None once it may end."""
    flowgraph, tally, log = run.flowgraph, run.tally, run.log
    on_frames(tally.seen)
    if log:
        log.update()
    if log and not flowgraph.lockstep and log.is_over(flowgraph.sink, run.point.attempts > 1):
        return None
    if run.point.until_errors and tally.errors() >= run.point.until_errors:
        run.is_cut()
        return None
    source = flowgraph.ends[0] if run.told else flowgraph.source
    return tally.seen + (source.sent if source else 0)  # it is busy, be it that nothing is heard


def identity(point: Scenario, clips, weights: str) -> dict:
    """The part of a record that tells it from those of all other points, sets and weights."""
    weights, free = parted(weights)[0], error_free_weights(point, weights)
    return {
        "scenario": settings(point),
        "data": clips.name,
        "checkpoint_sha256": sha256(weights) if weights else None,
        "error_free_sha256": sha256(free) if free else None,
    }


def record(run: Run) -> dict:
    """The figures of one point (README, records)."""
    point, flowgraph, task = run.point, run.flowgraph, run.task
    numbers = run.tally.until(point.until_errors)
    scores = np.array([run.tally.rows[n] for n in numbers])
    figures = task.figures(scores, point.seed)
    units = [length(run, n) for n in numbers]
    measured = flowgraph.meter.report() if flowgraph.meter else dict.fromkeys(MEASURED)
    known, (weights, _) = identity(point, run.clips, run.weights), parted(run.weights)
    told = known["scenario"]  # without the options that had no effect
    noise = run.told.noise if run.told else told
    found = {
        "system": point.system,
        "task": task.name,
        "variant": point.variant,
        "decoder": decoder_of(run.net),
        "split": told.get("split"),
        "checkpoint": Path(weights).name if weights else None,
        **known,
        "channel": point.radio or point.channel,
        "snr_db": noise.get("snr"),
        "sidelink_snr_db": noise.get("sidelink_snr"),
        "csi": told.get("csi"),
        "detector": told["detector"],
        "seed": point.seed,
        **figures,
        f"{task.primary}_error_free": None
        if run.stop  # there may be no time
        else error_free(point, run.clips, run.weights, numbers),
        "channel_nmse_db": measured["channel_nmse_db"],
        "measured_snr_db": measured_snr_db(point, measured["path_snr_db"]),
        "evm_db": measured["evm_db"],
        "papr_db": measured["papr_db"],
        **channel_uses(
            point, run.net, flowgraph, task.unit, units, run.log.mean_symbols if run.log else 0.0
        ),
        "frames_sent": flowgraph.source.sent if flowgraph.source else None,
        "frames_received": flowgraph.sink.received,
        **attempts_record(point, flowgraph),
        **run.net.figures(),
        "wall_s": run.wall_s,
        "clips_per_s": flowgraph.sink.received / run.wall_s,
    }
    if run.stop:
        found["stopped"] = stopped_by(run.stop)
    if isinstance(run.clips, Films):
        found |= films_record(run)
    return found | (air_record(point, flowgraph, run.log) if run.log else {})


def length(run: Run, number: int) -> int:
    """Units of a frame; its seconds, of a film of which nothing is known."""
    known = run.task.length(run.tally.truth(number))
    return known or (run.clips.places[number][2] if isinstance(run.clips, Films) else 0)


def films_record(run: Run) -> dict:
    """What a run over media files tells more: each window, and how much faster than life it was."""
    entries, clips = run.tally.entries, run.clips
    windows = [
        {"file": Path(name).name, **entries[n], "truth": clips.names_of_truth(n)}
        for n, (name, _, _) in enumerate(clips.places)
        if n in entries
    ]
    seconds = sum(length for n, (_, _, length) in enumerate(clips.places) if n in entries)
    return {"media": windows, "media_failed": run.failures, "seconds": seconds,
            "times_real_time": seconds / run.wall_s}  # fmt: skip


def attempts_record(point: Scenario, flowgraph) -> dict:
    """What a run whose frames can be asked for again tells more: attempts of a frame (of a
    fragment, where it has several), the mean and how many took 1, 2, ...; frames whose last attempt
    was not good enough either; answers that were lost on the return link, where it is simulated."""
    if point.attempts == 1:
        return {}
    heard = flowgraph.receiver.decoder.combined
    done = flowgraph.repeater.sender if flowgraph.repeater else heard
    counts = [done.histogram[n] for n in range(1, point.attempts + 1)]
    mean = sum(n * count for n, count in enumerate(counts, 1)) / max(1, sum(counts))
    return {
        "attempts": {"mean": mean, "frames": counts},
        "frames_given_up": heard.forced,
        "answers_lost": flowgraph.return_link.lost if flowgraph.return_link else None,
    }


def measured_snr_db(point: Scenario, path_snr_db):
    """SNR per stream from the pilots' mean over all M x K paths, of which AWGN has only K."""
    if path_snr_db is None or point.channel == "none":
        return None  # without noise there is nothing but rounding to measure
    if point.channel != "awgn":
        return path_snr_db
    return path_snr_db + float(10 * np.log10(point.antennas))


def error_free(point: Scenario, clips, weights: str, numbers: list):
    """The task's first figure of the system trained and tested with no channel, on the same clips;
    or None."""
    free = None if isinstance(clips, Films) else error_free_weights(point, weights)
    if free is None or not numbers:
        return None
    wanted = sorted({number % len(clips) for number in numbers})
    rows = _error_free(point.system, str(free), point.device, clips, tuple(wanted))
    task = task_of(point.system)
    sent = np.array([rows[number % len(clips)] for number in numbers])
    return task.figures(sent, point.seed)[task.primary]


@functools.lru_cache(maxsize=16)
def _error_free(system, weights, device, clips, wanted: tuple) -> dict:
    """Score of each clip in ``wanted``; the same for all points of a sweep."""
    net, task = shared_system(system, weights, device), task_of(system)
    items = reference.outcomes(Scenario(channel="none", device=device), net, clips, wanted)
    return {
        clip: task.score(task.truth(clips, clip), task.outcome(each))
        for clip, each in zip(wanted, items, strict=True)
    }
