# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Parts of a point: the results of some of its frames, from which the record of the whole point is
computed exactly, for any division into parts.

Random draws are keyed by the frame number, and the batches of networks depend only on it
(SystemBlock.in_batches).  Sums are over integers, or over values of single frames in the order of
frames.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch

from ..data.films import Films
from .scenario import Scenario

try:
    from threadpoolctl import threadpool_limits
except ImportError:  # it comes with scikit-learn

    def threadpool_limits(*limits):
        return contextlib.nullcontext()


BATCH = 16  # frames in a batch of networks
ROOM = 10240  # [symbols]; GNU Radio's two buffers before a channel hold 16384
LOT = 16 * BATCH  # frames after which --until-errors counts the errors


class Span(NamedTuple):
    """Successive frames of a divisible point.

    first  number of the first one
    end    number after that of the last one
    file   number of the file that they are of, for films
    """

    first: int
    end: int
    file: int = 0


@dataclass
class Part:
    """The results of some frames.

    file      number of their file, for films
    scores    {frame: score} (Task.score)
    units     {frame: length in the task's unit}
    free      {frame: score without a channel}, if the system has weights for that
    measured  the values of the link meter (link_meter.measured); None without one
    counts    {name: count}; for "most_..." the largest
    sent      number of frames; None if the sender is in another process
    received  number of frames
    wall_s    [s] duration
    windows   {frame: keys of the record of media}, for films
    failures  errors of files that could not be read, for films
    seconds   [s] of the windows that were received, for films
    """

    file: int = 0
    scores: dict = field(default_factory=dict)
    units: dict = field(default_factory=dict)
    free: dict | None = None
    measured: tuple | None = None
    counts: dict = field(default_factory=dict)
    sent: int | None = 0
    received: int = 0
    wall_s: float = 0.0
    windows: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)
    seconds: int = 0


def merged(parts: list[Part]) -> Part:
    """The union of parts, which may come in any order."""
    parts = sorted(parts, key=lambda part: (part.file, min(part.scores, default=0)))
    whole = Part(free=parts[0].free and {}, sent=None if parts[0].sent is None else 0)
    for part in parts:
        whole.scores |= part.scores
        whole.units |= part.units
        whole.received += part.received
        whole.wall_s += part.wall_s
        whole.windows |= part.windows
        whole.failures += part.failures
        whole.seconds += part.seconds
        if whole.free is not None:
            whole.free |= part.free
        if whole.sent is not None:
            whole.sent += part.sent
        for name, count in part.counts.items():
            before = whole.counts.get(name, 0)
            most = name.startswith("most_")
            whole.counts[name] = max(before, count) if most else before + count
    if parts[0].measured is not None:
        columns = zip(*(part.measured for part in parts), strict=True)
        numbers, found = map(np.concatenate, columns)
        order = np.argsort(numbers)  # repetitions come after all frames
        whole.measured = numbers[order], found[order]
    return whole


def counts_of(flowgraph, net) -> dict[str, int]:
    """The counts of a flowgraph's blocks and of the system."""
    counts = dict(net.counts())
    for end in flowgraph.ends_of_chain:
        counts[f"frames_of_{end.name}"] = end.encoder.frames
        counts[f"symbols_of_{end.name}"] = end.encoder.symbols
    heard, sender, back = flowgraph.receiver.decoder.combined, flowgraph.repeater, None
    if sender:
        counts["repeats"], counts["repeated_symbols"] = sender.repeats, sender.repeated_symbols
        counts["frames_repeated_of"], back = sender.frames, flowgraph.return_link
    if back:
        counts["return_symbols"], counts["answers_lost"] = back.symbols, back.lost
    done = sender.sender if sender else heard
    counts |= {f"took_{attempts}": count for attempts, count in done.histogram.items()}
    return counts | {"given_up": heard.forced}


def is_divisible(point: Scenario, clips) -> bool:
    """Whether the frames of a point are independent; those of radios, recordings, devices and
    single films are not."""
    whole = isinstance(clips, Films) and not clips.are_apart()
    return not (point.radio or point.dump_path or whole)


def is_by_itself(point: Scenario) -> bool:
    """Whether a point can be repeated exactly: radios in real time, and devices, cannot."""
    return point.radio.partition(":")[0] in ("", "mock", "replay")


def batch_of(point: Scenario, clips, net) -> int:
    """Number of frames in a batch of networks, a divisor of BATCH: one if frames come in any order
    or are large; with sidelinks, as many as fit the buffers between the terminals."""
    takes = [place.takes for place in net.topology]
    any_order = point.attempts > 1 or not is_divisible(point, clips)
    if any_order or "media" in takes or isinstance(clips, Films):
        return 1
    if not net.topology.sidelinks():
        return BATCH
    items = len(getattr(clips, takes[0])(0))
    longest, batch = max(net.payload(name, items) for name in net.topology.names), BATCH
    while batch > 1 and batch * longest > ROOM:
        batch //= 2
    return batch


@contextlib.contextmanager
def one_thread():
    """A context in which Torch and NumPy's BLAS use one thread: with more, the last bits of results
    change; each block has a thread of its own anyway.  BLAS, which spectra of films need, is
    limited only if the package threadpoolctl is installed."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(before)


def frames_of(point: Scenario, clips) -> int:
    """Number of frames of a divisible point."""
    return point.frames or len(clips)


def spans(point: Scenario, clips, most: int = 0) -> Iterator[Span]:
    """The parts of a divisible point: of ``most`` frames, rounded up to whole batches (0: all
    frames); with --until-errors always of LOT frames; of films, a file each, see Films.count."""
    if isinstance(clips, Films):
        yield from _files(point, clips)
        return
    frames = frames_of(point, clips)
    step = LOT if point.until_errors else -(-(most or frames) // BATCH) * BATCH
    for first in range(0, frames, step):
        yield Span(first, min(first + step, frames))


def _files(point: Scenario, films: Films) -> Iterator[Span]:
    """The parts of films, up to the file in which --frames ends."""
    most, first = point.frames or math.inf, 0
    for number in range(len(films.names)):
        if first >= most:
            return
        end = first + films.count(number, point.frames)
        yield Span(first, min(end, most), number)
        first = end


def counted(scores: dict, task, errors: int) -> list[int]:
    """Frame numbers in order, up to the frame with the ``errors``-th error (0: all)."""
    numbers, wrong = [], 0
    for number in sorted(scores):
        numbers.append(number)
        wrong += task.errors(scores[number])
        if errors and wrong >= errors:
            break
    return numbers
