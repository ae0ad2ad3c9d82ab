# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sentences to bits and back, by classical codes.

The codes carry the words and marks of a sentence in lower case, as :func:`nets.vocabulary.words`
splits them; :func:`nets.vocabulary.write` makes a sentence of them.

================  ==============================================================================
letters5          5 bits per letter, space or frequent mark (as in H. Xie, Z. Qin, G. Li and
                  B.-H. Juang, 2021); other characters by their number in Unicode
huffman_letters   a Huffman code of characters (D. Huffman, 1952)
huffman_words     a Huffman code of words; unknown words are spelled
brotli            the text compressed by Brotli (RFC 7932), without training
bigram            arithmetic coding of each word given the one before it, with frequencies from
                  training (absolute discounting: H. Ney, U. Essen, R. Kneser, 1994); unknown
                  words are spelled
================  ==============================================================================

Both ends have the statistics of the training sentences, which are not counted as payload.  The end
of every code can be decoded: zeros may follow it.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from ...base.errors import SemcomError
from ...base.optional import remedy
from ...nets.vocabulary import words, write
from .arithmetic import Decoder, Encoder
from .names import TEXTS

END, ESCAPE = "", "a new one"  # end of a sentence or a spelled word; prefix of an unknown symbol
NUMBER = 21  # bits of a character's number in Unicode


def available() -> list[str]:
    """Names of the text codecs that are installed."""
    return [codec for codec in TEXTS if codec != "brotli" or _brotli()]


class TextCodec(ABC):
    """Base of the codes of sentences."""

    @classmethod
    def fit(cls, name: str, sentences: Iterable[str]) -> TextCodec:
        """The codec ``name`` (in :data:`names.TEXTS`) with the statistics of training sentences.

        SemcomError for another name, or a codec that is not installed.
        """
        if name not in _CODECS:
            raise SemcomError(f"codec {name!r} of text; expected one of {', '.join(TEXTS)}")
        if name not in available():
            raise SemcomError(
                f"codec {name}: its Python package is not installed: {remedy('brotli')}"
            )
        return _CODECS[name]([words(sentence) for sentence in sentences])

    @abstractmethod
    def __init__(self, sentences: list[list[str]]):
        """Fit the code to the words of training sentences."""

    def encode(self, sentence: str) -> np.ndarray:
        """The code of a sentence, bits [n] uint8, 0 or 1."""
        return self._encode(words(sentence))

    def decode(self, bits: np.ndarray) -> str:
        """The sentence of bits [n], 0 or 1, which zeros may follow.

        Damaged bits give some sentence and never an error.
        """
        return write(self._decode(np.minimum(np.asarray(bits, np.uint8), 1)))

    @abstractmethod
    def _encode(self, tokens: list[str]) -> np.ndarray: ...

    @abstractmethod
    def _decode(self, bits: np.ndarray) -> list[str]: ...


def _text(tokens: Sequence[str]) -> str:
    """The text of words, which splits into the same words again."""
    return write(tokens).lower()


def _number(value: int, width: int) -> str:
    return format(value, f"0{width}b")


def _character(bits: str) -> str:
    value = int(bits, 2)
    surrogate = 0xD800 <= value < 0xE000
    return "?" if surrogate or value > 0x10FFFF or len(bits) < NUMBER else chr(value)


def _array(bits: str) -> np.ndarray:
    return np.frombuffer(bits.encode(), np.uint8) - ord("0")


def _string(bits: np.ndarray) -> str:
    return (bits + ord("0")).astype(np.uint8).tobytes().decode()


class _Prefix:
    """A prefix code of symbols that are strings.

    code  {symbol: its bits as a string of 0 and 1}
    """

    def __init__(self, code: dict[str, str]):
        self.code = code
        self._symbol = {bits: symbol for symbol, bits in code.items()}
        self._longest = max(map(len, code.values()))

    @classmethod
    def of(cls, count: Counter) -> _Prefix:
        """The Huffman code for these counts of symbols, at least two."""
        heap = [(times, number, symbol) for number, (symbol, times) in enumerate(count.items())]
        heapq.heapify(heap)
        while len(heap) > 1:
            (a, _, left), (b, number, right) = heapq.heappop(heap), heapq.heappop(heap)
            heapq.heappush(heap, (a + b, number, (left, right)))
        code, todo = {}, [(heap[0][2], "")]
        while todo:
            tree, bits = todo.pop()
            if isinstance(tree, str):
                code[tree] = bits
            else:
                todo += [(tree[0], bits + "0"), (tree[1], bits + "1")]
        return cls(code)

    def read(self, bits: str, place: int) -> tuple[str, int]:
        """The symbol that begins at bit ``place`` (END if none does), and the place after it."""
        for end in range(place + 1, min(place + self._longest, len(bits)) + 1):
            if (symbol := self._symbol.get(bits[place:end])) is not None:
                return symbol, end
        return END, len(bits)

    def spell(self, text: str) -> str:
        """The bits of characters and END; an unknown character is ESCAPE and its number."""
        escape = self.code[ESCAPE]
        return (
            "".join(
                self.code.get(letter) or escape + _number(ord(letter), NUMBER) for letter in text
            )
            + self.code[END]
        )

    def spelled(self, bits: str, place: int) -> tuple[str, int]:
        """The characters from bit ``place`` up to END, and the place after END."""
        text = ""
        while True:
            letter, place = self.read(bits, place)
            if letter == END:
                return text, place
            if letter == ESCAPE:
                letter, place = _character(bits[place : place + NUMBER] or "0"), place + NUMBER
            text += letter


