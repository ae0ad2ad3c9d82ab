# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Descriptions of a second of film, and their conversion to sentences of a small grammar and back.

A :class:`Description` holds the results of picture and sound recognition.  :func:`sentence` makes a
sentence with subject, predicate, manner and place of it, and :func:`parsed` is its exact inverse:

    A dog is barking loudly on the left.            seen and heard
    Two cats are seen in the middle.                seen; silence, or no sound was recognised
    A church bell is ringing quietly.               heard, not seen
    A man is seen on the right while a dog is barking.
    Something else is seen somewhere.               in no class, at an unknown place
    Nothing is seen or heard.

Sentences are sent as tokens between [CLS] and [SEP] (Chen et al., Generative Multi-Modal Mutual
Enhancement Video Semantic Communications, 2024, eq. 18).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from ..base.errors import SemcomError
from ..nets.vocabulary import INNER, UNKNOWN, Vocabulary, words
from .clipset import AVE_CLASSES, BACKGROUND, SPLITS
from .text import Sentences

OTHER = "something else"
"""The class of everything that is not one of AVE's events."""
COUNTS = ("one", "two", "several")
PLACES = ("left", "middle", "right")
MANNERS = ("loudly", "quietly")
KINDS = (*AVE_CLASSES[:BACKGROUND], OTHER)
NAMES = {  # class -> (singular, plural, verb for its sound)
    "Church bell": ("a church bell", "church bells", "ringing"),
    "Male speech, man speaking": ("a man", "men", "speaking"),
    "Bark": ("a dog", "dogs", "barking"),
    "Fixed-wing aircraft, airplane": ("an airplane", "airplanes", "flying"),
    "Race car, auto racing": ("a race car", "race cars", "racing"),
    "Female speech, woman speaking": ("a woman", "women", "talking"),
    "Helicopter": ("a helicopter", "helicopters", "hovering"),
    "Violin, fiddle": ("a violin", "violins", "playing"),
    "Flute": ("a flute", "flutes", "playing"),
    "Ukulele": ("a ukulele", "ukuleles", "playing"),
    "Frying (food)": ("a frying pan", "frying pans", "sizzling"),
    "Truck": ("a truck", "trucks", "rumbling"),
    "Shofar": ("a shofar", "shofars", "blowing"),
    "Motorcycle": ("a motorcycle", "motorcycles", "revving"),
    "Acoustic guitar": ("an acoustic guitar", "acoustic guitars", "playing"),
    "Train horn": ("a train", "trains", "honking"),
    "Clock": ("a clock", "clocks", "ticking"),
    "Banjo": ("a banjo", "banjos", "playing"),
    "Goat": ("a goat", "goats", "bleating"),
    "Baby cry, infant cry": ("a baby", "babies", "crying"),
    "Bus": ("a bus", "buses", "passing"),
    "Chainsaw": ("a chainsaw", "chainsaws", "buzzing"),
    "Cat": ("a cat", "cats", "meowing"),
    "Horse": ("a horse", "horses", "neighing"),
    "Toilet flush": ("a toilet", "toilets", "flushing"),
    "Rodents, rats, mice": ("a mouse", "mice", "squeaking"),
    "Accordion": ("an accordion", "accordions", "playing"),
    "Mandolin": ("a mandolin", "mandolins", "playing"),
    OTHER: (OTHER, "other things", "sounding"),
}
MANY = {"two": "two", "several": "several", "": "some"}  # count -> its word in a sentence
WHERE = {"left": "on the left", "middle": "in the middle", "right": "on the right", "": "somewhere"}
NOTHING = "nothing is seen or heard."
LONGEST = 16  # most words of a sentence, with its full stop

PAD, CLS, SEP = range(3)
WORDS = tuple(sorted(set(words(" ".join([
    *(part for name in NAMES.values() for part in name), *MANY.values(), *WHERE.values(), NOTHING,
    *MANNERS, "are while",
])))))  # fmt: skip
_PLACE = {word: number for number, word in enumerate(WORDS)}
_LETTERS = (*"abcdefghijklmnopqrstuvwxyz", UNKNOWN)
VOCABULARY = (
    *("[PAD]", "[CLS]", "[SEP]", *WORDS),
    *(letter for letter in _LETTERS if letter not in WORDS),
    *(INNER + letter for letter in _LETTERS),
)
"""Entries in the order of their token numbers: marks, the words of all sentences, then letters,
with which other words are spelled."""
_SPELLING = Vocabulary(VOCABULARY)

