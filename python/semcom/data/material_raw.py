# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Raw material: a folder of single sounds and pictures with their classes.

``manifest.csv`` has a row per file with the columns path, class, split and kind ("audio" or
"image"), and possibly others; classes are AVE's names.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..base.optional import av, cv2
from ..media.spectrum import RATE
from . import MANIFEST
from .clipset import AVE_CLASSES, BACKGROUND

COLUMNS = ("path", "class", "split", "kind")
KINDS = ("audio", "image")
LEVEL = -15.0, 5.0  # [dB] level of a recording in a clip, relative to its own
FILLING = 0.7  # share of photographs that fill the clip's picture
WHOLE_FRAME, INSET = (224.0, 330.0), (120.0, 220.0)  # [pixels] heights in the clip's picture


class RawMaterial:
    """The sounds and pictures of one split in memory, or only those of ``kinds``.

    sounds    class index -> list of [samples] float32, 16 kHz mono, -1 to 1
    pictures  class index -> list of [height, width, 3] uint8, RGB
    """

    def __init__(self, folder: str | Path, split: str, kinds: tuple[str, ...] = KINDS):
        self.folder, self.split = Path(folder), split
        self.sounds, self.pictures = {}, {}
        read = {"audio": (self.sounds, read_sound), "image": (self.pictures, read_picture)}
        for row in rows_of(self.folder / MANIFEST, split):
            if row["kind"] in kinds:
                files, read_file = read[row["kind"]]
                index = AVE_CLASSES.index(row["class"])
                files.setdefault(index, []).append(read_file(self.folder / row["path"]))

    def events(self) -> list[int]:
        """Classes, other than background, with sounds and pictures."""
        return sorted((set(self.sounds) & set(self.pictures)) - {BACKGROUND})

    # The methods of Material.

    def sound(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One of the event's recordings, at a random level."""
        return _pick(rng, self.sounds[event]) * np.float32(10 ** (rng.uniform(*LEVEL) / 20))

    def picture(self, rng: np.random.Generator, event: int) -> np.ndarray:
        """One of the event's photographs, at random mirrored, with soft edges.  Most are at least
        as large as the clip's picture, as in a film of the event."""
        photo = _pick(rng, self.pictures[event])[:, :: rng.choice([-1, 1])]
        photo = cropped(rng, photo)
        fills = rng.random() < FILLING
        height = rng.uniform(*(WHOLE_FRAME if fills else INSET))
        size = round(height * photo.shape[1] / photo.shape[0]), round(height)
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_LINEAR)
        photo = np.clip(photo * rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3), 0, 255)
        return np.dstack([photo, soft_edges(size[::-1], 6)]).astype(np.uint8)

    def scene(self, rng: np.random.Generator) -> np.ndarray:
        """A photograph without any of the events."""
        return cropped(rng, _pick(rng, self.pictures[BACKGROUND]))

    def hum(self, rng: np.random.Generator) -> np.ndarray:
        """A sound of a thing that is not an event; in one of three cases noise."""
        if rng.random() < 1 / 3:
            return rng.standard_normal(RATE * 5).astype(np.float32)
        return _pick(rng, self.sounds[BACKGROUND])


def _pick(rng: np.random.Generator, files: list[np.ndarray]) -> np.ndarray:
    return files[rng.integers(len(files))]


def cropped(rng: np.random.Generator, photo: np.ndarray) -> np.ndarray:
    """A random part of a photograph, at least two thirds of each side."""
    height, width = (round(side * rng.uniform(2 / 3, 1)) for side in photo.shape[:2])
    top = rng.integers(photo.shape[0] - height + 1)
    left = rng.integers(photo.shape[1] - width + 1)
    return photo[top : top + height, left : left + width]


def soft_edges(size: tuple[int, int], border: int) -> np.ndarray:
    """Opacity [height, width] uint8, 0 to 255, which falls towards the edges."""
    far = [np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1) for n in size]
    return 255 * np.clip(np.minimum(*np.meshgrid(*far, indexing="ij")) / border, 0, 1)


def rows_of(path: Path, split: str) -> list[dict]:
    """The rows of one split of a manifest; SemcomError for missing columns or wrong values."""
    if not path.is_file():
        raise SemcomError(f"{path}: missing; give a folder of raw material, which has it")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lacking = [name for name in COLUMNS if not rows or name not in rows[0]]
    if lacking:
        raise SemcomError(f"{path}: no column {lacking[0]!r}; it needs {', '.join(COLUMNS)}")
    for row in rows:
        known = row["class"] in AVE_CLASSES and row["kind"] in KINDS
        if not known:
            raise SemcomError(
                f"{path}: {row['path']} has class {row['class']!r} and kind {row['kind']!r}; "
                "expected AVE's names, and audio or image"
            )
    return [row for row in rows if row["split"] == split]


def read_sound(path: Path) -> np.ndarray:
    """A sound file as [samples] float32, 16 kHz mono; SemcomError if it cannot be read."""
    try:
        with av.open(str(path)) as file:
            resampler = av.AudioResampler("flt", "mono", RATE)
            pieces = [p for part in file.decode(audio=0) for p in resampler.resample(part)]
            pieces += resampler.resample(None)
    except (av.FFmpegError, IndexError) as error:
        raise SemcomError(
            f"{path}: cannot be read as a sound ({error}); convert or remove it"
        ) from error
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])


def read_picture(path: Path) -> np.ndarray:
    """A picture file as [height, width, 3] uint8, RGB; SemcomError if it cannot be read."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SemcomError(f"{path}: cannot be read as a picture; convert or remove it")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
