# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A folder of single sounds and pictures with their classes, to compose clips from.

``manifest.csv`` has a row a file with (at least) the columns path, class, split and kind ("audio"
or "image"); classes are AVE's names.
"""

from __future__ import annotations

import csv
from pathlib import Path

import av
import cv2
import numpy as np

from ..errors import SemcomError
from .clipset import AVE_CLASSES
from .spectrum import RATE

COLUMNS = ("path", "class", "split", "kind")


class RawLibrary:
    """The sounds and pictures of one split, in memory.

    sounds    class index -> list of [samples] float32, 16 kHz mono, -1 to 1
    pictures  class index -> list of [height, width, 3] uint8, RGB
    """

    def __init__(self, folder: str | Path, split: str):
        self.folder, self.split = Path(folder), split
        self.sounds, self.pictures = {}, {}
        for row in self._rows():
            kind = {"audio": (self.sounds, read_sound), "image": (self.pictures, read_picture)}
            files, read = kind[row["kind"]]
            index = AVE_CLASSES.index(row["class"])
            files.setdefault(index, []).append(read(self.folder / row["path"]))

    def _rows(self) -> list[dict]:
        path = self.folder / "manifest.csv"
        if not path.is_file():
            raise SemcomError(f"{path}: missing; give a folder of raw sounds and pictures")
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        lacking = [name for name in COLUMNS if not rows or name not in rows[0]]
        if lacking:
            raise SemcomError(f"{path}: no column {lacking[0]!r}; it needs {', '.join(COLUMNS)}")
        for row in rows:
            if row["class"] not in AVE_CLASSES or row["kind"] not in ("audio", "image"):
                raise SemcomError(
                    f"{path}: {row['path']}: class {row['class']!r}, kind {row['kind']!r}; expected "
                    "AVE's names, and audio or image"
                )
        return [row for row in rows if row["split"] == self.split]

    def events(self) -> list[int]:
        """Classes, other than background, with sounds and pictures."""
        return sorted((set(self.sounds) & set(self.pictures)) - {len(AVE_CLASSES) - 1})


def read_sound(path: Path) -> np.ndarray:
    """A whole sound file as [samples] float32, 16 kHz mono."""
    try:
        with av.open(str(path)) as file:
            resampler = av.AudioResampler("flt", "mono", RATE)
            frames = [f for frame in file.decode(audio=0) for f in resampler.resample(frame)]
            frames += resampler.resample(None)
    except (av.FFmpegError, IndexError) as error:
        raise SemcomError(f"{path}: not a sound that can be read ({error})") from error
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def read_picture(path: Path) -> np.ndarray:
    """A picture file as [height, width, 3] uint8, RGB."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SemcomError(f"{path}: not a picture that can be read")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
