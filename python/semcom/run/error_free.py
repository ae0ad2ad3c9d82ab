# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The scores of the same clips without a channel, beside those of a run."""

from __future__ import annotations

import functools

from ..chain import reference
from ..data.films import Films
from ..systems.choice import error_free_weights
from ..systems.loading import shared_system
from ..systems.registry import task_of
from .parts import BATCH
from .scenario import Scenario


def error_free(run, numbers: list) -> dict | None:
    """{frame: score} of the frames of a runner.Run by the system that was trained and is tested
    without a channel, on the same clips; None if there are no such weights."""
    point, clips = run.point, run.clips
    free = None if isinstance(clips, Films) else error_free_weights(point, run.weights)
    if free is None:
        return None
    named = point.system, str(free), point.device, clips
    rows = {}
    for batch in {number % len(clips) // BATCH for number in numbers}:
        rows |= _error_free(*named, batch)
    return {number: rows[number % len(clips)] for number in numbers}


@functools.lru_cache(maxsize=4096)
def _error_free(system, weights, device, clips, batch: int) -> dict:
    """{clip: score} of a batch of a set's clips; cached for all points of a sweep."""
    net, task = shared_system(system, weights, device), task_of(system)
    wanted = range(batch * BATCH, min((batch + 1) * BATCH, len(clips)))
    items = reference.outcomes(Scenario(channel="none", device=device), net, clips, wanted, BATCH)
    return {
        clip: task.score(task.truth(clips, clip), task.outcome(each))
        for clip, each in zip(wanted, items, strict=True)
    }
