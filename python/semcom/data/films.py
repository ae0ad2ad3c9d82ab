# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files, cameras and microphones as a set of clips: successive windows of some seconds.

The number of clips is unknown until they were sent: the set has length 0 and numbers its clips as
they come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..media.clip import Media
from ..perception.features import extractor, suited
from ..perception.names import AUTO, FEATURES
from ..perception.windows import MediaWindows
from .ave_text import Truths
from .clipset import AVE_CLASSES

MIB = 1 << 20


class Films:
    """The clips of media files or devices, and their true events if known; see :class:`ClipSet`.

    names       files or devices (v4l2:/dev/video0)
    microphone  device for the sound, if ``names`` is a camera
    features    'world', 'compact', or 'vgg' with the folder ``weights``; 'auto': see :meth:`suit`
    weights     folder of the weights of 'vgg'

    ``classes`` are AVE's, or those of the system that :meth:`suit` was told of.

    ``places`` has (name, first second, seconds) of each clip that was sent; the source fills it.
    ``media(i)`` reads them again, which is fast in their order.  ``truths`` has the true events;
    its ``notes`` name the files of annotations with unknown classes.  ``first`` is the number of
    the first clip: 0, but for a file that is sent apart from those before it (:meth:`file`).
    """

    name = "media"

    def __init__(self, names: Sequence, microphone: str = "", features: str = AUTO,
                 weights: str = ""):  # fmt: skip
        self.names, self.microphone = [str(name) for name in names], microphone
        self.asked, self.weights = features, str(weights)  # the user's choice
        self.features = FEATURES[0] if features == AUTO else features
        self.places: list[tuple[str, int, int]] = []
        self.first, self._counts = 0, {}
        self.classes, self.truths = AVE_CLASSES, Truths(self.names)
        self._again, self._at = None, 0

    def __len__(self) -> int:
        return 0

    def digest(self) -> str:
        """SHA-256 (hexadecimal) of the names, sizes, first and last MiB and annotations of the
        files, whatever the classes."""
        truths = [self.truths.keys(name) for name in self.names]
        told = hashlib.sha256(f"{self._files()} {self._sizes()} {truths}".encode())
        for name, size in zip(self.names, self._sizes(), strict=True):
            if size:
                with open(name, "rb") as file:
                    told.update(file.read(MIB))
                    file.seek(max(0, size - MIB))
                    told.update(file.read(MIB))
        return told.hexdigest()

    def suit(self, sizes: dict, classes: Sequence[str] | None = None) -> None:
        """Take the ``classes`` of a system, AVE's if it has none, and with features 'auto' choose
        the feature networks that fit its ``sizes``."""
        if self.asked == AUTO:
            self.features = suited(sizes) or self.features
        classes = tuple(classes or AVE_CLASSES)
        if classes != self.classes:
            self.classes, self.truths = classes, Truths(self.names, classes)

    def media(self, i: int) -> Media | None:
        """Pictures and sound of the i-th clip that was sent; None for devices and pipes, which
        cannot be read again.

        Its label is the event of most of its seconds, if known.
        """
        if self.streams():
            return None
        if self._again is None or i < self._at:
            self._again, self._at = self._windows(), self.first
        for window in self._again:
            self._at += 1
            if self._at == i + 1:
                return replace(window.media, label=self._label(i))
        raise SemcomError(
            f"{', '.join(self._files())}: end before clip {i}; keep the files during a run"
        )

    def _windows(self) -> Iterator:
        return iter(MediaWindows(self.names, None, failures=[]))

    def file(self, number: int) -> Films:
        """One of the files by itself."""
        return Films([self.names[number]], self.microphone, self.asked, self.weights)

    def count(self, number: int, most: int = 0) -> int:
        """Number of clips of a file, as many as are sent of it; the file is decoded once for that.

        most  count no further; 0: to the end
        """
        if number not in self._counts:
            windows = islice(self.file(number)._windows(), most or None)
            self.counted(number, sum(1 for _ in windows))
        return self._counts[number]

    def counted(self, number: int, clips: int) -> None:
        """Note the number of clips of a file that was counted elsewhere."""
        self._counts[number] = clips

    def are_apart(self) -> bool:
        """Whether these are several files, which can be read apart from each other."""
        return len(self.names) > 1 and not self.microphone and not self.streams()

    def place(self, i: int) -> tuple[str, int, int]:
        """(name, first second, seconds) of the i-th clip that was sent."""
        return self.places[i - self.first]

    def streams(self) -> list[str]:
        """Names of devices and pipes, which cannot be read again."""
        others = [name for name in self.names if not Path(name).is_file()]
        return [name for name in others if ":" in name or Path(name).exists()]

    def _label(self, i: int) -> str:
        labels = self.labels(i)
        background = len(self.classes) - 1
        events = [] if labels is None else [n for n in labels.tolist() if n != background]
        return self.classes[max(set(events), key=events.count)] if events else ""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{kind: shape of a terminal's features in a second}."""
        networks = extractor(self.features, Path(self.weights) if self.weights else None)
        return {"audio": (networks.audio_dim,), "visual": tuple(networks.visual_shape)}

    def told(self) -> dict:
        """A dict for the replay of a recording: ``files``, their sizes ``bytes``, and ``places``:
        for each clip that was sent, the number of its file, first second and seconds."""
        places = [(self.names.index(name), start, length) for name, start, length in self.places]
        return {"files": self._files(), "bytes": self._sizes(), "places": places}

    def recall(self, told: dict) -> None:
        """Set ``places`` from a dict of :meth:`told`; SemcomError if it is of other files or
        damaged."""
        files, sizes = told.get("files"), told.get("bytes", self._sizes())
        if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
            raise SemcomError(f"files {files!r}; expected a list of names")
        if files != self._files():
            raise SemcomError(
                f"was sent from {', '.join(files)}; give these with --media, in this order"
            )
        if sizes != self._sizes():
            raise SemcomError(
                f"files of {sizes} bytes, these have {self._sizes()}; give the same files"
            )
        places = told.get("places")
        if not isinstance(places, list) or not all(map(self._is_place, places)):
            raise SemcomError(
                "places: expected [number of the file, first second, seconds] of each clip"
            )
        self.places = [(self.names[n], start, length) for n, start, length in places]

    def _is_place(self, place) -> bool:
        whole = isinstance(place, list) and [type(number) for number in place] == [int] * 3
        return whole and 0 <= place[0] < len(self.names) and place[1] >= 0 and place[2] > 0

    def _files(self) -> list[str]:
        return [Path(name).name for name in self.names]

    def _sizes(self) -> list[int]:
        """Size [bytes] of each file; 0 for devices."""
        return [Path(n).stat().st_size if Path(n).is_file() else 0 for n in self.names]

    def labels(self, i: int) -> np.ndarray | None:
        """Class index of each second of the i-th clip that was sent, [T] int64; None if unknown."""
        return self.truths.labels(*self.place(i))

    def names_of_truth(self, i: int) -> list[str] | None:
        """Names of the events of each second of the i-th clip that was sent; None if unknown."""
        labels = self.labels(i)
        return None if labels is None else [self.classes[label] for label in labels]
