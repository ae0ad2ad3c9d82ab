# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sets of clips: the AVE file layout, and a synthetic set that needs no files."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import SemcomError
from .ave import AveSet
from .clipset import (
    AVE_CLASSES,
    BACKGROUND,
    MATCH_SPLITS,
    SPLITS,
    ClipSet,
)
from .grammar import GrammarSentences
from .synthetic import SyntheticSet
from .text import open_text

__all__ = ["AVE_CLASSES", "BACKGROUND", "SPLITS", "AveSet", "ClipSet", "SyntheticSet", "open_set"]


def open_set(path: str | Path | None, split: str, text: bool = False) -> ClipSet:
    """The split ``train``, ``val`` or ``test`` of an AVE-layout folder; None: the synthetic set.

    text: a set of sentences instead, see :func:`open_text`; None: sentences made by a grammar.
    A folder may have AVE's splits for cross-modal localisation, ``train_match`` and so on, too.
    """
    if text:
        return GrammarSentences(split) if path is None else open_text(path, split)
    known = SPLITS if path is None else SPLITS + MATCH_SPLITS
    if split not in known:
        raise SemcomError(f"split {split!r}: expected one of {', '.join(known)}")
    return SyntheticSet(split) if path is None else AveSet(path, split)
