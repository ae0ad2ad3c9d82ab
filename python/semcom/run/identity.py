# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What identifies a point of a sweep, and its record in a document."""

from __future__ import annotations

from ..base.errors import SemcomError
from ..base.files import sha256
from ..base.options import settled
from ..data.clipset import digest
from ..systems.choice import error_free_weights
from ..systems.loading import parted
from .budget import model_for
from .records import read
from .scenario import Scenario, settings

KEY = ("data", "checkpoint_sha256", "error_free_sha256")


def identity(point: Scenario, clips, weights: str) -> dict:
    """The part of a record that identifies its point, set and weights."""
    weights, free = parted(weights)[0], error_free_weights(point, weights)
    return {
        "scenario": settings(point),
        "data": clips.name,
        "data_digest": digest(clips),
        "checkpoint_sha256": sha256(weights) if weights else None,
        "error_free_sha256": sha256(free) if free else None,
    }


def key(record: dict) -> tuple:
    """The key that identifies a record: data set, digests of checkpoints, all options; an option
    that the record does not have counts as its default.  A record without a digest of the set
    is not found again."""
    used = settings(Scenario(**record["scenario"]))
    return (*(record[name] for name in KEY), record.get("data_digest"), *sorted(used.items()))


def key_of_point(point: Scenario, clips) -> tuple:
    """The :func:`key` that the record of a point will have."""
    point = settled(point)
    return key(identity(point, clips, model_for(point, clips)))


def finished(path) -> dict:
    """{key: record} of the points in a document; SemcomError for another document."""
    found = read(path)
    try:
        return {key(record): record for record in found if "stopped" not in record}
    except (KeyError, TypeError, AttributeError) as cause:
        raise SemcomError(
            f"{path}: holds no records of points of a link ({cause}); give another file"
        ) from cause
