# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sets of sentences: a folder of text files named ``*_train.txt``, ``*_val.txt`` and
``*_test.txt``, or one text file of any name.

A file is UTF-8 with one sentence per line.  Lines without a word or mark are skipped.  A sentence
may have any length.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..nets.vocabulary import words
from .clipset import SPLITS


def read(path: str | Path) -> list[str]:
    """The sentences of a text file, one per line; lines without text are left out.

    SemcomError for a file that cannot be read, is not UTF-8 or has no sentence.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as cause:
        raise SemcomError(
            f"{path}: cannot be read ({cause.strerror}); expected text, one sentence per line"
        ) from cause
    sentences = []
    for number, line in enumerate(lines, 1):
        try:
            sentence = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as cause:
            raise SemcomError(
                f"{path}: line {number} is not UTF-8 (byte {cause.start + 1}); convert the file "
                "with iconv -t UTF-8"
            ) from cause
        if words(sentence):
            sentences.append(sentence)
    if not sentences:
        raise SemcomError(f"{path}: holds no sentence; expected one per line")
    return sentences


class Sentences(Sequence):
    """One split of a set of sentences.

    name       name of the set: the folder's, or the family of its file
    sentences  the sentences
    sources    family (file name without _SPLIT.txt) of each sentence
    """

    classes = ()

    def __init__(self, name: str, sentences: Sequence[str], sources: Sequence[str]):
        self.name, self.sentences, self.sources = name, tuple(sentences), tuple(sources)

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitem__(self, i: int) -> str:
        return self.sentences[i]

    @property
    def ids(self) -> list[str]:
        """Family and number (from 0) of each sentence, such as ``captions:17``."""
        return [f"{source}:{i}" for i, source in enumerate(self.sources)]

    def text(self, i: int) -> np.ndarray:
        """UTF-8 bytes of a sentence, [n] uint8."""
        return np.frombuffer(self.sentences[i].encode(), np.uint8)


def open_text(where: str | Path, split: str) -> Sentences:
    """The sentences of a split (train, val, test): of a folder, those of its files ``*_SPLIT.txt``;
    of a single file, all.

    SemcomError for another split, or a folder without such files.
    """
    if split not in SPLITS:
        raise SemcomError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    folder = Path(where).is_dir()
    files = sorted(Path(where).glob(f"*_{split}.txt")) if folder else [Path(where)]
    if not files:
        raise SemcomError(
            f"{where}: no file named *_{split}.txt; expected text, a sentence per line"
        )
    read_files = [(file.stem.removesuffix(f"_{split}"), read(file)) for file in files]
    sentences = [sentence for _, some in read_files for sentence in some]
    sources = [family for family, some in read_files for _ in some]
    # a link keeps its own name
    name = Path(os.path.abspath(where)).name if folder else read_files[0][0]
    return Sentences(name, sentences, sources)
