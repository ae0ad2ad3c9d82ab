# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The frame of m3e_vsc: a protected header that describes the content, then the GOPs.

    head   [mode, shape (, seconds, height, width, tracks) (, key frames of each GOP)]
    GOP    [places of its further key frames][text][sound][key frame][key frame]...

A shape of one word means one second of square pictures with sound, a square still without sound, or
one second of only sound; for other shapes, further words follow.

Each field of the header is a word of :mod:`semcom.phy.length_code`, 6 bits in 16 symbols, sent two
or four times.  The receiver knows the length of the frame, and decodes the most likely header that
a frame of this length can have.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ..base.errors import SemcomError
from ..phy import length_code

TEXT_WIDTHS = (0, 60)  # symbols of a sentence
SOUND_WIDTHS = (0, 4)  # symbols of each of a second's latents
PICTURE_WIDTHS = (2, 4, 6, 9)  # symbols of each of a key frame's latents
MOST_KEYS = (0, 1, 2, 4)  # key frames of a GOP at most; 0: no pictures
SOUND_LATENTS, PICTURE_LATENTS = 200, 64
GOP = 16  # pictures of a second
STEP, SQUARES = 8, 31  # [pixels]: squares of 8 to 248 pixels and one second fit into one word
LONG = 2 * SQUARES  # shape word behind which the rest follows; below it: films, then stills
SOUND = LONG + 1  # of one second of sound
WORDS, LARGEST = length_code.LARGEST + 1, length_code.LARGEST
DIGITS = 2  # words of a side
SHORT_REPEATS, LONG_REPEATS = 2, 4
MOST = 1 << 23  # pixels of a picture times seconds: a misread head must not ask for more memory


@dataclass(frozen=True)
class Mode:
    """The content of each GOP of a frame: symbols of the text, symbols of a latent of sound and of
    pictures, and most key frames."""

    text: int = 60
    sound: int = 4
    picture: int = 9
    most: int = 1

    @property
    def key(self) -> int:
        """Symbols of a key frame."""
        return PICTURE_LATENTS * self.picture

    @property
    def rest(self) -> int:
        """Symbols of a GOP beside its key frames."""
        return self.text + SOUND_LATENTS * self.sound

    @property
    def counts(self) -> range:
        """The possible numbers of key frames of a GOP."""
        return range(min(1, self.most), self.most + 1)

    def body(self, keys: int) -> int:
        """Symbols of a GOP with ``keys`` key frames."""
        return self.rest + keys * self.key + max(0, keys - 1) * PLACE


PLACE = LONG_REPEATS * length_code.SYMBOLS  # symbols of a word in a long head
MODES = [Mode(*mode) for mode in product(TEXT_WIDTHS, SOUND_WIDTHS, PICTURE_WIDTHS, MOST_KEYS)]


@dataclass(frozen=True)
class Head:
    """The header of a frame.

    mode           content of each GOP
    keys           number of key frames of each of the ``seconds`` GOPs
    height, width  [pixels] of the clip's pictures, 0 without pictures
    still          the clip has only one picture
    sounds         the clip has sound
    """

    mode: Mode
    seconds: int
    height: int
    width: int
    still: bool
    sounds: bool
    keys: tuple[int, ...]

    def __post_init__(self):
        if not 1 <= self.seconds <= LARGEST:
            raise SemcomError(
                f"a frame of {self.seconds} s: expected 1 to {LARGEST}; send shorter clips"
            )
        if not _fits(self.seconds, self.height, self.width):
            raise SemcomError(
                f"{self.seconds} s of pictures of {self.width} x {self.height} pixels: expected "
                f"at most {MOST:,} pixels times seconds and sides below {WORDS**DIGITS}; scale "
                "them down, or send shorter clips"
            )

    @property
    def pictures(self) -> int:
        """Pictures of the clip."""
        return 0 if not self.height else 1 if self.still else GOP * self.seconds

    def words(self) -> list[tuple[int, int]]:
        """The words of the header: (word, number of repetitions)."""
        first = [(MODES.index(self.mode), SHORT_REPEATS), (self._shape(), SHORT_REPEATS)]
        long = [] if self._shape() != LONG else [
            self.seconds, *divmod(self.height, WORDS), *divmod(self.width, WORDS),
            self.still + 2 * self.sounds]  # fmt: skip
        counts = self.keys if self.mode.most > 1 else ()
        return first + [(int(word), LONG_REPEATS) for word in (*long, *counts)]

    def _shape(self) -> int:
        if self.seconds == 1 and not self.height and self.sounds:
            return SOUND
        square = self.height == self.width and self.height % STEP == 0
        usual = self.seconds == 1 and square and self.still != self.sounds
        if not usual or not 0 < self.height <= STEP * SQUARES:
            return LONG
        return self.height // STEP - 1 + SQUARES * self.still

    def symbols(self) -> Tensor:
        """The symbols of the header, [n] complex64."""
        words = [word for word, times in self.words() for _ in range(times)]
        return length_code.encode(torch.tensor(words)).flatten()

    def __len__(self) -> int:
        """Symbols of the head."""
        return length_code.SYMBOLS * sum(times for _, times in self.words())

    def total(self) -> int:
        """Symbols of the frame."""
        return len(self) + sum(self.mode.body(keys) for keys in self.keys)


