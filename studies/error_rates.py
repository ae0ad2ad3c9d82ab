# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Closed forms of error rates, for comparison with measured curves."""

import math

import numpy as np
from scipy.special import erfc, log_ndtr

BITS = {"bpsk": 1, "qpsk": 2, "16qam": 4, "64qam": 6, "256qam": 8}


def uncoded(modulation: str, snr_db, rayleigh: bool = False) -> np.ndarray:
    """Bit error rate of a Gray-coded constellation with hard decisions, at Es/N0 = ``snr_db``.

    Exact, not a bound: Cho and Yoon, On the general BER expression of one- and two-dimensional
    amplitude modulations, IEEE Trans. Commun. 50 (7), 2002, eqs. 9 to 14.  With L levels a rail,
    bit k of a rail is wrong with probability

        1/L sum_(j=0)^((1 - 2^-k) L - 1) (-1)^floor(j 2^(k-1) / L)
            (2^(k-1) - floor(j 2^(k-1) / L + 1/2)) erfc((2j + 1) d)

    where d^2 = 3 Es/N0 / (2 (L^2 - 1)) (1 for BPSK: d^2 = Es/N0).  rayleigh: the mean over an
    exponential Es/N0, of erfc(sqrt(c g)) it is 1 - sqrt(c g / (1 + c g)) (Proakis, Digital
    Communications, section 14.3).
    """
    snr = 10 ** (np.asarray(snr_db, float) / 10)
    rail = max(BITS[modulation] // 2, 1)
    levels = 1 << rail
    c = snr if modulation == "bpsk" else 3 * snr / (2 * (levels**2 - 1))
    total = np.zeros_like(snr)
    for k in range(1, rail + 1):
        for j in range(levels - (levels >> k)):
            weight = (-1) ** (j * 2 ** (k - 1) // levels)
            weight *= 2 ** (k - 1) - math.floor(j * 2 ** (k - 1) / levels + 0.5)
            g = (2 * j + 1) ** 2 * c
            total += weight * ((1 - np.sqrt(g / (1 + g))) if rayleigh else erfc(np.sqrt(g)))
    return total / (levels * rail)


def binary_channel(snr_db) -> tuple[np.ndarray, np.ndarray]:
    """Capacity C [bit/use] and dispersion V [bit^2/use] of +-1 in real noise of variance
    1 / (2 Es/N0): mean and variance of the information density 1 - log2(1 + e^-LLR), with LLR
    normal of mean 4 Es/N0 and twice that variance."""
    mean = 4 * 10 ** (np.atleast_1d(np.asarray(snr_db, float)) / 10)
    x, weight = np.polynomial.hermite_e.hermegauss(101)
    weight /= weight.sum()
    llr = mean[:, None] + np.sqrt(2 * mean)[:, None] * x
    density = 1 - np.logaddexp(0, -llr) / math.log(2)
    capacity = density @ weight
    return capacity, (density - capacity[:, None]) ** 2 @ weight


def normal_approximation(rate: float, length: int, snr_db) -> np.ndarray:
    """Approximate block error rate of the best code of ``rate`` and ``length`` n over
    :func:`binary_channel`: Q((C - R + log2(n) / (2n)) sqrt(n / V)) (Polyanskiy, Poor and Verdu,
    IEEE Trans. Inf. Theory 56 (5), 2010, eq. 296)."""
    capacity, dispersion = binary_channel(snr_db)
    excess = capacity - rate + math.log2(length) / (2 * length)
    return np.exp(log_ndtr(-excess * np.sqrt(length / dispersion)))
