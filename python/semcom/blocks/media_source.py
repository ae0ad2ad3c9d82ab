# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sources of features or of media: from files, cameras, microphones and sound streams."""

import functools
from itertools import islice
from pathlib import Path

import numpy as np

from ..media.clip import Media
from ..media.spectrum import RATE
from ..media.store import HANDLE_ITEM, STORE, handle_items
from ..perception.features import extractor
from ..perception.windows import LENGTH, MediaWindows, WindowStore
from .frame_block import FrameBlock

AHEAD = 2  # most windows that wait for the encoders


@functools.cache
def shared_store(name: str) -> WindowStore:
    """The store of the windows that the media source ``name`` has sent, for displays in the same
    process."""
    return WindowStore()


def sent_of(store: WindowStore | None, number: int) -> Media | None:
    """The media that a media source sent as frame ``number``; None if they are unknown."""
    window = store.window(number) if store else None
    return window.media if window else None


@functools.lru_cache(maxsize=4)
def shared_features(name: str, weights: str):
    """The feature networks ``name``, which all blocks of the process share."""
    return extractor(name, Path(weights) if weights else None)


class media_source(FrameBlock):
    """Sends films as features of picture and sound; a frame is a window of some seconds.

    Output 0  audio features, float32 vectors of d_a (128), T items a frame, an item a second
    Output 1  visual features, float32 vectors of h*w*d_v (5*5*128), T items a frame

    ``takes`` names the kinds of the outputs; ``media`` is the handle of a window in
    ``semcom.media.store``, repeated for each of its seconds.  Each first item carries
    ``semcom_frame`` = (sequence number, T).  The last window of a file may be shorter.  A file that
    cannot be read ends the flowgraph; if ``failures`` was set to a list, its error is appended to
    the list instead.  ``first``, the number of the first window, may be set to another than 0.

    names       files or devices (v4l2:/dev/video0, alsa:default), a list or one name
    microphone  device for the sound, if ``names`` is a camera
    features    name of the feature networks: world, compact or vgg
    weights     folder of the weights of 'vgg'; '' for the others, which are shipped
    length      [s] length of a window
    sliding     True: a frame each second, of the last ``length`` seconds
    realtime    True: files are sent in real time, as a camera is
    store       name under which displays find the pictures, see shared_store
    takes       kinds of the outputs, in the order of the ports: audio, visual, media
    frames      number of windows to send; 0: all
    """

    def __init__(self, names, microphone="", features="world", weights="", length=LENGTH,
                 sliding=False, realtime=False, store="media", takes=("audio", "visual"),
                 frames=0):  # fmt: skip
        self.names = [names] if isinstance(names, (str, Path)) else list(names)
        self.features = shared_features(features, str(weights))
        self._made = self.features if {"audio", "visual"} & set(takes) else None
        self.options = {"length": length, "sliding": sliding, "realtime": realtime}
        self.microphone, self.frames = microphone, frames
        self.takes, self.store = tuple(takes), shared_store(store)
        sizes = {
            "audio": self.features.audio_dim,
            "visual": int(np.prod(self.features.visual_shape)),
        }
        signature = [
            HANDLE_ITEM if kind == "media" else (np.float32, sizes[kind]) for kind in self.takes
        ]
        FrameBlock.__init__(self, "media_source", [], signature)
        for port in range(len(signature)):
            self.set_min_output_buffer(port, AHEAD * length)
        self.places, self.failures, self._media, self._windows = [], None, None, None
        self.first = 0

    def start(self) -> bool:
        """Begins with the first file at each start of the flowgraph."""
        self._media = MediaWindows(
            self.names, self._made, microphone=self.microphone, failures=self.failures,
            **self.options,
        )  # fmt: skip
        windows = iter(self._media)
        self._windows = islice(windows, self.frames) if self.frames else windows
        self.places.clear()
        return FrameBlock.start(self)

    @property
    def sent(self) -> int:
        """Number after that of the last frame; ``places`` has (name, first second, seconds) of each
        frame since the start."""
        return self.first + len(self.places)

    @property
    def features_s(self) -> float:
        """Time [s] spent on features since the start."""
        return self._media.features_s

    @property
    def waited_s(self) -> float:
        """Time [s] spent waiting for media since the start."""
        return self._media.waited_s

    def stop(self) -> bool:
        """Closes files and devices."""
        self._windows = None
        return True

    def advance(self, input_items):
        """The next window; None after the last."""
        window = next(self._windows, None)
        if window is None:
            return None
        number = self.sent
        self.places.append((window.name, window.start, len(window.seconds)))
        self.store.keep(number, window)
        return [(number, *self._taken(window))]

    def _taken(self, window) -> list:
        """The items of a window for each output port."""
        seconds = len(window.seconds)
        if "media" in self.takes:
            handles = handle_items(STORE.keep(window.media), seconds)
        read = {
            "audio": lambda: window.audio,
            "visual": lambda: window.visual.reshape(seconds, -1),
            "media": lambda: handles,
        }
        return [read[kind]() for kind in self.takes]


class sound_features(FrameBlock):
    """Extracts the features of a sound stream, such as that of blocks.wavfile_source.

    Input 0   float32 samples, 16 kHz mono, -1 to 1 (other rates: a rational resampler before it)
    Output 0  audio features, float32 vectors of d_a (128), ``length`` items a frame, an item a
              second, with ``semcom_frame`` tags

    Samples at the end that do not fill a frame are not sent.

    features  name of the feature networks: world, compact or vgg
    weights   folder of the weights of 'vgg'; '' for the others, which are shipped
    length    [s] length of a window
    """

    def __init__(self, features="world", weights="", length=LENGTH):
        self.features, self.length = shared_features(features, str(weights)), length
        FrameBlock.__init__(
            self, "sound_features", [np.float32], [(np.float32, self.features.audio_dim)]
        )
        self.set_min_output_buffer(0, AHEAD * length)

    def start(self) -> bool:
        self._waiting, self._filled, self.sent = np.zeros(self.length * RATE, np.float32), 0, 0
        return FrameBlock.start(self)

    def advance(self, input_items):
        """The next frame, if enough samples have come."""
        samples = input_items[0][: len(self._waiting) - self._filled]
        self._waiting[self._filled : self._filled + len(samples)] = samples
        self._filled += len(samples)
        self.consume(0, len(samples))
        if self._filled < len(self._waiting):
            return []
        self._filled, number = 0, self.sent
        self.sent += 1
        return [(number, self.features.audio(self._waiting.reshape(self.length, RATE)))]

    def forecast(self, noutput_items, ninputs):
        return [0 if any(self.outboxes) else 1]
