# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Quality of received pictures and sound, by closed formulas.

Pictures are [h, w, 3] uint8 of one size, sound [n] float32 at 16 kHz of one length.
"""

from __future__ import annotations

import numpy as np

from ..base.errors import SemcomError
from ..base.optional import cv2
from .spectrum import YAMNET_OFFSET, log_mel

BEST_DB = 60.0  # upper limit, also for equal pictures, as of libvmaf's psnr for 8 bits
GAUSS, DEVIATION = 11, 1.5  # [pixels]
FLOORS = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # C1, C2
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # exponents of Wang et al. 2003
COEFFICIENTS = 40  # of a cepstrum
FLAT = 1e-6  # norm of a spectrum without its mean below which it counts as silence


def psnr(sent: np.ndarray, shown: np.ndarray) -> float:
    """Peak signal-to-noise ratio of a picture [dB], 10 lg(255^2 / mean squared error over pixels
    and colours), at most 60."""
    error = np.mean(np.square(sent.astype(np.float64) - shown))
    return min(BEST_DB, 10 * np.log10(255**2 / error)) if error else BEST_DB


def structural_similarity(sent: np.ndarray, shown: np.ndarray) -> tuple[float, float]:
    """(SSIM, MS-SSIM) of a picture, each the mean over its colours.

    SSIM (Wang et al., Image quality assessment, 2004, eq. 13): Gaussian window of 11 x 11 pixels
    with a standard deviation of 1.5, only where it fits into the picture; -1 to 1.  MS-SSIM (Wang
    et al. 2003, eq. 7), 0 to 1, has five scales for a shorter side of at least 176 pixels.  For
    smaller pictures the scales with less than 11 pixels are left out, and the exponents of the
    others are scaled to a sum of 1: three scales at 64 pixels, four at 96.  Negative means of a
    scale count as 0.  SemcomError below 11 pixels.
    """
    if min(sent.shape[:2]) < GAUSS:
        raise SemcomError(
            f"pictures of {sent.shape[0]} x {sent.shape[1]} pixels: SSIM needs {GAUSS} x {GAUSS}"
        )
    one, other = sent.astype(np.float64), shown.astype(np.float64)
    whole, structure = _window_means(one, other)
    ssim, rows = float(whole.mean()), []
    for _ in range(_scales(sent.shape) - 1):
        rows.append(structure)
        one, other = _halved(one), _halved(other)
        whole, structure = _window_means(one, other)
    exponents = np.array(SCALES[: len(rows) + 1])
    each = np.maximum(0, [*rows, whole]) ** (exponents / exponents.sum())[:, None]
    return ssim, float(each.prod(0).mean())


def _scales(shape: tuple) -> int:
    """Number of scales at which the window fits."""
    return min(len(SCALES), int(np.log2(min(shape[:2]) / GAUSS)) + 1)


def _window_means(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over a picture of SSIM, and of SSIM without its luminance term, [colours] each."""
    luminance_floor, contrast_floor = FLOORS
    mean, mean_too = _blurred(one), _blurred(other)
    product, squares = mean * mean_too, mean**2 + mean_too**2
    covariance = _blurred(one * other) - product
    variances = _blurred(one**2) + _blurred(other**2) - squares
    luminance = (2 * product + luminance_floor) / (squares + luminance_floor)
    structure = (2 * covariance + contrast_floor) / (variances + contrast_floor)
    return (luminance * structure).mean((0, 1)), structure.mean((0, 1))


def _blurred(picture: np.ndarray) -> np.ndarray:
    """Weighted means under the window at the places where it fits."""
    edge = GAUSS // 2
    return cv2.GaussianBlur(picture, (GAUSS, GAUSS), DEVIATION)[edge:-edge, edge:-edge]


def _halved(picture: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; an odd last row or column is repeated."""
    odd = [(0, side % 2) for side in picture.shape[:2]]
    even = np.pad(picture, (*odd, (0, 0)), "edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def timbre(sent: np.ndarray, played: np.ndarray) -> float:
    """Similarity of the timbre of two sounds, -1 to 1: the cosine of their mean mel-frequency
    cepstral coefficients 1 to 40 (Davis and Mermelstein 1980).

    These are the orthonormal DCT-II of the mean log-mel spectrum of 64 bands, without coefficient
    0, the level.  The result is 1 for two silences and 0 for silence and a sound.  A high value
    does not mean that the sound can be recognised; a judge of its class measures that.
    """
    return _cosine(*(_cepstrum(sound) for sound in (sent, played)))


def log_mel_correlation(sent: np.ndarray, played: np.ndarray) -> float:
    """Pearson's correlation of two log-mel spectra over time and bands, -1 to 1; with silence as in
    :func:`timbre`."""
    spectra = (log_mel(sound, YAMNET_OFFSET).astype(np.float64) for sound in (sent, played))
    return _cosine(*((each - each.mean()).ravel() for each in spectra))


def _cepstrum(sound: np.ndarray) -> np.ndarray:
    from scipy.fft import dct  # loads half of SciPy, which no other measure needs

    mean = log_mel(sound, YAMNET_OFFSET).mean(0, dtype=np.float64)
    return dct(mean, norm="ortho")[1 : COEFFICIENTS + 1]


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    if min(lengths) < FLAT:
        return float(max(lengths) < FLAT)
    return float(one @ other / (lengths[0] * lengths[1]))