def _fits(seconds: int, height: int, width: int) -> bool:
    """Whether a clip can have this length and size; 0 x 0: no pictures."""
    sides = (height, width)
    whole = all(0 <= side < WORDS**DIGITS for side in sides)
    return whole and any(sides) == all(sides) and seconds * height * width <= MOST


def read_head(symbols: Tensor, noise: Tensor) -> Head | None:
    """The most likely header of a frame, from its symbols [n] complex64 and their noise variance
    [n]; None if no header gives this length."""
    modes, shapes = _words(symbols, noise, 0, 2, SHORT_REPEATS)
    at = 2 * SHORT_REPEATS * length_code.SYMBOLS
    still, side = divmod(int(shapes[:LONG].argmax()), SQUARES)
    side = STEP * (side + 1)
    found = [(shapes[:LONG].max(), (1, side, side, bool(still), not still), at)]
    found.append((shapes[SOUND], (1, 0, 0, False, True), at))
    seconds, *sides, tracks = _words(symbols, noise, at, 2 * DIGITS + 2, LONG_REPEATS)
    digits = [int(word.argmax()) for word in sides]
    height, width = digits[0] * WORDS + digits[1], digits[2] * WORDS + digits[3]
    tracks = int(tracks[:4].argmax())
    at += (2 * DIGITS + 2) * PLACE
    lengths = [length for length in range(1, WORDS) if _fits(length, height, width)]
    found += [
        (shapes[LONG] + seconds[length], (length, height, width, bool(tracks & 1), tracks > 1), at)
        for length in lengths
    ]
    heads = []
    for chance, shape, at in found:
        for number, mode in enumerate(MODES):
            total = _total_keys(len(symbols) - at, mode, shape[0])
            if total is not None:
                keys, more = _keys(symbols, noise, at, mode, shape[0], total)
                heads.append((chance + modes[number] + more, Head(mode, *shape, keys)))
    return max(heads, key=lambda pair: pair[0])[1] if heads else None


def places_on_air(places: list[int]) -> list[Tensor]:
    """The places of a GOP's key frames as symbols; the first place is always 0 and not sent."""
    words = [place for place in places[1:] for _ in range(LONG_REPEATS)]
    return [length_code.encode(torch.tensor(words)).flatten()] if words else []


def read_places(symbols: Tensor, noise: Tensor, keys: int) -> list[int]:
    """The places of ``keys`` key frames from the first symbols of a GOP, ascending."""
    if keys < 2:
        return [0] * keys
    places, words = [0], _words(symbols, noise, 0, keys - 1, LONG_REPEATS)
    for left, word in zip(range(keys - 2, -1, -1), words, strict=True):
        low = places[-1] + 1
        places.append(low + int(word[low : GOP - left].argmax()))
    return places


def _words(symbols: Tensor, noise: Tensor, at: int, count: int, repeats: int) -> np.ndarray:
    """Logarithms of the probabilities [count, 64] of words from symbol ``at`` on; 0 for missing
    symbols."""
    size = repeats * length_code.SYMBOLS
    found = np.zeros((count, WORDS))
    whole = min(count, max(0, len(symbols) - at) // size)
    if whole:
        part = slice(at, at + whole * size)
        some = (each[part].unflatten(0, (-1, length_code.SYMBOLS)) for each in (symbols, noise))
        words = length_code.likelihoods(*some).unflatten(0, (whole, repeats)).sum(1)
        found[:whole] = words.double().log_softmax(-1).numpy()
    return found


def _total_keys(left: int, mode: Mode, seconds: int) -> int | None:
    """The total number of key frames for the ``left`` symbols after mode and shape; None if
    none."""
    if mode.most < 2:
        total = seconds * mode.most
        return total if left == seconds * mode.body(mode.most) else None
    # each GOP has a word for its number of key frames, and one for each place but the first
    total, over = divmod(left - seconds * mode.rest, mode.key + PLACE)
    return total if not over and seconds <= total <= seconds * mode.most else None


def _keys(symbols, noise, at: int, mode: Mode, seconds: int, total: int) -> tuple[tuple, float]:
    """The most likely numbers of key frames of the GOPs with the sum ``total``, and the logarithm
    of their probability."""
    if mode.most < 2:
        return (mode.most,) * seconds, 0.0
    best = {0: (0.0, ())}  # sum -> (logarithm, most likely counts of the GOPs so far)
    for word in _words(symbols, noise, at, seconds, LONG_REPEATS):
        following = {}
        for so_far, (chance, counts) in best.items():
            for keys in mode.counts:
                made = chance + word[keys], (*counts, keys)
                following[so_far + keys] = max(following.get(so_far + keys, made), made)
        best = following
    return best[total][::-1]
