# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sets of clips: the AVE file layout, and a synthetic set that needs no files."""

from __future__ import annotations

import importlib
from pathlib import Path

from ..base.errors import SemcomError
from .clipset import (
    AVE_CLASSES,
    BACKGROUND,
    MATCH_SPLITS,
    SPLITS,
    ClipSet,
)

__all__ = ["AVE_CLASSES", "BACKGROUND", "SPLITS", "ClipSet", "open_set"]
READERS = {"AveSet": ".ave", "SyntheticSet": ".synthetic"}  # imported on first use: need h5py


def __getattr__(name):
    if name not in READERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(READERS[name], __name__), name)


def open_set(path: str | Path | None, split: str, text: bool = False) -> ClipSet:
    """The split ``train``, ``val`` or ``test`` of an AVE-layout folder; None: the synthetic set.

    A folder may have AVE's splits for cross-modal localisation, ``train_match`` and so on, too.
    """
    known = SPLITS if path is None else SPLITS + MATCH_SPLITS
    if split not in known:
        raise SemcomError(f"split {split!r}: expected one of {', '.join(known)}")
    from .ave import AveSet
    from .synthetic import SyntheticSet

    return SyntheticSet(split) if path is None else AveSet(path, split)