class _Spelled(TextCodec):
    """A code of the characters of a sentence."""

    prefix: _Prefix

    def _encode(self, tokens: list[str]) -> np.ndarray:
        return _array(self.prefix.spell(_text(tokens)))

    def _decode(self, bits: np.ndarray) -> list[str]:
        return words(self.prefix.spelled(_string(bits), 0)[0])


class _Letters5(_Spelled):
    """Five bits for each letter and sign; other characters follow an escape."""

    def __init__(self, sentences: list[list[str]]):
        symbols = [END, *"abcdefghijklmnopqrstuvwxyz", " ", ".", ",", "'", ESCAPE]
        self.prefix = _Prefix({symbol: _number(n, 5) for n, symbol in enumerate(symbols)})


class _HuffmanLetters(_Spelled):
    """A Huffman code of characters, by their frequency in the training sentences."""

    def __init__(self, sentences: list[list[str]]):
        count = Counter(letter for tokens in sentences for letter in _text(tokens))
        self.prefix = _Prefix.of(count + Counter({END: max(1, len(sentences)), ESCAPE: 1}))


class _HuffmanWords(TextCodec):
    """A Huffman code of words, by their frequency in the training sentences; unknown words are
    spelled by a second one."""

    def __init__(self, sentences: list[list[str]]):
        count = Counter(word for tokens in sentences for word in tokens)
        rare = [word for word in count if count[word] == 1]  # about as frequent as unknown words
        letters = Counter(letter for word in rare for letter in word)
        new = max(1, len(rare))
        self.spelling = _Prefix.of(letters + Counter({END: new, ESCAPE: 1}))
        self.prefix = _Prefix.of(count + Counter({END: max(1, len(sentences)), ESCAPE: new}))

    def _encode(self, tokens: list[str]) -> np.ndarray:
        code, escape = self.prefix.code, self.prefix.code[ESCAPE]
        coded = (code.get(word) or escape + self.spelling.spell(word) for word in tokens)
        return _array("".join(coded) + code[END])

    def _decode(self, bits: np.ndarray) -> list[str]:
        sent, place, tokens = _string(bits), 0, []
        while True:
            word, place = self.prefix.read(sent, place)
            if word == END:
                return tokens
            if word == ESCAPE:
                word, place = self.spelling.spelled(sent, place)
            tokens += words(word)  # a damaged one may be no word, or several


class _Brotli(TextCodec):
    """The text compressed by Brotli, which knows nothing of the training sentences."""

    QUALITY, WINDOW = 11, 10  # the best quality; the smallest window, which saves a byte
    LONGEST = 1 << 16  # [bytes] longest text, for damaged bits

    def __init__(self, sentences: list[list[str]]):
        self.library = _brotli()

    def _encode(self, tokens: list[str]) -> np.ndarray:
        mode = self.library.MODE_TEXT
        text = _text(tokens).encode(errors="replace")
        data = self.library.compress(text, mode=mode, quality=self.QUALITY, lgwin=self.WINDOW)
        return np.unpackbits(np.frombuffer(data, np.uint8))

    def _decode(self, bits: np.ndarray) -> list[str]:
        decoder, text = self.library.Decompressor(), b""
        for byte in np.packbits(bits):  # byte by byte, since bytes after the end are an error
            try:
                text += decoder.process(bytes([byte]))
            except self.library.error:
                break
            if decoder.is_finished() or len(text) > self.LONGEST:
                break
        return words(text[: self.LONGEST].decode(errors="replace"))


def _brotli():
    """The library; None if it is not installed."""
    try:
        import brotli
    except ImportError:
        return None
    return brotli


