# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Parts of a point: what came of some of its frames, small and exact, so that any parts of which a
point is made give the record of the whole to the last digit.

Every draw is keyed by the frame's number, and networks take frames in batches that the number alone
decides (SystemBlock.in_batches); what is summed up are whole numbers, or numbers of single frames
in the order of the frames.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import numpy as np
import torch

from ..data.films import Films
from .scenario import Scenario

BATCH = 16  # frames that networks take together
ROOM = 10240  # symbols; GNU Radio's two buffers in front of a channel hold 16384
LOT = 16 * BATCH  # frames after which --until-errors looks at the errors


@dataclass
class Part:
    """What came of some frames.

    scores    frame -> its score (Task.score)
    units     frame -> its length in the task's unit
    free      frame -> its score without a channel; of a system that has weights for that
    measured  what the link's meter found (link_meter.measured); None without one
    counts    name -> what was counted; of "most_...", the highest
    sent      frames; None where the sender is elsewhere
    received  frames
    wall_s    [s] that it took
    """

    scores: dict = field(default_factory=dict)
    units: dict = field(default_factory=dict)
    free: dict | None = None
    measured: tuple | None = None
    counts: dict = field(default_factory=dict)
    sent: int | None = 0
    received: int = 0
    wall_s: float = 0.0


def merged(parts: list[Part]) -> Part:
    """Parts as one, whatever their order."""
    parts = sorted(parts, key=lambda part: min(part.scores, default=0))
    whole = Part(free=parts[0].free and {}, sent=None if parts[0].sent is None else 0)
    for part in parts:
        whole.scores |= part.scores
        whole.units |= part.units
        whole.received += part.received
        whole.wall_s += part.wall_s
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
        order = np.argsort(numbers)  # repeats stand behind all frames
        whole.measured = numbers[order], found[order]
    return whole


def counts_of(flowgraph, net) -> dict[str, int]:
    """What the blocks of a flowgraph, and the system, counted."""
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
    """Whether a point is the sum of its frames: radios, films and recordings go on in time."""
    return not (point.radio or point.dump_path or isinstance(clips, Films))


def is_by_itself(point: Scenario) -> bool:
    """Whether a point can be had again: radios by the clock, and devices, cannot."""
    return point.radio.partition(":")[0] in ("", "mock", "replay")


def batch_of(point: Scenario, clips, net) -> int:
    """Frames that networks take together, a share of BATCH: of what comes in any order, or is
    heavy, one; where a terminal hears another, as many as wait in the buffers between them."""
    takes = [place.takes for place in net.topology]
    if point.attempts > 1 or "media" in takes or not is_divisible(point, clips):
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
    """Torch works with one thread inside: with more, last bits change; blocks have each their own
    already."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def frames_of(point: Scenario, clips) -> int:
    """Frames of a point that is divisible."""
    return point.frames or len(clips)


def spans(point: Scenario, clips, most: int = 0) -> list[tuple[int, int]]:
    """[first, end) of the parts in which a divisible point is run: of ``most`` frames, rounded up
    to whole batches (0: all of them); with --until-errors always of a lot."""
    frames = frames_of(point, clips)
    step = LOT if point.until_errors else -(-(most or frames) // BATCH) * BATCH
    return [(first, min(first + step, frames)) for first in range(0, frames, step)]


def counted(scores: dict, task, errors: int) -> list[int]:
    """Frame numbers in order, up to the one in which the ``errors``-th error fell (0: all)."""
    numbers, wrong = [], 0
    for number in sorted(scores):
        numbers.append(number)
        wrong += task.errors(scores[number])
        if errors and wrong >= errors:
            break
    return numbers
