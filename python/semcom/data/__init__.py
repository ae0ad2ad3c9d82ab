# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sets of clips (the AVE file layout, and a synthetic set that needs no files) and of sentences."""

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
READERS = {  # imported on first use: some need h5py
    "AveSet": ".ave",
    "GrammarSentences": ".grammar",
    "SyntheticSet": ".synthetic",
    "open_text": ".text",
}


def __getattr__(name):
    if name not in READERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(READERS[name], __name__), name)


def open_set(path: str | Path | None, split: str, text: bool = False) -> ClipSet:
    """The split ``train``, ``val`` or ``test`` of an AVE-layout folder; None: the synthetic set.

    text: a set of sentences instead, see :func:`open_text`; None: sentences made by a grammar.
    A folder may have AVE's splits for cross-modal localisation, ``train_match`` and so on, too.
    """
    if text:
        from .grammar import GrammarSentences
        from .text import open_text

        return GrammarSentences(split) if path is None else open_text(path, split)
    known = SPLITS if path is None else SPLITS + MATCH_SPLITS
    if split not in known:
        raise SemcomError(f"split {split!r}: expected one of {', '.join(known)}")
    from .ave import AveSet
    from .synthetic import SyntheticSet

    return SyntheticSet(split) if path is None else AveSet(path, split)