# probabilities in random descriptions: how picture and sound relate, and each value
_MEETINGS = {"same": 0.6, "different": 0.15, "seen": 0.12, "heard": 0.08, "nothing": 0.05}
_OUTSIDE = 0.1  # outside the classes
_COUNTS = {"one": 0.7, "two": 0.1, "several": 0.15, "": 0.05}
_PLACES = {"middle": 0.5, "left": 0.22, "right": 0.22, "": 0.06}
_MANNERS = {"": 0.5, "loudly": 0.3, "quietly": 0.2}

SIZES = {"train": 20000, "val": 500, "test": 1000}


@dataclass(frozen=True)
class Description:
    """The things seen and heard in a second; '' stands for an unknown value.

    seen    name of a class of AVE, OTHER, or '' for nothing
    heard   name of a class of AVE, OTHER, or '' for silence
    count   number of things seen: one, two, several
    place   their place: left, middle, right
    manner  level of the sound: loudly, quietly, or '' for in between

    SemcomError for another word, and for a count, place or manner without a thing.
    """

    seen: str = ""
    count: str = ""
    place: str = ""
    heard: str = ""
    manner: str = ""

    def __post_init__(self):
        known = (KINDS, COUNTS, PLACES, KINDS, MANNERS)
        for name, value, values in zip(self.__match_args__, astuple(self), known, strict=True):
            if value and value not in values:
                raise SemcomError(f"{name} {value!r}: expected one of {', '.join(values)}, or ''")
        told = {"seen": ("count", "place"), "heard": ("manner",)}
        for what, more in told.items():
            for name in more:
                if getattr(self, name) and not getattr(self, what):
                    raise SemcomError(
                        f"{name} {getattr(self, name)!r} of nothing; name what is {what}, or leave "
                        "it out"
                    )


def sentence(description: Description) -> str:
    """The sentence of a description, at most ``LONGEST`` words with the full stop."""
    seen, heard = description.seen, description.heard
    if not seen and not heard:
        return _written(NOTHING)
    said = [NAMES[heard][2], description.manner] if heard else ["seen"]
    if not seen:
        return _written(*_subject(heard, "one"), *said)
    subject, place = _subject(seen, description.count), WHERE[description.place]
    if heard in ("", seen):
        return _written(*subject, *said, place)
    return _written(*subject, "seen", place, "while", *_subject(heard, "one"), *said)


def _subject(kind: str, count: str) -> tuple[str, ...]:
    one, several, _ = NAMES[kind]
    return (one, "is") if count == "one" else (MANY[count], several, "are")


def _written(*parts: str) -> str:
    text = " ".join(part for part in parts if part).removesuffix(".")
    return f"{text[0].upper()}{text[1:]}."


def parsed(said: str) -> Description:
    """The description of a sentence; case, spaces and full stops do not matter.

    A sentence outside the grammar gives the values that its nearest sentences have in common: those
    with the least edit distance in words (Levenshtein 1966).  Values in which these differ are '',
    and so are the values that depend on them.  Only the first ``2 LONGEST`` words count.
    """
    said, every = _spoken(said)[: 2 * LONGEST], _every()
    if said in every.numbers:
        return every.descriptions[every.numbers[said]]
    distances = every.edits(said)
    nearest = every.fields[distances == distances.min()]
    agreed = (nearest == nearest[0]).all(0)
    seen, count, place, heard, manner = np.where(agreed, nearest[0], "").tolist()
    return Description(
        seen, count if seen else "", place if seen else "", heard, manner if heard else ""
    )


def _spoken(said: str) -> tuple[str, ...]:
    """The words of a sentence, without full stops."""
    return tuple(word for word in words(said) if word != ".")


