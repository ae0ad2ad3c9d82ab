# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The set of clips of a sweep's options."""

from __future__ import annotations

from ..base.errors import SemcomError
from ..data import open_set
from ..data.films import Films
from ..systems.registry import topology_of

FILM = {"audio", "visual", "media"}  # kinds of items that media files can give


def kind_of(points: list) -> tuple[bool, bool]:
    """Whether the common set of points has sentences, and whether its clips have pictures and
    sound; SemcomError if their systems need different sets."""
    taken = {point.system: {place.takes for place in topology_of(point.system)} for point in points}
    text = {name for name, takes in taken.items() if "text" in takes}
    if text and len(text) < len(taken):
        others = ", ".join(sorted(set(taken) - text))
        raise SemcomError(
            f"--system: {', '.join(sorted(text))} takes text, {others} does not; sweep them apart"
        )
    return bool(text), any("media" in takes for takes in taken.values())


def clips_of(points: list):
    """The set of points: a folder, the generated set, or media files; SemcomError if the systems of
    the points need other kinds of items, or different sets."""
    point, kind = points[0], kind_of(points)
    if not point.media:
        return open_set(point.data or None, point.split, *kind)
    for name in {point.system for point in points}:
        takes = {place.takes for place in topology_of(name)}
        if not takes <= FILM:
            lacking = ", ".join(sorted(takes - FILM))
            raise SemcomError(
                f"--media: {name} takes {lacking}, which films do not have; leave --media out"
            )
    return Films(point.media, point.microphone, point.features, point.weights)
