# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The points of a sweep as calls of a cluster, and their records from the results.

A point whose frames are independent is cut into parts if the sweep has too few points for the
workers; its record is the same to the last digit (semcom.run.parts).  Of several films each is a
call, after a first one that counts its clips, since frames are numbered through all films.  A point
that goes on in time (radios, devices, recordings) is one call.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..data import open_set
from ..data.clipset import digest
from ..data.films import Films
from ..run.parts import BATCH, Span, frames_of, is_divisible, spans
from ..run.runner import is_decided, joined_record, measure, run_point
from ..run.scenario import Scenario
from ..run.sets import clips_of, kind_of
from . import hosts
from .cluster import Call, Cluster, Died

MOST = 512  # frames of a call: a few seconds of work, so that little is lost when a worker dies
LEAST = 4 * BATCH  # fewest frames of a part, so that starting it takes less time than measuring it
CALLS_EACH = 4  # calls per worker and sweep, so that all workers end at about the same time


@dataclass(frozen=True)
class Task:
    """A point, or some frames of it, for any host.

    point  the options of the point
    kind   kind of its set, see run.sets.kind_of
    needs  its files by content
    span   its frames; None: the whole point
    """

    point: Scenario
    kind: tuple
    needs: hosts.Needs
    span: Span | None = None


def do(task: Task):
    """Result of a task in this process: the record of a point, or a Part of it; SemcomError that
    names the worker and the file that it lacks."""
    point = hosts.found_set(task.point, task.needs)
    clips = clips_of([point]) if point.media else _opened(point.data, point.split, task.kind)
    point = hosts.found_weights(point, task.needs)
    hosts.check(point, clips, task.needs)
    return run_point(point, clips) if task.span is None else measure(point, clips, task.span)


def count(task: Task) -> int:
    """Number of clips of the film of a task; SemcomError if this host has another film."""
    film = clips_of([task.point])
    hosts.check_set(task.point, film, task.needs)
    return film.count(0, task.point.frames)


@functools.lru_cache(maxsize=2)
def _opened(data: str, split: str, kind: tuple):
    """A set, opened once for all tasks of a process."""
    return open_set(data or None, split, *kind)


@dataclass
class _Point:
    """A point that is cut into parts, with the results that have come, by their span."""

    point: Scenario
    spans: list
    parts: dict = field(default_factory=dict)

    def whole(self) -> list | None:
        """The results of all frames, or of those up to the number of errors that ends the point;
        None while some are missing."""
        found = [*map(self.parts.get, self.spans)]
        found = found[: found.index(None)] if None in found else found
        if not is_decided(self.point, found):
            return found if len(found) == len(self.spans) else None
        while is_decided(self.point, found[:-1]):  # others came before the one that decides
            found.pop()
        return found


class Sweep:
    """Points on a cluster.

    cluster  workers that do the points
    points   Scenarios, all of one kind of set
    clips    the set of all of them

    ``frames_done`` is the number of frames that are measured, of all points together.
    """

    def __init__(self, cluster: Cluster, points: list, clips):
        self.cluster, self.points, self.clips = cluster, points, clips
        self._open, self._done, self.frames_done = {}, set(), 0
        self._kind, self._digests = kind_of(points), []  # digest of each film, if each is a call

    def records(self, on_frames=lambda count: None) -> Iterator[tuple[int, object]]:
        """(index of a point, its record) as they are finished; of a point that ended its workers,
        (index, cluster.Died).

        on_frames  called with ``frames_done`` after each result
        """
        if died := self._count():
            yield from ((number, died) for number in range(len(self.points)))
            return
        for call, result in self.cluster.results(self._calls()):
            number, span = call.key
            if number in self._done:
                continue
            if isinstance(result, Died):
                self._finish(number)
                yield number, result
                continue
            self.frames_done += span.end - span.first if span else self._frames(number)
            on_frames(self.frames_done)
            if span is None:
                self._finish(number)
                yield number, result
                continue
            state = self._open[number]
            state.parts[span] = result
            if parts := state.whole():
                self._finish(number)
                yield number, joined_record(state.point, self.clips, parts)

    def cut(self, stop: BaseException) -> Iterator[tuple[int, dict]]:
        """(index of a point, its record so far) of each point of several films of which some were
        sent when ``stop`` ended :meth:`records`; the key "stopped" has the cause."""
        if not isinstance(self.clips, Films):
            return
        for number, state in self._open.items():
            parts = list(state.parts.values())
            if any(part.sent for part in parts):
                yield number, joined_record(state.point, self.clips, parts, stop)

    def _finish(self, number: int) -> None:
        """Mark a point as finished, and drop its other calls."""
        self._done.add(number)
        self._open.pop(number, None)
        self.cluster.drop(lambda call: call.key[0] == number)

    def _frames(self, number: int) -> int:
        point = self.points[number]
        return frames_of(point, self.clips) if is_divisible(point, self.clips) else point.frames

    def _count(self) -> Died | None:
        """Count the clips of films that are a call each; the call that ended its workers, if any
        did."""
        films, point = self.clips, self.points[0]
        if not (isinstance(films, Films) and is_divisible(point, films)):
            return None
        numbers = range(len(films.names))
        self._digests = [digest(films.file(number)) for number in numbers]
        needs, point = self._placed(point)
        tasks = (self._task(point, needs, Span(0, 0, number)) for number in numbers)
        calls = (Call(t.span.file, f"clips of {t.point.media[0]}", count, (t,)) for t in tasks)
        for call, result in self.cluster.results(calls):
            if isinstance(result, Died):
                self.cluster.drop(lambda call: True)
                return result
            films.counted(call.key, result)
        return None

    def _calls(self) -> Iterator[Call]:
        for number, point in enumerate(self.points):
            needs, point = self._placed(point)
            parts = self._parts(point)
            if len(parts) > 1:
                self._open[number] = _Point(self.points[number], parts)
            for span in parts if len(parts) > 1 else [None]:
                if number in self._done:
                    break
                task = self._task(point, needs, span)
                yield Call((number, span), self._label(task), do, (task,))

    def _task(self, point: Scenario, needs: hosts.Needs, span: Span | None) -> Task:
        """The task of a span of a point; of several films, with the span's own film alone."""
        if span and self._digests:
            needs = replace(needs, set=self._digests[span.file])
            point = replace(point, media=(self.clips.names[span.file],))
        return Task(point, self._kind, needs, span)

    def _label(self, task: Task) -> str:
        """Name of a task for the user."""
        where = f"{task.point.system}, {task.point.where()}"
        if task.span is None:
            return where
        if self._digests:
            return f"{where}, {task.point.media[0]}"
        return f"{where}, frames {task.span.first} to {task.span.end - 1}"

    def _placed(self, point: Scenario) -> tuple[hosts.Needs, Scenario]:
        """What a point needs, and the point with its weights named."""
        needs, weights = hosts.needs(point, self.clips)
        return needs, replace(point, checkpoint=weights)

    def _parts(self, point: Scenario) -> list:
        """Spans of frames of a point, a call each; [None]: the whole point is one call."""
        if not is_divisible(point, self.clips):
            return [None]
        if self._digests:
            return list(spans(point, self.clips))
        frames = frames_of(point, self.clips)
        wanted = CALLS_EACH * max(1, len(self.cluster.workers()))
        share = -(-frames * len(self.points) // wanted)
        return list(spans(point, self.clips, min(MOST, max(LEAST, share))))
