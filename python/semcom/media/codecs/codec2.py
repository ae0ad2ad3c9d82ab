# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Codec 2, the speech codec of D. Rowe, by its C library (Debian packages libcodec2-1.x)."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache

import numpy as np

LIBRARY = "codec2"
PACKAGE = "the Debian package libcodec2-1.2 (Debian 12: libcodec2-1.0)"
MODES = {3200: 0, 2400: 1, 1600: 2, 1400: 3, 1300: 4, 1200: 5, 700: 8}
"""{bitrate [bit/s]: its number in codec2.h}"""


@cache
def library():
    """The C library; None if it is not installed."""
    name = ctypes.util.find_library(LIBRARY)
    if not name:
        return None
    found = ctypes.CDLL(name)
    found.codec2_create.restype = ctypes.c_void_p
    for name in ("samples_per_frame", "bits_per_frame", "destroy"):
        getattr(found, f"codec2_{name}").argtypes = [ctypes.c_void_p]
    for name in ("encode", "decode"):
        getattr(found, f"codec2_{name}").argtypes = [ctypes.c_void_p] * 3
    return found


class Codec2:
    """A coder and decoder.

    bitrate  [bit/s], a key of MODES

    ``samples`` is the number of samples of a frame, at 8 kHz, ``bits`` the number of its bits.
    """

    def __init__(self, bitrate: int):
        self._library = library()
        self._state = self._library.codec2_create(MODES[bitrate])
        self.samples = self._library.codec2_samples_per_frame(self._state)
        self.bits = self._library.codec2_bits_per_frame(self._state)

    def encode(self, sound: np.ndarray) -> np.ndarray:
        """The bits [bits] uint8, 0 or 1, of a frame [samples] int16."""
        sound = np.ascontiguousarray(sound, np.int16)
        data = np.zeros((self.bits + 7) // 8, np.uint8)
        self._library.codec2_encode(self._state, data.ctypes.data, sound.ctypes.data)
        return np.unpackbits(data)[: self.bits]

    def decode(self, bits: np.ndarray) -> np.ndarray:
        """The frame [samples] int16 of bits [bits] uint8, 0 or 1."""
        data, sound = np.packbits(bits), np.zeros(self.samples, np.int16)
        self._library.codec2_decode(self._state, sound.ctypes.data, data.ctypes.data)
        return sound

    def __del__(self):
        self._library.codec2_destroy(self._state)
