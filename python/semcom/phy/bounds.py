# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Bounds of the bits that a number of channel uses can carry: normal approximation, in NumPy.

One stream, received free of interference by a receiver that knows the channel::

    y = sqrt(g) x + n,   x of unit average power in every frame, n ~ CN(0, 1 / snr)

g is 1 (AWGN) or the power gain of a fade that is constant over the frame.  SNR is linear here.
The functions broadcast over arrays.

**AWGN.**  In n complex uses at the block error rate e (Y. Polyanskiy, H. V. Poor, S. Verdu,
*Channel Coding Rate in the Finite Blocklength Regime*, IEEE Trans. Inf. Theory 56(5), 2010; a
complex use is two real ones, so that C and V are twice theirs)::

    bits = n C - sqrt(n V) Qinv(e) + L,    e = Q((n C - bits + L) / sqrt(n V))
    C = log2(1 + snr)                      capacity [bit per use]
    V = (log2 e)^2 (1 - 1 / (1 + snr)^2)   dispersion [bit^2 per use]
    L = min(log2(n) / 2, n C)

log2(n) / 2 is the third term up to a constant (V. Y. F. Tan, M. Tomamichel, *The Third-Order Term
in the Normal Approximation for the AWGN Channel*, arXiv:1311.2337).  That it is at most n C is our
addition: it acts at very low power alone, where bits would else arrive without any.  The
approximation is neither an upper nor a lower bound; :mod:`semcom.phy.cones` has both.

**Fading**, the transmitter without channel state: one number of bits for all fades (W. Yang, G.
Durisi, T. Koch, Y. Polyanskiy, *Quasi-Static Multiple-Antenna Fading Channels at Finite
Blocklength*, IEEE Trans. Inf. Theory 60(7), 2014, with the L of their programs, SPECTRE)::

    e = E_g[ Q((n C(g snr) - bits + L) / sqrt(n V(g snr))) ]

As n grows, this becomes the outage probability P[C(g snr) < bits / n].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import chndtr, ndtr, ndtri

from ..base.errors import SemcomError
from .names import CHANNELS, RICIAN

_LN2 = np.log(2)
_NOISE = np.linspace(-10, 10, 401)  # values of a normal variable, for the trapezoid rule
_NOISE_WEIGHTS = np.exp(-(_NOISE**2) / 2) / np.exp(-(_NOISE**2) / 2).sum()
_TAIL = 1e-12  # probability of gains left out at either end
_STEPS = 44  # of bisection


# --- constant channel -----------------------------------------------------------------------------


def capacity(snr) -> np.ndarray:
    """Capacity of complex AWGN [bit per use] at ``snr`` >= 0 (linear)."""
    return np.log1p(checked("snr", snr)) / _LN2


def dispersion(snr) -> np.ndarray:
    """Dispersion of complex AWGN [bit^2 per use] at ``snr`` >= 0 (linear): the variance of the
    information density of one use."""
    return -np.expm1(-2 * np.log1p(checked("snr", snr))) / _LN2**2


def bits(uses, snr, error_rate) -> np.ndarray:
    """Bits that ``uses`` of AWGN carry at a block error rate: the normal approximation, or 0 where
    it is negative.

    uses  complex channel uses, at least 1;  snr  >= 0, linear;  error_rate  between 0 and 1
    """
    uses, rate = checked("uses", uses), np.log1p(checked("snr", snr))
    spread = np.sqrt(uses * -np.expm1(-2 * rate))
    nats = uses * rate + _third_term(uses, rate) + spread * ndtri(checked_rate(error_rate))
    return np.maximum(nats, 0) / _LN2


def error_rate(uses, snr, bits) -> np.ndarray:
    """Block error rate of ``bits`` in ``uses`` of AWGN: the normal approximation, with all digits
    however small it is.  No bits never fail; bits without power always do.

    uses  complex channel uses, at least 1;  snr  >= 0, linear;  bits  a real number, >= 0
    """
    uses, snr, bits = (checked(*given) for given in zip(_NAMES, (uses, snr, bits), strict=True))
    return np.where(bits > 0, ndtr(-_margin(uses, np.log1p(snr), bits * _LN2)), 0.0)


