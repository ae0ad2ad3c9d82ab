# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Shannon's cone bounds of the number of bits that the best code of a length carries, in NumPy.

C. E. Shannon, *Probability of Error for Optimal Codes in a Gaussian Channel*, Bell Syst. Tech. J.
38(3), 1959.  Codewords of equal energy are points on a sphere in N = 2 n real dimensions, for n
complex uses.  With the share s(a) of the sphere in a cone of half-angle a around its axis, and the
angle A between a codeword and what is received::

    converse     e >= P[A > a],  s(a) = 1 / M            no cone can be smaller for all M codewords
    achievable   e <= E[min(1, (M - 1) s(A))]            codewords drawn evenly on the sphere

The second is the union bound of random coding as Y. Polyanskiy, H. V. Poor and S. Verdu (IEEE
Trans. Inf. Theory 56(5), 2010) write it.  Both hold exactly, and lie some 1.5 bits apart; the
normal approximation of :mod:`semcom.phy.bounds` may lie outside.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, betaln, ndtr

from .bounds import bisect, checked, checked_rate

_TINY = 1e-250  # below this the share of a cone is computed as its logarithm
_DEPTH = 60.0  # [nat] by which the union bound falls over the angles that are integrated


def bracket(uses: float, snr: float, error_rate: float) -> tuple[float, float]:
    """Bits (achievable, converse) in ``uses`` of complex AWGN: some code carries the first at the
    block error rate, none carries more than the second.  0 is achievable where not one bit is.

    uses  at least 1;  snr  >= 0, linear;  error_rate  between 0 and 1, down to 1e-100
    """
    uses, error_rate = float(checked("uses", uses)), float(checked_rate(error_rate))
    axis = np.sqrt(2 * uses * float(checked("snr", snr)))  # the codeword in units of the noise
    angle = bisect(lambda a: _beyond(uses, axis, a) <= error_rate, np.zeros(1), np.full(1, np.pi))
    converse = -_log_share(uses, angle)[0] / np.log(2)

    def excess(sent: float) -> float:
        return np.log(max(_union(uses, axis, sent), 1e-300) / error_rate)

    if converse <= 1 or excess(1.0) > 0:
        return 0.0, float(converse)
    return float(brentq(excess, 1.0, converse, rtol=1e-9)), float(converse)


def _union(uses: float, axis: float, sent: float) -> float:
    """E[min(1, (M - 1) s(A))] of M = 2^sent codewords, integrated over the union bound's values:
    the mean of P[A > a] over a at which (M - 1) s(a) is uniform in (0, 1)."""
    log_rivals = sent * np.log(2) + np.log1p(-(2.0**-sent))
    ends = bisect(
        lambda a: _log_share(uses, a) + log_rivals >= [-_DEPTH, 0], np.zeros(2), np.full(2, np.pi)
    )
    angles = np.linspace(*ends, 1001)
    heights = np.exp(_log_share(uses, angles) + log_rivals)
    beyond = _beyond(uses, axis, angles)
    return float(((beyond[1:] + beyond[:-1]) / 2 * np.diff(heights)).sum())


def _log_share(uses: float, angle: np.ndarray) -> np.ndarray:
    """log s(a) [nat], the share of the sphere in 2 ``uses`` dimensions within ``angle`` [A] of an
    axis: half an incomplete beta function of sin(a)^2."""
    a, x = uses - 0.5, np.sin(angle) ** 2
    cap = betainc(a, 0.5, x) / 2
    share = np.where(angle > np.pi / 2, 1 - cap, cap)
    small = share < _TINY
    out = np.log(np.where(small, 1.0, share))
    if small.any():
        out[small] = _log_cap(a, x[small])
    return out


def _log_cap(a: float, x: np.ndarray) -> np.ndarray:
    """log(I_x(a, 1/2) / 2) by its hypergeometric series, of positive terms."""
    term = total = np.ones_like(x)
    k = 0
    while (term > 1e-16 * total).any():
        term = term * x * (a + 0.5 + k) / (a + 1 + k)
        total, k = total + term, k + 1
    with np.errstate(divide="ignore"):  # an angle of 0
        power = a * np.log(x)
    return power + np.log1p(-x) / 2 - np.log(2 * a) - betaln(a, 0.5) + np.log(total)


def _beyond(uses: float, axis: float, angle: np.ndarray) -> np.ndarray:
    """P[A > ``angle``] [A]: what lies along the codeword, axis + z, against r cot(a), where r is
    the length of the noise across it (chi with 2 ``uses`` - 1 degrees of freedom)."""
    degrees = 2 * uses - 1
    width = 12 / np.sqrt(2 * degrees)
    stretch = np.linspace(-max(width, 45 / degrees), min(width, 3.0), 400)  # log(r / sqrt(degrees))
    log_density = degrees * (stretch - np.expm1(2 * stretch) / 2)
    density = np.exp(log_density - log_density.max())
    radius = np.sqrt(degrees) * np.exp(stretch)
    with np.errstate(divide="ignore"):
        cot = 1 / np.tan(angle)
    return ndtr(np.multiply.outer(cot, radius) - axis) @ (density / density.sum())
