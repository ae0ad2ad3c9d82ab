# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sentences of a small grammar, a pure function of (seed, split, i): the default set of text
systems.

The grammar has about 10^8 sentences of 4 to 20 words, like captions of photographs: subject,
clothes, verb, object, place.  They are easy: few words, in a fixed order.
"""

from __future__ import annotations

import numpy as np

from .clipset import SPLITS
from .text import Sentences

SIZES = {"train": 20000, "val": 500, "test": 1000}
WHO = ("man", "woman", "boy", "girl", "child", "dog", "player", "worker", "dancer", "cyclist")
MANY = ("men", "women", "boys", "girls", "children", "dogs", "people", "players", "workers")
COUNT = ("two", "three", "four", "several", "a group of", "some")
LOOK = ("young", "old", "little", "tall", "small", "smiling", "happy", "tired")
COLOUR = ("red", "blue", "green", "white", "black", "yellow", "orange", "pink", "brown", "gray")
WORN = ("shirt", "jacket", "hat", "dress", "coat", "helmet", "sweater", "uniform")
DOES = (
    "running", "walking", "sitting", "standing", "jumping", "playing", "sleeping", "waiting",
    "dancing", "singing", "reading a book", "riding a bike", "playing the guitar", "holding a ball",
    "eating lunch", "taking a picture", "talking on the phone", "looking at the camera",
)  # fmt: skip
WHERE = (
    "in the park", "on the beach", "in the street", "near the water", "on a bench", "in a field",
    "in front of a building", "on the grass", "in the snow", "at a table", "in the kitchen",
    "under a tree", "next to a car", "on a stage", "in a room", "on a bridge",
)  # fmt: skip
WHEN = ("at night", "on a sunny day", "in the rain", "in the morning", "while others watch")


class GrammarSentences(Sentences):
    """One split of sentences; any ``size`` gives the same first ones.

    One in twelve test sentences is so short that the training split has it, too.
    """

    def __init__(self, split: str, size: int | None = None, seed: int = 0):
        self.split, self.seed, number = split, seed, SPLITS.index(split)
        size = SIZES[split] if size is None else size
        made = [_sentence(np.random.default_rng([seed, number, i])) for i in range(size)]
        super().__init__("grammar", made, ["grammar"] * size)


def _sentence(rng: np.random.Generator) -> str:
    """A sentence of subject, clothes, verb and place, which are drawn independently."""
    many = rng.random() < 0.3
    subject = _one(rng, MANY if many else WHO)
    if rng.random() < 0.5:
        subject = f"{_one(rng, LOOK)} {subject}"
    words = [f"{_one(rng, COUNT)} {subject}" if many else f"{_article(subject)} {subject}"]
    if rng.random() < 0.5:
        colour, worn = _one(rng, COLOUR), _one(rng, WORN)
        words.append(f"in {colour} {worn}s" if many else f"in {_article(colour)} {colour} {worn}")
    words.append(("are " if many else "is ") + _one(rng, DOES))
    if rng.random() < 0.8:
        words.append(_one(rng, WHERE))
    if rng.random() < 0.3:
        words.append(_one(rng, WHEN))
    sentence = " ".join(words).replace("dresss", "dresses")
    return sentence[0].upper() + sentence[1:] + "."


def _one(rng: np.random.Generator, words: tuple) -> str:
    return words[int(rng.integers(len(words)))]


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
