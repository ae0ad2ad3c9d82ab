# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The vocabulary of text networks: sentences to tokens and back.

Text is compared and sent in lower case, as words and punctuation marks (:func:`words`).  A word
that is not in the vocabulary is spelled in pieces and needs more symbols: ``photobombed`` may be
sent as ``photo ##bomb ##ed``.  :meth:`Vocabulary.decode` restores capital letters: at the beginning
of a sentence, and in words that are mostly written with them (``Boston``).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from ..base.errors import SemcomError

INNER = "##"
"""Mark of a piece that continues the word before it (as in WordPiece, Wu et al. 2016)."""
UNKNOWN = "?"
"""Replacement of a character that cannot be spelled."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+|[^\w\s]|_")
_LONGEST_PIECE = 8  # letters
_COMMON = 20  # least count of a letter that becomes an entry
_CLOSING, _OPENING = frozenset(".,!?;:)]}%'’…"), frozenset("([{$£€#@")


def words(sentence: str) -> list[str]:
    """Words, numbers and punctuation marks of a sentence in lower case, NFKC normalised.

    Apostrophes and hyphens within a word belong to it: ``t-shirt`` and ``don't`` are one word each.
    """
    return _WORD.findall(_normal(sentence).lower())


def _normal(sentence: str) -> str:
    return unicodedata.normalize("NFKC", sentence).replace("’", "'")


def write(tokens: Sequence[str]) -> str:
    """The text of words and marks; spaces around a mark follow English use."""
    text, glue, quoted = "", True, False
    for token in tokens:
        closing = token in _CLOSING or (token == '"' and quoted)
        text += token if glue or closing else " " + token
        glue = token in _OPENING or (token == '"' and not quoted)
        quoted ^= token == '"'
    return text[:1].upper() + text[1:]


class Vocabulary:
    """Words and pieces with their token numbers.

    entries  words as written (``Boston``), and pieces after ``##``, in the order of their numbers;
             they must be able to spell every word of their letters
    """

    def __init__(self, entries: Sequence[str]):
        self.entries = tuple(entries)
        self.index = {entry.lower(): number for number, entry in enumerate(self.entries)}
        if len(self.index) != len(self.entries):
            raise SemcomError("vocabulary: an entry occurs twice (in lower case); leave one out")
        if UNKNOWN not in self.index or INNER + UNKNOWN not in self.index:
            raise SemcomError(f"vocabulary: lacks {UNKNOWN!r} or {INNER + UNKNOWN!r}; add both")
        self._spelled: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def encode(self, sentence: str) -> list[int]:
        """Token numbers of a sentence; see :func:`parts` for one of more than ``LONGEST``."""
        return [number for word in words(sentence) for number in self.spell(word)]

    def spell(self, word: str) -> tuple[int, ...]:
        """Token numbers of the fewest pieces that spell a word in lower case; among these, the
        longest pieces come first.

        A letter without a piece becomes its base letter (é: e), or else ``?``.
        """
        if word not in self._spelled:
            whole = self.index.get(word)
            self._spelled[word] = self._pieces(word) if whole is None else (whole,)
        return self._spelled[word]

    def _pieces(self, word: str) -> tuple[int, ...]:
        letters = "".join(self._letter(letter) for letter in word)
        # best[i]: the spelling of letters[i:] as a continuation (of the whole word for i = 0)
        best: dict[int, tuple[int, ...]] = {len(letters): ()}
        for start in range(len(letters) - 1, -1, -1):
            mark = INNER if start else ""
            last = min(len(letters), start + _LONGEST_PIECE) if start else len(letters)
            found = [
                (self.index[mark + letters[start:end]], *best[end])
                for end in range(last, start, -1)
                if mark + letters[start:end] in self.index
            ]
            best[start] = min(found, key=len)
        return best[0]

    def _letter(self, letter: str) -> str:
        for candidate in (letter, *unicodedata.normalize("NFKD", letter)):
            if candidate in self.index and INNER + candidate in self.index:
                return candidate
        return UNKNOWN

    def words(self, numbers: Iterable[int]) -> list[str]:
        """Words and marks in lower case of token numbers, with pieces joined.

        A continuation without a word before it (a decoding error) begins a word.
        """
        return [word.lower() for word in self._join(numbers)]

    def decode(self, numbers: Iterable[int]) -> str:
        """The sentence of token numbers."""
        return write(self._join(numbers))

    def _join(self, numbers: Iterable[int]) -> list[str]:
        joined: list[str] = []
        for number in numbers:
            entry = self.entries[int(number)]
            if not entry.startswith(INNER) or entry == INNER:
                joined.append(entry)
            elif joined and joined[-1][0].isalnum():  # a mark is not continued
                joined[-1] = joined[-1].lower() + entry.removeprefix(INNER)
            else:
                joined.append(entry.removeprefix(INNER))
        return joined

    @classmethod
    def of(cls, sentences: Iterable[str], size: int, pieces: int) -> Vocabulary:
        """The vocabulary of the most frequent words of sentences, and of pieces for the other
        words.

        size    number of entries
        pieces  number of entries that continue a word

        Letters and marks that occur at least ``_COMMON`` times, and UNKNOWN, are entries, too.
        """
        count, written = _count(sentences)
        occurs = Counter()
        for word, times in count.items():
            occurs.update(dict.fromkeys(word, times))
        letters = sorted({letter for letter, n in occurs.items() if n >= _COMMON} | {UNKNOWN})
        alphabet = [*letters, *(INNER + letter for letter in letters)]
        whole = size - pieces - len(letters)
        if whole < 1 or pieces < len(letters):
            raise SemcomError(
                f"vocabulary of {size} with {pieces} pieces: {len(letters)} letters "
                "must fit twice; ask for a larger one"
            )
        ranked = [word for word, _ in count.most_common() if len(word) > 1]
        rare = {word: count[word] for word in ranked[whole:]}
        parts = _frequent_parts(rare, pieces - len(letters))
        names = [_usual(word, written) for word in ranked[:whole]]
        return cls([*alphabet, *(INNER + part for part in parts), *names])


def _count(sentences: Iterable[str]) -> tuple[Counter, Counter]:
    """Counts of words in lower case, and of words as written (without a sentence's first word)."""
    count, written = Counter(), Counter()
    for sentence in sentences:
        tokens = _WORD.findall(_normal(sentence))
        count.update(token.lower() for token in tokens)
        written.update(tokens[1:])
    return count, written


def _usual(word: str, written: Counter) -> str:
    """The most frequent form of a word: in lower case, capitalised, or in capitals."""
    return max((word, word.capitalize(), word.upper()), key=lambda way: written[way])


def _frequent_parts(rare: dict[str, int], number: int) -> list[str]:
    """The ``number`` strings within rare words that save the most pieces, count * (letters - 1)."""
    saved = Counter()
    for word, count in rare.items():
        for start in range(1, len(word) - 1):
            for end in range(start + 2, min(len(word), start + _LONGEST_PIECE) + 1):
                saved[word[start:end]] += count * (end - start - 1)
    return sorted(saved, key=lambda part: (-saved[part], part))[:number]