def _third_term(uses: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """L [nat] at a capacity ``rate`` [nat per use]."""
    return np.minimum(np.log(uses) / 2, uses * rate)


def _margin(uses: np.ndarray, rate: np.ndarray, nats: np.ndarray) -> np.ndarray:
    """How far the information density's mean exceeds ``nats``, in its standard deviations; -inf
    without power.  It rises with ``rate`` [nat per use] and ``uses`` and falls with ``nats``."""
    spare = uses * rate + _third_term(uses, rate) - nats
    with np.errstate(divide="ignore", invalid="ignore"):
        return spare / np.sqrt(uses * -np.expm1(-2 * rate))


# --- fading ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fading:
    """Distribution of the power gain g of one stream in the channel models of
    :mod:`semcom.phy.channel`.

    The receiver has ``antennas`` antennas and knows the stream's channel vector h and all other
    streams: g = ||h||^2, more than any detector reaches.  Entries of h have mean power 1.

    ``awgn``: g = 1, as every stream has an antenna of its own.
    ``rayleigh``: 2 g is chi-square with 2 ``antennas`` degrees of freedom.
    ``rician``, ``rician_rank1``: 2 (k + 1) g is noncentral chi-square with 2 ``antennas`` degrees
    and noncentrality 2 k ``antennas``, whatever the phases of the lines of sight.

    nulled  streams that zero forcing removes because the receiver does not know them: each takes
            an antenna away.  Not for Rician channels, where the gain depends on the phases
    """

    channel: str
    antennas: int = 1
    rician_k: float = 4.0
    nulled: int = 0

    def __post_init__(self):
        known = [name for name in CHANNELS if name != "none"]
        if self.channel not in known:
            raise SemcomError(
                f"channel {self.channel!r} has no bound: expected one of {', '.join(known)}"
            )
        if not 0 <= self.nulled < self.antennas:
            raise SemcomError(
                f"{self.nulled} streams nulled by {self.antennas} antennas: expected fewer streams "
                "than antennas, and none below 0"
            )
        if self.channel in RICIAN and self.nulled:
            raise SemcomError(
                f"channel {self.channel}: the gain after zero forcing has no closed form; give "
                "samples of it to error_rate()"
            )
        if not 0 <= self.rician_k < np.inf:
            raise SemcomError(f"rician_k {self.rician_k}: expected a number from 0 on")

    def cdf(self, gain) -> np.ndarray:
        """Probability that g <= ``gain``, with all digits however small it is."""
        gain = np.asarray(gain, float)
        if self.channel == "awgn":
            return (gain >= 1).astype(float)
        k = self.rician_k if self.channel in RICIAN else 0.0
        order = 2 * (self.antennas - self.nulled)
        return chndtr(2 * (k + 1) * gain, order, order * k)

    def cells(self, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
        """A quadrature of g: gains and their probabilities, both [count] ([1] for ``awgn``), of
        cells that are equally wide in dB."""
        if self.channel == "awgn":
            return np.ones(1), np.ones(1)
        edges = np.geomspace(*self.ends(), count + 1)
        mass = np.diff(self.cdf(edges))
        return np.sqrt(edges[1:] * edges[:-1]), mass / mass.sum()

    def ends(self) -> np.ndarray:
        """The gains [2] between which all but 1e-12 of either tail lies."""
        shares = np.array([_TAIL, 1 - _TAIL])
        low, high = np.full(2, -99.0), np.full(2, 9.0)  # natural logarithms
        return np.exp(bisect(lambda level: self.cdf(np.exp(level)) >= shares, low, high))


def fading_error_rate(uses, snr, bits, fading: Fading) -> np.ndarray:
    """Block error rate of ``bits`` in ``uses`` of a channel that fades from frame to frame, where
    the transmitter does not know the fade.  For samples of gains in place of a :class:`Fading` it
    is ``error_rate(uses, snr * gains, bits).mean()``.

    The outer integral is over the noise of the information density, a normal variable: a block is
    lost if its gain is below the gain required at that noise, so that the rate is the mean of the
    gain's distribution function there.  The integrand is smooth for any n, and accurate in the
    tail.

    uses, snr, bits  as in :func:`error_rate`; snr is that of a gain of 1
    """
    if fading.channel == "awgn":
        return error_rate(uses, snr, bits)
    uses, snr, bits = (checked(*given) for given in zip(_NAMES, (uses, snr, bits), strict=True))
    needed = _needed_snr(uses, bits)
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = fading.cdf(needed / snr[..., None]) @ _NOISE_WEIGHTS
    return np.where(bits > 0, np.where(snr > 0, lost, 1.0), 0.0)


def fading_bits(uses, snr, error_rate, fading: Fading) -> np.ndarray:
    """Bits in ``uses`` of a fading channel at a block error rate over all fades, where the
    transmitter does not know the fade and always sends the same number: the outage capacity of n
    uses.  0 where not one bit reaches the error rate.

    uses, snr, error_rate  as in :func:`bits`
    """
    if fading.channel == "awgn":
        return bits(uses, snr, error_rate)
    wanted = checked_rate(error_rate)
    uses, snr, wanted = np.broadcast_arrays(checked("uses", uses), checked("snr", snr), wanted)
    top = uses * capacity(snr * fading.ends()[1]) + np.log2(uses) + 20 * np.sqrt(uses)

    def fails(sent: np.ndarray) -> np.ndarray:
        return fading_error_rate(uses, snr, sent, fading) > wanted

    return bisect(fails, np.zeros(top.shape), top, 32)


def adapted_bits(uses, snr, error_rate, fading: Fading) -> np.ndarray:
    """Mean of the bits in ``uses`` of a fading channel where the transmitter knows the fade and
    sends as many as it carries at the block error rate: E_g[bits(n, g snr, e)].  The power is the
    same in every frame.

    uses, snr, error_rate  as in :func:`bits`
    """
    gains, mass = fading.cells()
    uses, snr, wanted = (np.asarray(x, float)[..., None] for x in (uses, snr, error_rate))
    return bits(uses, snr * gains, wanted) @ mass


def _needed_snr(uses: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """SNR below which ``bits`` fail at each value of the noise, [..., noise]."""
    uses, nats = (x[..., None] for x in np.broadcast_arrays(uses, bits * _LN2))
    top = (nats + np.abs(_NOISE) * np.sqrt(uses)) / uses
    with np.errstate(over="ignore"):
        return np.expm1(
            bisect(lambda rate: _margin(uses, rate, nats) >= _NOISE, np.zeros(top.shape), top)
        )


# --- tools ----------------------------------------------------------------------------------------

_NAMES = ("uses", "snr", "bits")


def bisect(holds: Callable, low: np.ndarray, high: np.ndarray, steps: int = _STEPS) -> np.ndarray:
    """The smallest value between ``low`` and ``high`` for which ``holds`` is true, by bisection,
    element by element; ``low`` where it is true everywhere."""
    for _ in range(steps):
        middle = (low + high) / 2
        reached = holds(middle)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return low


def checked(name: str, value) -> np.ndarray:
    """``value`` as float64, if it is a number from 0 (of uses: from 1) on."""
    value, least = np.asarray(value, float), 1 if name == "uses" else 0
    if not (value >= least).all():
        raise SemcomError(f"{name} {value}: expected a number from {least} on")
    return value


def checked_rate(value) -> np.ndarray:
    """``value`` as a float64 array; SemcomError unless all of it is between 0 and 1, both
    excluded."""
    value = np.asarray(value, float)
    if not ((value > 0) & (value < 1)).all():
        raise SemcomError(f"error_rate {value}: expected a number between 0 and 1")
    return value
