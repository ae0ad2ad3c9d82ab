# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs with media files: the receiver's decision of each second, or the received media."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gnuradio import gr
from rich.table import Table

from ..base.errors import BlockError
from ..base.runs import runs
from ..blocks.collectors import frame_collector
from ..data.films import Films
from ..media.timeline import UNSURE
from ..systems.registry import task_of
from .runner import Run, in_one_run, in_parts, is_one_run, part_of, record
from .scenario import Scenario

RULED_OUT = 1e-4  # mean probability below which an event is not listed


@dataclass(frozen=True)
class Understood:
    """One window: seconds ``start`` to ``start`` + T of ``name``.

    probabilities  [T, C] float32, of ``classes``, background last
    truth          T names of the true events, None if unknown
    symbols        detected symbols of each terminal, [T*L] complex64
    attention      attention of the video terminal, [T, h, w], 0 to 1; None without one
    """

    name: str
    start: int
    classes: Sequence[str]
    probabilities: np.ndarray
    truth: list[str] | None
    symbols: list[np.ndarray]
    attention: np.ndarray | None = None

    @property
    def events(self) -> list[str]:
        """Name of the event of each second."""
        return [self.classes[c] for c in self.probabilities.argmax(1)]

    @property
    def confidence(self) -> np.ndarray:
        """Probability [T] of the decisions."""
        return self.probabilities.max(1)

    def ranked(self) -> list[str]:
        """Names of the events without background, the most probable one in the window first,
        without those of a probability below RULED_OUT."""
        whole = self.probabilities[:, :-1].mean(0)
        return [self.classes[c] for c in np.argsort(-whole) if whole[c] > RULED_OUT]


@dataclass(frozen=True)
class FilmsRun:
    """The result of a run over media.

    record   the record for JSON
    windows  received windows (for the task events, otherwise none)
    stages   {stage: time [s] that it worked}, empty without --profile
    """

    record: dict
    windows: list[Understood]
    stages: dict[str, float]


def run_films(point: Scenario, films: Films, on_frames=lambda count: None,
              on_outcome=lambda number, outcome: None) -> FilmsRun:  # fmt: skip
    """Send media over the link of ``point`` and keep the decisions for a film.

    on_frames   called with the number of received windows, for a progress bar
    on_outcome  called with the number and the outcome of each window as it comes

    guard.BlockError with the errors of the files, if none can be read.
    """
    watched, windows, stages = {}, [], Counter()
    decides = task_of(point.system, point.task).film == "decisions"

    def watch(flowgraph):
        if not decides:
            return
        watched["symbols"] = [frame_collector() for _ in flowgraph.terminals]
        for port, sink in enumerate(watched["symbols"], 1):
            flowgraph.connect((flowgraph.receiver, port), sink)
        for end in flowgraph.ends_of_chain:
            end.encoder.watch()

    def look(run, make):
        if decides:
            heat = {}
            for end in run.flowgraph.ends_of_chain:
                heat |= end.encoder.attention
            windows.extend(understood(run, watched["symbols"], heat))
        stages.update(_stages(run.flowgraph))
        return make(run)

    how = {"watch": watch, "on_outcome": on_outcome}
    try:
        if is_one_run(point, films):
            found = in_one_run(point, films, functools.partial(look, make=record), on_frames, **how)
        else:
            made = functools.partial(look, make=part_of)
            found = in_parts(point, films, on_frames, made=made, **how)
    except (KeyboardInterrupt, BlockError) as stop:
        if hasattr(stop, "result"):
            stop.result = FilmsRun(stop.result, windows, dict(stages))
        raise
    return FilmsRun(found, windows, dict(stages))


def understood(run: Run, symbols: list, heat: dict) -> list[Understood]:
    """The received windows with their symbols and the attention of the video terminal."""
    outcomes, films, found = run.flowgraph.sink.outcomes, run.clips, []
    for number, (name, start, _) in enumerate(films.places, films.first):
        if number in outcomes:
            own = [sink.frames[number] for sink in symbols]
            truth = films.names_of_truth(number)
            told = outcomes[number].probabilities
            found.append(
                Understood(name, start, run.net.classes, told, truth, own, heat.get(number))
            )
    return found


def _stages(flowgraph) -> dict[str, float]:
    """{stage: time [s] that its blocks worked}; {} if GNU Radio does not measure it."""
    ends, receiver = flowgraph.ends_of_chain, flowgraph.receiver
    if not hasattr(flowgraph, "channel"):
        return {}
    radio = [end.pilots for end in ends] + [end.sidelink_pilots for end in ends]
    radio += [*flowgraph.channel.links, *receiver.ears]
    radio += [ear for end in ends for ear in end.ears]
    blocks_of = {
        "encode": [end.encoder for end in ends],
        "radio": [block for block in radio if block],
        "decode": [receiver.decoder],
    }
    if not any(block.pc_work_time_total() for block in blocks_of["encode"]):
        return {}
    counted = {
        stage: sum(block.pc_work_time_total() for block in parts) / gr.high_res_timer_tps()
        for stage, parts in blocks_of.items()
    }
    return {"media (waited for)": flowgraph.source.waited_s,
            "features": flowgraph.source.features_s, **counted}  # fmt: skip


def table(found: list[Understood], title: str) -> Table:
    """A table of the decided events and their times, for the screen."""
    shown = Table(title=title, title_justify="left")
    for head in ("file", "seconds", "event", "confidence", "right"):
        shown.add_column(head)
    for window in found:
        for start, end, event in runs(window.events):
            sure = window.confidence[start:end].mean()
            told = f"{100 * sure:.0f} %" + ", unsure" * bool(sure < UNSURE)
            span = f"{window.start + start}-{window.start + end}"
            right = _share_right(window, start, end)
            name = Path(window.name).name
            shown.add_row(name, span, event, told, right)
        shown.add_section()
    return shown


def said_table(record: dict) -> Table | None:
    """A table of the received sentences, for the screen; None if there are none."""
    shown = Table(title="read by the receiver", title_justify="left")
    for head in ("file", "seconds", "sentence", "xi"):
        shown.add_column(head)
    for clip in record["media"]:
        for start, end, said in runs(clip.get("said", ())):
            span = f"{clip['start'] + start}-{clip['start'] + end}"
            xi = f"{np.mean(clip['xi'][start:end]):.2f}"
            shown.add_row(clip["file"], span, said or "-", xi)
        shown.add_section()
    return shown if shown.row_count else None


def _share_right(window: Understood, start: int, end: int) -> str:
    if window.truth is None:
        return "not known"
    pairs = zip(window.events[start:end], window.truth[start:end], strict=True)
    return f"{sum(event == true for event, true in pairs)} of {end - start}"


def profile_table(run: FilmsRun) -> Table:
    """A table of the time of each stage, for the screen."""
    seconds, wall_s = run.record["seconds"], run.record["wall_s"]
    shown = Table(title=f"{seconds} s of media in {wall_s:.2f} s", title_justify="left")
    for head in ("stage", "ms per second of media", "times real time"):
        shown.add_column(head, justify="left" if head == "stage" else "right")
    for stage, worked in {**run.stages, "all, side by side": wall_s}.items():
        times = f"{seconds / worked:.0f}" if worked else "-"
        shown.add_row(stage, f"{1000 * worked / max(seconds, 1):.1f}", times)
    return shown
