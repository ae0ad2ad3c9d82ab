# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Simulated bursts from devices with independent clocks: sent symbols, received samples, truth.

Every device has a carrier within :data:`CARRIER` and a clock within :data:`CLOCK` of nominal, all
independent, the receiver too; bursts begin at random times.  Channels are flat and constant over
a burst, as in the design: AWGN, H = eye; Rayleigh, CN(0, 1) entries; Rician with K = 4.
SNR is Es / N0 of each stream at each antenna after the matched filter.  Pulse, layout and pilots
are those of the link (:class:`BurstFormat`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from gnuradio.semcom import core
from gnuradio.semcom.protocol.burst import SIDELINK_CODE, BurstFormat

RATE = 1e6  # [symbols per second]
CARRIER = 10e3 / RATE  # largest carrier offset of a device [cycles per symbol]
CLOCK = 20e-6  # largest clock offset of a device
RICIAN_K = 4.0
LINK = BurstFormat(sample_rate=4 * RATE, sps=4)
PULSE, SPS = LINK.pulse, LINK.sps
PAYLOAD = 640  # [symbols]
MARGIN = 16  # [symbols] of silence around a burst, above the pulse's span
PHASE_NOISE = -80.0  # [dBc/Hz] at PHASE_NOISE_OFFSET, of each device
PHASE_NOISE_OFFSET = 10e3  # [Hz]


class Side(NamedTuple):
    """A link's side (uplink or sidelink): the layout of its bursts, and the pilots of each user."""

    layout: core.BurstLayout
    rows: list

    @classmethod
    def of(cls, users: int, code: int = 0):
        """The side of ``users`` users, with the preamble of ``code``."""
        rows = [np.array(row, np.complex64) for row in LINK.rows(users)]
        return cls(LINK.layout(users, code), rows)


UPLINK, ALONE, SIDELINK = Side.of(2), Side.of(1), Side.of(1, SIDELINK_CODE)
PREAMBLE = UPLINK.layout.preamble_length
KNOWN = PREAMBLE + UPLINK.layout.header_length  # symbols in front of the payload
GAP = UPLINK.layout.preamble_position(1) - KNOWN  # [symbols] largest difference of users' starts


@dataclass(frozen=True)
class User:
    """True parameters of one user: place of its first symbol [samples]; carrier offset [cycles per
    symbol] and clock offset (a symbol lasts 1 + clock nominal ones) against the receiver; gains
    [M].
    """

    start: float
    cfo: float
    clock: float
    h: np.ndarray

    def time(self, symbol: float) -> float:
        """Time [samples] of one of its symbols."""
        return self.start + SPS * (1 + self.clock) * symbol


@dataclass(frozen=True)
class Burst:
    """A burst of one user: symbols complex64 [n], and their content."""

    symbols: np.ndarray
    header: object
    payload: np.ndarray


def complex_normal(rng, *shape) -> np.ndarray:
    """CN(0, 1) numbers, complex64 [shape]."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    parts *= np.float32(np.sqrt(0.5))
    return parts.view(np.complex64)[..., 0]


def qpsk(rng, count: int) -> np.ndarray:
    """Random symbols of unit modulus, complex64 [count]."""
    levels = rng.integers(0, 2, (count, 2)).astype(np.float32) * 2 - 1
    return (levels * np.float32(np.sqrt(0.5))).view(np.complex64)[:, 0]


def random_burst(rng, side: Side, user: int = 0, count: int = PAYLOAD, payload=complex_normal,
                 frame: int | None = None) -> Burst:  # fmt: skip
    """A burst with the link's pilots, a random frame number (unless ``frame`` is given) and the
    symbols ``payload(rng, count)``, by default Gaussian ones."""
    frame = int(rng.integers(2**32)) if frame is None else frame
    header = core.FrameHeader(frame, terminal=user, length=count)
    symbols = payload(rng, count)
    sent = core.assemble_burst(side.layout, user, header, side.rows[user], symbols)
    return Burst(sent, header, symbols)


def waveform(symbols, start: float, clock: float, count: int) -> np.ndarray:
    """Shaped symbols as a receiver samples them, complex64 [count]: symbol i lies at
    start + i sps (1 + clock) samples, exact to the interpolation of ``polyphase_filter``."""
    stuffed = np.zeros(SPS * len(symbols), np.complex64)
    stuffed[::SPS] = symbols
    step = 1 / (1 + clock)  # the pulse is even: filtering the symbols is shaping them
    return core.matched_filter(stuffed, PULSE, first=-start * step, step=step, count=count)


def channel(rng, kind: str, antennas: int, users: int) -> np.ndarray:
    """H complex128 [M, K] of a burst, ``kind`` awgn (under a random phase), rayleigh or rician."""
    if kind == "awgn":
        return np.eye(antennas, users) * np.exp(2j * np.pi * rng.random())
    scattered = complex_normal(rng, antennas, users).astype(np.complex128)
    if kind == "rayleigh":
        return scattered
    sight = np.exp(2j * np.pi * rng.random((antennas, users)))
    return (np.sqrt(RICIAN_K) * sight + scattered) / np.sqrt(RICIAN_K + 1)


def phase_noise_variance(level_dbc_hz: float | None) -> float:
    """Variance [rad^2 per symbol] of one device's phase steps; None: an oscillator without
    noise."""
    if level_dbc_hz is None:
        return 0.0
    return (2 * np.pi * PHASE_NOISE_OFFSET) ** 2 * 10 ** (level_dbc_hz / 10) / RATE


def walk(rng, variance: float, count: int) -> np.ndarray:
    """Phase [rad] of an oscillator at sample spacing, float64 [count]."""
    return np.cumsum(rng.normal(scale=np.sqrt(variance / SPS), size=count)) if variance else 0.0


def on_air(rng, point: dict, antennas: int, symbols: list):
    """Samples complex64 [M, n] of the users' ``symbols`` over one draw of channel, carriers,
    clocks, noise, and starts within the gap; and the truth, a :class:`User` each."""
    users = len(symbols)
    count = SPS * (len(symbols[0]) + GAP + 2 * MARGIN)
    carriers = rng.uniform(-CARRIER, CARRIER, users + 1)  # the last is the receiver's
    clocks = rng.uniform(-CLOCK, CLOCK, users + 1)
    starts = SPS * (MARGIN + rng.uniform(0, GAP, users))
    h = channel(rng, point["channel"], antennas, users)
    wander = phase_noise_variance(point.get("phase_noise_dbc_hz"))
    own = walk(rng, wander, count)
    heard = np.sqrt(np.float32(noise_variance(point))) * complex_normal(rng, antennas, count)
    truth = []
    for k in range(users):
        cfo = carriers[k] - carriers[-1]
        clock = (1 + clocks[-1]) / (1 + clocks[k]) - 1
        phase = 2 * np.pi * cfo / SPS * (np.arange(count) - starts[k]) + walk(rng, wander, count)
        wave = waveform(symbols[k], starts[k], clock, count) * np.exp(1j * (phase - own))
        heard += (h[:, k : k + 1] * wave).astype(np.complex64)
        truth.append(User(starts[k], cfo, clock, h[:, k]))
    return heard, truth


def noise_variance(point: dict) -> float:
    """N0 of a point, of unit symbol power."""
    return 10 ** (-point["snr_db"] / 10)


def payload_places(count: int) -> np.ndarray:
    """Indices of the payload symbols within a burst's body, int [count]."""
    i = np.arange(count)
    return i + LINK.pilot_length * (1 + i // LINK.pilot_spacing)
