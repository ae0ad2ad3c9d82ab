# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The interface of every set of clips, and the names of AVE's events."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..nets.names import AVE_CLASSES

SPLITS = ("train", "val", "test")
MATCH_SPLITS = tuple(f"{split}_match" for split in SPLITS)  # AVE's for cross-modal localisation
TRUTHS, FEATURES = 24, 8  # clips whose truth and whose features identify a set

BACKGROUND = len(AVE_CLASSES) - 1


def unnamed(number: int) -> str:
    """Name of a class of which a set knows only the number."""
    return f"event {number}"


class ClipSet(Protocol):
    """Clips of T one-second segments; index 0 <= i < len.

    A set with known sources also has ``sources(i)``, [T, h, w] bool: the cells of the map that the
    event's source fills.
    """

    name: str
    """Name of the data set in reports and names of checkpoints."""
    classes: Sequence[str]
    """Names of the C classes, background last."""
    ids: Sequence[str]
    """Name of each clip."""

    def __len__(self) -> int: ...

    def audio(self, i: int) -> np.ndarray:
        """Audio features [T, d_a] float32."""

    def visual(self, i: int) -> np.ndarray:
        """Visual feature maps [T, h, w, d_v] float32 or float16."""

    def labels(self, i: int) -> np.ndarray:
        """Class index of each segment, [T] int64."""


def clip_event(clips: ClipSet, i: int) -> int:
    """Class of the clip's event, the label of weak supervision; background if it has no event.

    It is the set's own label (``event(i)``) if the set has one, otherwise the first event in
    ``labels(i)``.
    """
    if hasattr(clips, "event"):
        return clips.event(i)
    labels = clips.labels(i)
    events = labels[labels != len(clips.classes) - 1]
    return int(events[0]) if events.size else len(clips.classes) - 1


def clip_number(clips, frame: int) -> int:
    """Number of the clip in frame number ``frame``: sets are repeated, films (length 0) are not."""
    return frame % len(clips) if len(clips) else frame


def describe(clips, i: int) -> dict:
    """The true outcome of clip ``i`` as a dict: ``events`` (names) of each second, or ``text``."""
    if hasattr(clips, "text"):
        return {"text": bytes(clips.text(i)).decode()}
    labels = clips.labels(i)
    return {} if labels is None else {"events": [clips.classes[label] for label in labels]}


def fingerprint(clips) -> str:
    """SHA-256 (hexadecimal) of the truth of a set's first clips: equal for copies of a set with
    other names; '' for films."""
    truths = [describe(clips, i) for i in range(min(len(clips), TRUTHS))]
    return hashlib.sha256(json.dumps(truths).encode()).hexdigest() if truths else ""


@functools.lru_cache(maxsize=8)
def digest(clips) -> str:
    """SHA-256 (hexadecimal) by which a set is known again: of the number of clips, the
    :func:`fingerprint`, and the features or texts of some clips; features of media are not
    computed.  A set may have its own ``digest()``, as films have."""
    if hasattr(clips, "digest"):
        return clips.digest()
    told = hashlib.sha256(f"{len(clips)} {fingerprint(clips)}".encode())
    for i in np.unique(np.linspace(0, len(clips) - 1, FEATURES).astype(int)) if len(clips) else ():
        for kind in ("audio", "visual", "text"):
            if hasattr(clips, kind) and not hasattr(clips, "media"):
                told.update(np.ascontiguousarray(getattr(clips, kind)(int(i))).tobytes())
    return told.hexdigest()


def shared_ids(sets: dict[str, ClipSet]) -> dict[tuple[str, str], int]:
    """{(split, split): number of clips that are in both, by their names}; AVE has some."""
    ids = {name: set(clips.ids) for name, clips in sets.items()}
    names = list(ids)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return {pair: n for pair in pairs if (n := len(ids[pair[0]] & ids[pair[1]]))}
