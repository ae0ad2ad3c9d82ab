# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Recovers sound from log-mel spectra, which have no phase, and joins its pieces (AFP of Chen et
al., Generative Multi-Modal Mutual Enhancement Video Semantic Communications, 2024, section 3.1:
filter, then continuity).

A second of sound is 100 spectra of 64 bands (``spectrum.log_mel``, YAMNet's offset).  Spectrum k of
a clip begins at sample 160 k, so the last ones extend 15 ms beyond the clip, into silence.  Phases
are recovered for a whole clip, without discontinuities between seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import fft
from scipy.signal import butter, sosfiltfilt

from ..base.errors import SemcomError
from .spectrum import (
    BANDS,
    FFT,
    HIGHEST,
    HOP,
    LOWEST,
    RATE,
    WINDOW,
    YAMNET_OFFSET,
    log_mel,
    mel_weights,
    window,
)

SECOND = RATE // HOP  # spectra of a second
OVERLAP = WINDOW - HOP  # samples by which the sound of a piece is longer than its spectra's hops
SILENCE = float(np.log(YAMNET_OFFSET))  # log-mel of a band without sound
LOUDEST = 7.0  # log-mel above that of any sound within -1 to 1
ITERATIONS = 32  # further ones reduce the spectral error, but do not change any judge's result
MOMENTUM = 0.99  # alpha of Perraudin et al.
ORDER = 4  # of the filter, which is run forwards and backwards
FLOOR = 1e-6  # least magnitude of a divisor
LEAST_OVERLAP = 1e-2  # least sum of squared windows, which is 0 at the start of the clip


def seconds_of(sound: np.ndarray) -> np.ndarray:
    """Sound [T * 16000] float32 in -1 to 1 at 16 kHz -> log-mel [T, 100, 64] float32.

    SemcomError for a length that is not whole seconds.
    """
    if sound.ndim != 1 or len(sound) % RATE:
        raise SemcomError(f"sound {list(sound.shape)}; expected [T * {RATE}], whole seconds")
    if not len(sound):
        return np.zeros((0, SECOND, BANDS), np.float32)
    return log_mel(np.pad(sound, (0, OVERLAP)), YAMNET_OFFSET).reshape(-1, SECOND, BANDS)


def recovered(spectra: np.ndarray) -> np.ndarray:
    """Log-mel spectra [n, 64], n at least 1 -> sound [160 n + 240] float32 with nearly these
    spectra.

    Fast Griffin-Lim (Griffin and Lim 1984; Perraudin, Balazs and Sondergaard 2013, algorithm 2), in
    which each spectrum is constrained to its 64 bands and not to 257 estimated magnitudes: each
    iteration takes the magnitudes of the consistent spectrum and scales each bin by the ratio of
    wanted to present bands, the multiplicative step of a non-negative inversion (Lee and Seung
    2001).  It starts from noise of a fixed seed, so that equal spectra give equal sound.

    SemcomError for other shapes and for spectra that are not finite.
    """
    if spectra.ndim != 2 or spectra.shape[1] != BANDS or not len(spectra):
        raise SemcomError(f"spectra {list(spectra.shape)}; expected [n, {BANDS}], n at least 1")
    if not np.isfinite(spectra).all():
        raise SemcomError("spectra with values that are NaN or infinite; expected log-mel")
    bands = np.exp(np.clip(spectra, SILENCE, LOUDEST), dtype=np.float32) - YAMNET_OFFSET
    weights = _overlaps(len(bands))
    before, spectrum = None, _start(bands)
    for _ in range(ITERATIONS):
        consistent = _analysed(_overlapped(spectrum) / weights)
        ahead = consistent if before is None else consistent + MOMENTUM * (consistent - before)
        before, spectrum = consistent, _with_bands(ahead, bands)
    return _overlapped(spectrum) / weights


def in_band(sound: np.ndarray) -> np.ndarray:
    """Sound [n] float32 limited to 125 to 7500 Hz, the range of the bands, without delay."""
    return sosfiltfilt(_band_pass(), sound, padtype=None).astype(np.float32)


def joined(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Join the pieces of a clip, at least one, which overlap the next one by 240 samples -> sound
    [sum of lengths - 240 * number] float32, with a linear cross-fade of 15 ms between pieces; the
    overlap of the last one is cut off."""
    rise = np.arange(OVERLAP, dtype=np.float32) / OVERLAP
    heads = [piece.copy() for piece in pieces]
    for earlier, later in zip(pieces[:-1], heads[1:], strict=True):
        later[:OVERLAP] = rise * later[:OVERLAP] + (1 - rise) * earlier[-OVERLAP:]
    return np.concatenate([piece[:-OVERLAP] for piece in heads])


def sound_of(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """AFP: recovers, joins and filters the sound of a clip.

    pieces  log-mel [T, 100, 64] of each piece, T successive seconds; returns sound
            [seconds * 16000] float32, -1 to 1
    """
    if not sum(len(piece) for piece in pieces):
        return np.zeros(0, np.float32)
    parts = [recovered(np.reshape(piece, (-1, BANDS))) for piece in pieces if len(piece)]
    return np.clip(in_band(joined(parts)), -1, 1)


@lru_cache(maxsize=1)
def _band_pass() -> np.ndarray:
    return butter(ORDER, (LOWEST, HIGHEST), "bandpass", fs=RATE, output="sos")


@lru_cache(maxsize=1)
def _shares() -> tuple[np.ndarray, np.ndarray]:
    """Two matrices [64, 257] float32: the distribution of a band over bins (weights with columns of
    sum 1), and the weights of the bands' ratios in a bin (rows of sum 1)."""
    weights = mel_weights()
    of_band, of_bin = weights.sum(0), weights.sum(1, keepdims=True)
    return (weights / of_band).T.copy(), (weights / np.maximum(of_bin, FLOOR)).T.copy()


def _start(bands: np.ndarray) -> np.ndarray:
    """Initial spectra [n, 257] complex64, with smooth magnitudes and random phases."""
    magnitudes = bands @ _shares()[0]
    turns = np.random.default_rng(0).random(magnitudes.shape, np.float32)
    return magnitudes * np.exp(np.complex64(2j * np.pi) * turns)


def _with_bands(spectrum: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """Spectra [n, 257] with their magnitudes scaled towards bands [n, 64]."""
    lacking = bands / np.maximum(np.abs(spectrum) @ mel_weights(), FLOOR)
    return spectrum * (lacking @ _shares()[1])


def _analysed(sound: np.ndarray) -> np.ndarray:
    """Short-time spectra [n, 257] complex64 of sound [160 n + 240]."""
    pieces = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    return fft.rfft(pieces * window(), FFT, axis=1)


def _overlapped(spectrum: np.ndarray) -> np.ndarray:
    """Sound [160 n + 240] of spectra [n, 257]: the least-squares overlap-add of windowed pieces."""
    return _added(fft.irfft(spectrum, FFT, axis=1)[:, :WINDOW] * window())


def _overlaps(n: int) -> np.ndarray:
    """Sum of the squared windows [160 n + 240], the divisor of the overlap-add."""
    return np.maximum(_added(np.tile(np.square(window()), (n, 1))), LEAST_OVERLAP)


def _added(pieces: np.ndarray) -> np.ndarray:
    """Overlap-add of pieces [n, 400] at a distance of 160 samples: [160 n + 240]."""
    hops = -(-WINDOW // HOP)
    n = len(pieces)
    parts = np.pad(pieces, ((0, 0), (0, hops * HOP - WINDOW))).reshape(n, hops, HOP)
    total = np.zeros((n + hops - 1, HOP), np.float32)
    for k in range(hops):
        total[k : k + n] += parts[:, k]
    return total.ravel()[: n * HOP + OVERLAP]
