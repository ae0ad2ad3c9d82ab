# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files, cameras and microphones as a set of clips: windows of seconds, one after the other.

How many clips there are is not known before they were sent: a set of films has length 0 and numbers
its clips as they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base.errors import SemcomError
from ..media.clip import Media
from ..perception.features import extractor, suited
from ..perception.names import AUTO, FEATURES
from ..perception.windows import MediaWindows
from .ave_text import Truths
from .clipset import AVE_CLASSES, BACKGROUND


class Films:
    """What is sent of media, and what is known of it; see :class:`ClipSet`.

    names       files or devices (v4l2:/dev/video0)
    microphone  a device that the sound is taken from, beside a camera
    features    'world', 'compact', or 'vgg' with the folder ``weights``; 'auto': see :meth:`suit`
    places      (name, first second, seconds) of each clip that was sent, filled by its source;
                ``media(i)`` reads them again, which is quick in their order
    truths      what is known of them; its ``notes`` say of which films nothing is
    """

    name = "media"
    classes = AVE_CLASSES

    def __init__(self, names: Sequence, microphone: str = "", features: str = AUTO,
                 weights: str = ""):  # fmt: skip
        self.names, self.microphone = [str(name) for name in names], microphone
        self.asked, self.weights = features, str(weights)  # what the user named
        self.features = FEATURES[0] if features == AUTO else features
        self.places: list[tuple[str, int, int]] = []
        self.truths = Truths(self.names, self.classes)
        self._again, self._at = None, 0

    def __len__(self) -> int:
        return 0

    def suit(self, sizes: dict) -> None:
        """Take the features that a system of such sizes does, where the user left it open."""
        if self.asked == AUTO:
            self.features = suited(sizes) or self.features

    def media(self, i: int) -> Media | None:
        """What the i-th clip that was sent shows and plays; None of a device's or a pipe's, which
        are gone.

        Its label is what happens in most of its seconds, where that is known.
        """
        if self.streams():
            return None
        if self._again is None or i < self._at:
            self._again, self._at = iter(MediaWindows(self.names, None, failures=[])), 0
        for window in self._again:
            self._at += 1
            if self._at == i + 1:
                return replace(window.media, label=self._label(i))
        raise SemcomError(f"{', '.join(self._files())}: end before their clip {i}; leave them be")

    def streams(self) -> list[str]:
        """Names of devices and pipes, which cannot be read again."""
        others = [name for name in self.names if not Path(name).is_file()]
        return [name for name in others if ":" in name or Path(name).exists()]

    def _label(self, i: int) -> str:
        labels = self.labels(i)
        events = [] if labels is None else [n for n in labels.tolist() if n != BACKGROUND]
        return self.classes[max(set(events), key=events.count)] if events else ""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of what a terminal takes in a second, by kind."""
        networks = extractor(self.features, Path(self.weights) if self.weights else None)
        return {"audio": (networks.audio_dim,), "visual": tuple(networks.visual_shape)}

    def told(self) -> dict:
        """What the replay of a recording has to know: files with their sizes, and of each clip that
        was sent the number of its file, first second and seconds."""
        places = [(self.names.index(name), start, length) for name, start, length in self.places]
        return {"files": self._files(), "bytes": self._sizes(), "places": places}

    def recall(self, told: dict) -> None:
        """Take the clips that were sent from what ``told`` says; SemcomError if it is of other
        files, or no such thing."""
        files, sizes = told.get("files"), told.get("bytes", self._sizes())
        if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
            raise SemcomError(f"files {files!r}; expected a list of names")
        if files != self._files():
            raise SemcomError(
                f"was sent from {', '.join(files)}; name those with --media, in that order"
            )
        if sizes != self._sizes():
            raise SemcomError(
                f"files of {sizes} bytes, these have {self._sizes()}; name the same files"
            )
        places = told.get("places")
        if not isinstance(places, list) or not all(map(self._is_place, places)):
            raise SemcomError(
                "places: expected [number of the file, first second, seconds] of each"
            )
        self.places = [(self.names[n], start, length) for n, start, length in places]

    def _is_place(self, place) -> bool:
        whole = isinstance(place, list) and [type(number) for number in place] == [int] * 3
        return whole and 0 <= place[0] < len(self.names) and place[1] >= 0 and place[2] > 0

    def _files(self) -> list[str]:
        return [Path(name).name for name in self.names]

    def _sizes(self) -> list[int]:
        """[bytes] of each file; 0 of devices."""
        return [Path(n).stat().st_size if Path(n).is_file() else 0 for n in self.names]

    def labels(self, i: int) -> np.ndarray | None:
        """Class index of each second of the i-th clip that was sent; None where the
        Annotations.txt beside its file does not tell."""
        return self.truths.labels(*self.places[i])

    def names_of_truth(self, i: int) -> list[str] | None:
        """Names of the events of each second; None where not known."""
        labels = self.labels(i)
        return None if labels is None else [self.classes[label] for label in labels]
