# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pictures and sound of a clip as they are sent, shown again and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..base.errors import SemcomError
from .decoding import PICTURES
from .spectrum import RATE

GREY = 128  # of a picture that never arrived


@dataclass(frozen=True, eq=False)
class Media:
    """What a clip shows and plays.

    pictures  [n, h, w, 3] uint8 RGB, evenly spaced over the clip; n = 0: it has none
    sound     [T * 16000] float32, finite, in -1 to 1 at 16 kHz; T = 0: it has none
    label     class of what is seen and heard, by AVE's name; '' where it is not known

    Of what a receiver shows:

    said      the sentence of each second as it was read, T of them; () where none are sent
    xi        [T] expected likeness of the meaning of each to what was sent, 0 to 1
    symbols   complex symbols of its frame; 0 where they are not known

    Raises SemcomError for other shapes, dtypes or samples.
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
        """Length [s], at least 1: of the sound; without it pictures count 16 a second."""
        return max(1, len(self.sound) // RATE or -(-len(self.pictures) // PICTURES))

    @property
    def nbytes(self) -> int:
        return self.pictures.nbytes + self.sound.nbytes

    def filled(self) -> Media:
        """With black pictures and silence in the place of what it has not."""
        seconds, own = self.seconds, {}
        if not len(self.pictures):
            own["pictures"] = np.stack([no_picture()] * (seconds * PICTURES))
        if not len(self.sound):
            own["sound"] = np.zeros(seconds * RATE, np.float32)
        return replace(self, **own)

    def blank(self) -> Media:
        """Mid-grey pictures and silence of the same sizes: what is shown if nothing arrives."""
        return Media(np.full_like(self.pictures, GREY), np.zeros_like(self.sound))


def no_picture(height: int = 224) -> np.ndarray:
    """A black picture, 4:3 with an even width, for a medium that has none: [h, w, 3] uint8."""
    return np.zeros((height, height * 4 // 3 // 2 * 2, 3), np.uint8)


def joined(parts: Sequence[Media]) -> Media:
    """Parts of a clip, at least one, one after the other; with the label of the first."""
    if len(parts) == 1:
        return parts[0]
    sizes = {part.pictures.shape[1:3] for part in parts}
    if len(sizes) > 1:
        raise SemcomError(f"parts of a clip with pictures of {sorted(sizes)}; expected one size")
    pictures = np.concatenate([part.pictures for part in parts])
    sound = np.concatenate([part.sound for part in parts])
    said, xi = (sum((getattr(part, name) for part in parts), ()) for name in ("said", "xi"))
    return Media(pictures, sound, parts[0].label, said, xi, sum(part.symbols for part in parts))
