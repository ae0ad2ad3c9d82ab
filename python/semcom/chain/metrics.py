# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Measures of a link (EVM, PAPR, channel NMSE, SNR) as functions of arrays."""

import numpy as np


def ratio_db(numerator: float, denominator: float):
    """10 log10 of a ratio [dB]; None where either is zero or not finite (JSON has no infinity)."""
    if not (np.isfinite(numerator) and np.isfinite(denominator)):
        return None
    if numerator <= 0 or denominator <= 0:
        return None
    return float(10 * np.log10(numerator / denominator))


def mean_db(values_db: np.ndarray) -> float | None:
    """Level [dB] of the mean of powers that are given as levels [n] [dB]; None if n is 0."""
    return float(10 * np.log10(np.mean(10 ** (values_db / 10)))) if len(values_db) else None


def error_power(sent: np.ndarray, detected: np.ndarray) -> float:
    """Sum of |detected - sent|^2 over all entries of two complex arrays."""
    return power(detected - sent)


def power(values: np.ndarray) -> float:
    """Sum of |x|^2 over all entries of a complex array."""
    parts = values.astype(np.complex128).ravel().view(np.float64)
    return float(np.sum(parts * parts))  # not np.vdot: the threads of BLAS change the last bits


def papr(symbols: np.ndarray) -> float:
    """Largest peak-to-average power ratio (linear) of the streams [K, n], at symbol rate."""
    powers = symbols.real**2 + symbols.imag**2
    mean = powers.mean(-1)
    return float(np.max(powers.max(-1)[mean > 0] / mean[mean > 0], initial=0.0))


def mean_snr_db(snr: list, noise_var: list):
    """Mean signal over mean noise [dB] of frames with ``snr`` (linear) at ``noise_var``.

    The ratio of means, not the mean of ratios: under fading the SNR of a frame varies, and only
    the ratio of means is the SNR that was set.
    """
    snr, noise_var = np.asarray(snr, np.float64), np.asarray(noise_var, np.float64)
    known = np.isfinite(noise_var) & (noise_var > 0)
    if not known.any():
        return None
    return ratio_db(np.sum(snr[known] * noise_var[known]), np.sum(noise_var[known]))


def link_figures(frames: np.ndarray) -> dict:
    """EVM, PAPR, channel NMSE and mean SNR [dB] of a path, by name; None where unknown.

    frames  [n, 7] float64: PAPR (linear), error and power of the symbols, error and power of the
            channel, SNR (linear) and noise variance; the last two NaN where unknown
    """
    papr, error, power, channel_error, channel_power, snr, noise_var = frames.T.tolist()
    return {
        "evm_db": ratio_db(sum(error), sum(power)),
        "papr_db": ratio_db(max(papr, default=0.0), 1.0),
        "channel_nmse_db": ratio_db(sum(channel_error), sum(channel_power)),
        "path_snr_db": mean_snr_db(snr, noise_var),
    }
