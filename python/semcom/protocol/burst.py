# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The burst waveform and the timing plan, which terminals and receivers must share.

For each frame the first terminal (audio) sends one run of samples:

    [sidelink burst | its repetitions | silence | uplink burst]
     ^ t                                          ^ t + turnaround

The second terminal (video) receives the sidelink burst, which gives it t in its own clock; it
encodes its picture with the received symbols, and sends its uplink burst at t + turnaround.  Two
clocks that differ by 40 ppm differ by 4 symbols after a turnaround of 100 ms at 1 Msym/s, less than
the gaps between the terminals' preambles (64 symbols); the receiver estimates the time of each
terminal.  So no trigger burst is needed.  A burst's layout is that of
lib/phy/burst/burst.h.
"""

import math
from dataclasses import dataclass

import numpy as np

from .. import core
from ..base.errors import SemcomError
from ..phy import pilots
from .frames import FrameId
from .options import BurstOptions
from .retransmission import Answer

SIDELINK_CODE = core.SIDELINK_CODE  # number of its preamble
SIDELINK_TERMINAL = 2  # in headers: 0 and 1 are the terminals' uplinks, 2 + c the c-th repetition
LATENESS_S = 0.002  # [s] after which a due burst is considered lost
SEARCH_SYMBOLS = 10000  # largest delay of a receiver, whose search works block by block
PILOT_KIND = "zadoff_chu"  # pilots that also give the time: see lib/phy/burst/tracking.h


@dataclass(frozen=True)
class BurstFormat:
    """The parameters that both ends must share; SemcomError if they cannot be used.

    sample_rate    [Hz] nominal, of all radios
    sps            samples per symbol
    pilot_length   symbols of a pilot block
    pilot_spacing  payload symbols between pilot blocks
    turnaround     [s] from the start of a sidelink burst to that of the uplink bursts; None: for
                   systems with one terminal
    copies         sidelink bursts for each frame, at least 1
    max_peak_db    [dB] limit of the peak relative to the mean power; None: no limit (about 11 dB)
    """

    sample_rate: float = BurstOptions.sample_rate
    sps: int = BurstOptions.sps
    pilot_length: int = BurstOptions.burst_pilots
    pilot_spacing: int = BurstOptions.burst_spacing
    turnaround: float | None = BurstOptions.turnaround
    copies: int = BurstOptions.copies
    max_peak_db: float | None = BurstOptions.max_peak

    def __post_init__(self):
        if not (self.sample_rate > 0 and math.isfinite(self.sample_rate)):
            raise SemcomError(f"sample rate {self.sample_rate}: expected more than 0 Hz")
        if self.pilot_spacing < 0:
            raise SemcomError(f"pilot spacing {self.pilot_spacing}: expected 0 symbols or more")
        if self.max_peak_db is not None and not 0 <= self.max_peak_db <= 100:
            raise SemcomError(f"peak {self.max_peak_db} dB: expected 0 to 100 dB")
        if self.copies < 1:
            raise SemcomError(f"sidelink copies {self.copies}: expected at least 1")
        shortest = SEARCH_SYMBOLS * self.sps / self.sample_rate
        if self.turnaround is not None and not shortest <= self.turnaround <= 10:
            raise SemcomError(
                f"turnaround {self.turnaround} s: {shortest:g} ({SEARCH_SYMBOLS} symbols) to 10 s "
                "expected"
            )
        try:
            self.pulse  # noqa: B018 - its own checks
            self.layout(1)
            self.rows(2)
        except ValueError as cause:
            raise SemcomError(f"burst: {cause}") from cause

    @property
    def pulse(self) -> core.PulseShape:
        """The pulse of a symbol, at ``sps`` samples per symbol."""
        return core.PulseShape(self.sps)

    def layout(self, users: int, first_code: int = 0) -> core.BurstLayout:
        """The layout of a burst with ``users`` terminals, the first with preamble
        ``first_code``."""
        return core.BurstLayout(
            users=users,
            first_code=first_code,
            num_pilots=self.pilot_length,
            spacing=self.pilot_spacing,
        )

    def rows(self, users: int) -> list:
        """The pilot rows of all terminals, a list of a list of complex for each: for the C++
        blocks."""
        rows = pilots.make(PILOT_KIND, users, self.pilot_length)
        return [list(map(complex, row)) for row in rows]

    def uplink(self, user: int, users: int, number: int, system: int, payload) -> np.ndarray:
        """Samples of a terminal's uplink burst, complex64 of unit mean power.

        number  of the frame, its fragment and attempt (semcom.protocol.frames)
        """
        of = FrameId.of(number)
        header = core.FrameHeader(
            of.frame, user, len(payload), system, of.fragment, of.fragments, of.attempt
        )
        return self._samples(self.layout(users), user, self.rows(users)[user], header, payload)

    def sidelink(self, frame: int, system: int, payload) -> np.ndarray:
        """Samples of all copies of a sidelink burst, complex64 of unit mean power."""
        length = self.sidelink_length(len(payload))
        out = np.zeros(self.copies * length, np.complex64)
        for copy in range(self.copies):
            header = core.FrameHeader(frame, SIDELINK_TERMINAL + copy, len(payload), system)
            burst = self._samples(
                self.layout(1, SIDELINK_CODE), 0, self.rows(1)[0], header, payload
            )
            room = out[copy * length :]
            room[: len(burst)] += burst[: len(room)]
        return out

    def uplink_at(self, users: int) -> int:
        """Samples from the start of a leading terminal's run to that of its uplink burst."""
        return round(self.turnaround * self.sample_rate) if users > 1 else 0

    def run(self, users: int, frame: int, system: int, payload) -> np.ndarray:
        """Samples that a leading terminal sends for a frame, complex64.  With one user there is no
        sidelink, and ``frame`` may be the number of a fragment and attempt."""
        uplink, start = self.uplink(0, users, frame, system, payload), self.uplink_at(users)
        out = np.zeros(start + len(uplink), np.complex64)
        if users > 1:
            sidelink = self.sidelink(frame, system, payload)
            out[: len(sidelink)] = sidelink
        out[start:] += uplink
        return out

    def sidelink_length(self, payload: int) -> int:
        """Samples of one copy of a sidelink burst with ``payload`` symbols."""
        return self.sps * self.layout(1, SIDELINK_CODE).total(payload)

    def check_payload(self, payload: int) -> None:
        """SemcomError if the turnaround is too short for sidelink bursts with ``payload``
        symbols."""
        sidelink_s = self.copies * self.sidelink_length(payload) / self.sample_rate
        shortest = sidelink_s + (SEARCH_SYMBOLS * self.sps) / self.sample_rate + LATENESS_S
        if self.turnaround < shortest:
            raise SemcomError(
                f"turnaround {self.turnaround} s: expected at least {shortest:.3g} s, for "
                f"{self.copies} sidelink bursts of {payload} symbols and the search for them"
            )

    def start(self) -> int:
        """Samples from the beginning of a burst's samples to the centre of its first symbol."""
        return self.sps * self.pulse.span

    def answer(self, answer: Answer, system: int) -> np.ndarray:
        """Samples of a burst of the return link, complex64 of unit mean power; its header is the
        answer."""
        payload = np.ones(1, np.complex64)
        layout, row = self.layout(1, core.RETURN_CODE), self.rows(1)[0]
        return self._samples(layout, 0, row, answer.header(system), payload)

    def answer_length(self) -> int:
        """Symbols of a burst of the return link."""
        return self.layout(1, core.RETURN_CODE).total(1)

    def _samples(self, layout, user, row, header, payload) -> np.ndarray:
        symbols = core.assemble_burst(layout, user, header, row, payload)
        samples = core.shape_symbols(symbols, self.pulse)
        if self.max_peak_db is not None:
            samples, _ = core.limit_peak(samples, self.pulse, self.max_peak_db)
        return samples * np.float32(math.sqrt(self.sps))