class _Frequencies:
    """Frequencies of symbols after each symbol, as integers, so that both ends have the same ones.

    A symbol that followed c times out of C has (c - 3/4) / C of the interval; the rest is divided
    among all symbols by the number of different symbols that each one follows (Ney, Essen and
    Kneser, 1994).

    symbols  all symbols
    pairs    {(symbol before, symbol): count}
    """

    SUM = 1 << 26
    LEAST = 32  # 1 / least share of the rest, so that every symbol has a usable frequency

    def __init__(self, symbols: Iterable[str], pairs: Counter):
        self.symbols = list(dict.fromkeys(symbols))
        self.number = {symbol: n for n, symbol in enumerate(self.symbols)}
        self._after = defaultdict(list)
        spread = np.ones(len(self.symbols), np.int64)
        for (before, symbol), times in pairs.items():
            self._after[before].append((self.number[symbol], times))
            spread[self.number[symbol]] += 4
        self._shared = spread * self.SUM // spread.sum()

    def ends(self, before: str) -> np.ndarray:
        """Cumulative frequencies [n + 1] int64 of the symbols after ``before``."""
        after = self._after.get(before, [])
        own = np.zeros(len(self.symbols), np.int64)
        if after:
            numbers, times = np.array(after, np.int64).T
            own[numbers] = (
                (self.SUM - self.SUM // self.LEAST) * (4 * times - 3) // (4 * times.sum())
            )
        rest = self.SUM - int(own.sum())
        return np.concatenate([[0], np.cumsum(own + self._shared * rest // self.SUM + 1)])

    def encode(self, coder: Encoder, before: str, symbol: str) -> None:
        ends, n = self.ends(before), self.number[symbol]
        coder.encode(int(ends[n]), int(ends[n + 1]), int(ends[-1]))

    def decode(self, coder: Decoder, before: str) -> str:
        ends = self.ends(before)
        total = int(ends[-1])
        n = int(np.searchsorted(ends, coder.target(total), "right")) - 1
        coder.decode(int(ends[n]), int(ends[n + 1]), total)
        return self.symbols[n]


class _Bigram(TextCodec):
    """An arithmetic code of words, by their frequency after the word before; unknown words are
    spelled by another."""

    PIECE = 7  # bits of a character's number that are coded at a time

    def __init__(self, sentences: list[list[str]]):
        count = Counter(word for tokens in sentences for word in tokens)
        rare = [word for word in count if count[word] == 1]
        known = count.keys() - set(rare)
        self.known = known
        pairs, spelled = Counter(), Counter()
        for tokens in sentences:
            row = [END, *(word if word in known else ESCAPE for word in tokens), END]
            pairs.update(zip(row, row[1:], strict=False))
        for word in rare:
            spelled.update(zip([END, *word], [*word, END], strict=True))
        letters = sorted({letter for word in rare for letter in word})
        self.words = _Frequencies([ESCAPE, END, *sorted(known)], pairs)
        self.letters = _Frequencies([ESCAPE, END, *letters], spelled)

    def _encode(self, tokens: list[str]) -> np.ndarray:
        coder, before = Encoder(), END
        for word in [*tokens, END]:
            symbol = word if word in self.known or word == END else ESCAPE
            self.words.encode(coder, before, symbol)
            if symbol == ESCAPE:
                self._spell(coder, word)
            before = symbol
        return coder.finish()

    def _spell(self, coder: Encoder, word: str) -> None:
        before = END
        for letter in [*word, END]:
            symbol = letter if letter in self.letters.number else ESCAPE
            self.letters.encode(coder, before, symbol)
            if symbol == ESCAPE:
                for shift in range(NUMBER - self.PIECE, -1, -self.PIECE):
                    piece = ord(letter) >> shift & (1 << self.PIECE) - 1
                    coder.encode(piece, piece + 1, 1 << self.PIECE)
            before = symbol

    def _decode(self, bits: np.ndarray) -> list[str]:
        coder, before, tokens = Decoder(bits), END, []
        while (word := self.words.decode(coder, before)) != END and not coder.ended:
            before = word
            tokens += words(self._spelled(coder)) if word == ESCAPE else [word]
        return tokens

    def _spelled(self, coder: Decoder) -> str:
        text, before = "", END
        while (letter := self.letters.decode(coder, before)) != END and not coder.ended:
            before = letter
            if letter == ESCAPE:
                value = ""
                for _ in range(NUMBER // self.PIECE):
                    piece = coder.target(1 << self.PIECE)
                    coder.decode(piece, piece + 1, 1 << self.PIECE)
                    value += _number(piece, self.PIECE)
                letter = _character(value)
            text += letter
        return text


_CODECS = {
    "letters5": _Letters5,
    "huffman_letters": _HuffmanLetters,
    "huffman_words": _HuffmanWords,
    "brotli": _Brotli,
    "bigram": _Bigram,
}
