# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sets of clips (folders in the AVE layout, and a synthetic set without files) and of sentences."""

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
MANIFEST = "manifest.csv"  # the list of files in a folder of raw material
SUFFIXES = (".h5", ".txt", ".csv")  # of the files of sets
COMPOSED = 300  # clips of a split that is composed while it is read
READERS = {  # imported on first use: some need h5py
    "AveSet": ".ave",
    "DescriptionSentences": ".descriptions",
    "GrammarSentences": ".grammar",
    "SyntheticSet": ".synthetic",
    "open_text": ".text",
}


def __getattr__(name):
    if name not in READERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(READERS[name], __name__), name)


def set_files(path: str | Path | None) -> list[Path]:
    """Files from which :func:`open_set` may read the set ``path``, which no output may replace."""
    folder = Path(path or "")
    if not path or not folder.is_dir():
        return [folder] if path else []
    material = folder.glob("*/**/*") if (folder / MANIFEST).is_file() else ()
    return [*material, *(each for each in folder.iterdir() if each.suffix in SUFFIXES)]


def open_set(path: str | Path | None, split: str, text: bool = False, media: bool = False):
    """The split ``train``, ``val`` or ``test`` of an AVE-layout folder, or of clips composed from a
    folder of raw material (see :mod:`.material_raw`); None: the synthetic set.

    path   folder of the set, or None
    split  train, val or test; also train_match and so on in a folder with AVE's splits for
           cross-modal localisation
    text   a set of sentences instead, see :func:`open_text`; path None: sentences of a grammar
    media  clips with pictures and sound, see :func:`open_composed`; path None: drawn clips

    SemcomError for a split that the set does not have, or a folder that cannot be read.
    """
    if text:
        from .grammar import GrammarSentences
        from .text import open_text

        return GrammarSentences(split) if path is None else open_text(path, split)
    if media or (path is not None and (Path(path) / MANIFEST).is_file()):
        return open_composed(path, split)
    known = SPLITS if path is None else SPLITS + MATCH_SPLITS
    if split not in known:
        raise SemcomError(f"split {split!r}: expected one of {', '.join(known)}")
    from .ave import AveSet
    from .synthetic import SyntheticSet

    return SyntheticSet(split) if path is None else AveSet(path, split)


def open_composed(path: str | Path | None, split: str, size: int = COMPOSED):
    """``size`` clips composed from a folder of raw material, or drawn ones (None): their features,
    pictures and sound.

    The clips of a split are made only of that split's recordings and photographs.
    """
    from ..perception.features import extractor
    from ..perception.names import AUTO
    from .composed_set import ComposedSet
    from .material_drawn import DrawnMaterial
    from .material_raw import RawMaterial

    if split not in SPLITS:
        raise SemcomError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    name = "drawn" if path is None else f"{Path(path).resolve().name}, composed"
    material = DrawnMaterial() if path is None else RawMaterial(path, split)
    return ComposedSet(name, [material], extractor(AUTO), split, size)