class _Every:
    """All 40,920 descriptions and their sentences."""

    def __init__(self):
        self.descriptions = list(descriptions())
        self.fields = np.array([astuple(each) for each in self.descriptions])
        sentences = [_spoken(sentence(each)) for each in self.descriptions]
        self.numbers = {said: i for i, said in enumerate(sentences)}
        self._lengths = np.array([len(said) for said in sentences])
        self._words = np.full((LONGEST, len(sentences)), -1, np.int8)  # a column per sentence
        for i, said in enumerate(sentences):
            self._words[: len(said), i] = [_PLACE[word] for word in said]

    def edits(self, said: Sequence[str]) -> np.ndarray:
        """Edit distance of the words ``said`` (at most ``2 LONGEST``) from each sentence, [n]
        int8."""
        steps = np.arange(LONGEST + 1, dtype=np.int8)[:, None]
        # Distances of no word from the first 0, 1, ... words of each sentence.
        costs = np.tile(steps, (1, len(self.descriptions)))
        for word in said:
            changed = costs[:-1] + (self._words != np.int8(_PLACE.get(word, -2)))
            costs += np.int8(1)
            np.minimum(costs[1:], changed, out=costs[1:])
            costs = np.minimum.accumulate(costs - steps, 0) + steps  # words left out
        return costs[self._lengths, np.arange(costs.shape[1])]


@lru_cache(maxsize=1)
def _every() -> _Every:
    return _Every()


def descriptions() -> Iterator[Description]:
    """All descriptions, each once."""
    seen = [("", "", ""), *product(KINDS, (*COUNTS, ""), (*PLACES, ""))]
    heard = [("", ""), *product(KINDS, ("", *MANNERS))]
    return (Description(*picture, *sound) for picture in seen for sound in heard)


def tokens(said: str) -> list[int]:
    """Token numbers in ``VOCABULARY``: [CLS], the words, [SEP]; an unknown word is spelled."""
    return [CLS, *_SPELLING.encode(said), SEP]


def text(numbers: Iterable[int]) -> str:
    """The sentence of tokens up to the first [SEP]; [PAD] and [CLS] are skipped."""
    said = []
    for number in numbers:
        if number == SEP:
            break
        if number not in (PAD, CLS):
            said.append(number)
    return _SPELLING.decode(said)


def random_description(rng: np.random.Generator) -> Description:
    """A random description, in which picture and sound mostly agree, as in films."""
    meeting = _drawn(rng, _MEETINGS)
    seen, heard = _kind(rng), _kind(rng)
    while meeting == "different" and heard == seen:
        heard = _kind(rng)
    count, place, manner = (_drawn(rng, chances) for chances in (_COUNTS, _PLACES, _MANNERS))
    picture, sound = (seen, count, place), (seen if meeting == "same" else heard, manner)
    if meeting in ("heard", "nothing"):
        picture = ("", "", "")
    if meeting in ("seen", "nothing"):
        sound = ("", "")
    return Description(*picture, *sound)


def _kind(rng: np.random.Generator) -> str:
    return OTHER if rng.random() < _OUTSIDE else KINDS[int(rng.integers(BACKGROUND))]


def _drawn(rng: np.random.Generator, chances: dict[str, float]) -> str:
    return list(chances)[int(rng.choice(len(chances), p=list(chances.values())))]


class DescriptionSentences(Sentences):
    """One split of sentences of random descriptions, a pure function of (seed, split, i).

    Any ``size`` gives the same first sentences.  A sentence belongs to one split by its CRC-32, so
    that no two splits share one, even with different seeds.
    """

    def __init__(self, split: str, size: int | None = None, seed: int = 0):
        if split not in SPLITS:
            raise SemcomError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
        self.split, self.seed, number = split, seed, SPLITS.index(split)
        size = SIZES[split] if size is None else size
        made = [_of_split(split, np.random.default_rng([seed, number, i])) for i in range(size)]
        super().__init__("descriptions", made, ["descriptions"] * size)


def _of_split(split: str, rng: np.random.Generator) -> str:
    while _split(said := sentence(random_description(rng))) != split:
        pass
    return said


def _split(said: str) -> str:
    """The split of a sentence by its CRC-32; two in ten are not for training."""
    return {0: "test", 1: "val"}.get(zlib.crc32(said.encode()) % 10, "train")
