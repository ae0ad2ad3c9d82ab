# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Log-mel spectra of sound, as published audio networks need them.

A spectrum of 25 ms every 10 ms without padding, periodic Hann window, magnitude (not power) of a
512-point FFT, 64 triangular bands of 125 to 7500 Hz on the HTK scale, log(mel + offset): Hershey et
al., CNN Architectures for Large-Scale Audio Classification, arXiv 1609.09430, and its code.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

RATE = 16000  # [Hz]
WINDOW, HOP, FFT = 400, 160, 512  # [samples]
BANDS, LOWEST, HIGHEST = 64, 125.0, 7500.0  # -, [Hz], [Hz]
SPECTRA = 96  # of a patch, which has 0.96 s of its second
VGGISH_OFFSET, YAMNET_OFFSET = 0.01, 0.001


def mel(hertz) -> np.ndarray:
    """Frequency [Hz] on HTK's mel scale."""
    return 1127.0 * np.log1p(np.asarray(hertz, float) / 700.0)


@lru_cache(maxsize=1)
def mel_weights() -> np.ndarray:
    """Weights [257, 64] float32 of FFT bins in bands: triangles that are linear in mel."""
    bins = mel(np.linspace(0, RATE / 2, FFT // 2 + 1))[1:, None]
    edges = mel(LOWEST) + (mel(HIGHEST) - mel(LOWEST)) * np.arange(BANDS + 2) / (BANDS + 1)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rise, fall = (bins - low) / (centre - low), (high - bins) / (high - centre)
    weights = np.maximum(0, np.minimum(rise, fall))
    return np.vstack([np.zeros((1, BANDS)), weights]).astype(np.float32)  # no DC


@lru_cache(maxsize=1)
def window() -> np.ndarray:
    """Periodic Hann window [400] float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def magnitudes(sound: np.ndarray) -> np.ndarray:
    """Sound [..., n] float32 in -1 to 1 at 16 kHz -> magnitudes [..., spectra, 257]."""
    pieces = np.lib.stride_tricks.sliding_window_view(sound, WINDOW, -1)[..., ::HOP, :]
    return np.abs(np.fft.rfft(pieces * window(), FFT)).astype(np.float32)


def log_mel(sound: np.ndarray, offset: float) -> np.ndarray:
    """Sound [..., n] float32 in -1 to 1 at 16 kHz -> log-mel spectra [..., spectra, 64] float32,
    log(mel + offset)."""
    return np.log(magnitudes(sound) @ mel_weights() + np.float32(offset))


def patches(seconds: np.ndarray, offset: float) -> np.ndarray:
    """Seconds of sound [T, 16000] float32 -> log-mel patches [T, 96, 64] float32."""
    return np.ascontiguousarray(log_mel(seconds, offset)[..., :SPECTRA, :])
