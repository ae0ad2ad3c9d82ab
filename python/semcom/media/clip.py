# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures and sound of a clip, as they are sent, received and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..base.errors import SemcomError
from .decoding import PICTURES
from .spectrum import RATE

GREY = 128  # level of a picture that was not received


@dataclass(frozen=True, eq=False)
class Media:
    """Pictures and sound of a clip.

    pictures  [n, h, w, 3] uint8 RGB, evenly spaced over the clip; n = 0: none
    sound     [T * 16000] float32, finite, -1 to 1, at 16 kHz; T = 0: none
    label     name (AVE's) of the event; '' if unknown

    Of a received clip:
    said      the received sentence of each second, T of them; () without sentences
    xi        [T] expected similarity of each sentence to the sent one, 0 to 1
    symbols   number of complex symbols of its frame; 0 if unknown

    SemcomError for other shapes, dtypes or values.
    """

    pictures: np.ndarray = field(default_factory=lambda: np.zeros((0, 1, 1, 3), np.uint8))
    sound: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    label: str = ""
    said: tuple[str, ...] = ()
    xi: tuple[float, ...] = ()
    symbols: int = 0

    def __post_init__(self):
        shape, kind = np.shape(self.pictures), self.pictures.dtype
        if len(shape) != 4 or shape[3] != 3 or 0 in shape[1:] or kind != np.uint8:
            raise SemcomError(f"pictures {list(shape)} of {kind}; expected [n, h, w, 3] of uint8")
        shape, kind = np.shape(self.sound), self.sound.dtype
        if len(shape) != 1 or shape[0] % RATE or kind != np.float32:
            raise SemcomError(
                f"sound {list(shape)} of {kind}; expected [T * {RATE}] of float32, whole seconds"
            )
        if not np.isfinite(self.sound).all():
            raise SemcomError("sound with samples that are NaN or infinite; expected -1 to 1")

    @property
    def seconds(self) -> int:
        """Length [s], at least 1: that of the sound, or else of the pictures at 16 per second."""
        return max(1, len(self.sound) // RATE or -(-len(self.pictures) // PICTURES))

    @property
    def nbytes(self) -> int:
        """Size of pictures and sound in memory [bytes]."""
        return self.pictures.nbytes + self.sound.nbytes

    def filled(self) -> Media:
        """The same media with black pictures, or silence, for a missing track."""
        seconds, own = self.seconds, {}
        if not len(self.pictures):
            own["pictures"] = np.stack([no_picture()] * (seconds * PICTURES))
        if not len(self.sound):
            own["sound"] = np.zeros(seconds * RATE, np.float32)
        return replace(self, **own)

    def blank(self) -> Media:
        """Mid-grey pictures and silence of the same sizes: the outcome of a lost clip."""
        return Media(np.full_like(self.pictures, GREY), np.zeros_like(self.sound))


def no_picture(height: int = 224) -> np.ndarray:
    """A black picture [h, w, 3] uint8, 4:3 with an even width, for a medium without pictures."""
    return np.zeros((height, height * 4 // 3 // 2 * 2, 3), np.uint8)


def joined(parts: Sequence[Media]) -> Media:
    """The parts of a clip (at least one) joined in order, with the label of the first.

    SemcomError for pictures of several sizes.
    """
    if len(parts) == 1:
        return parts[0]
    sizes = {part.pictures.shape[1:3] for part in parts}
    if len(sizes) > 1:
        raise SemcomError(f"parts of a clip with pictures of {sorted(sizes)}; expected one size")
    pictures = np.concatenate([part.pictures for part in parts])
    sound = np.concatenate([part.sound for part in parts])
    said, xi = (sum((getattr(part, name) for part in parts), ()) for name in ("said", "xi"))
    return Media(pictures, sound, parts[0].label, said, xi, sum(part.symbols for part in parts))
