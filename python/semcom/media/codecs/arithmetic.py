# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""An arithmetic coder in whole numbers (I. Witten, R. Neal, J. Cleary, "Arithmetic coding for data
compression", 1987): symbols of known frequencies to bits and back, exactly.

The last bits are chosen so that zeros may follow: what comes after the end reads as zeros.
"""

from __future__ import annotations

import numpy as np

WIDTH = 48  # bits of the interval's ends
LARGEST = 1 << 30  # the largest sum of frequencies
_TOP, _HALF, _QUARTER = 1 << WIDTH, 1 << WIDTH - 1, 1 << WIDTH - 2


class _Interval:
    def __init__(self):
        self.low, self.high = 0, _TOP - 1

    def narrow(self, start: int, end: int, total: int) -> None:
        width = self.high - self.low + 1
        self.high = self.low + width * end // total - 1
        self.low += width * start // total

    def shifts(self):
        """Double the interval while it lies in one half or around the middle: yields what was
        taken off, 0 or half or a quarter."""
        while True:
            if self.high < _HALF:
                taken = 0
            elif self.low >= _HALF:
                taken = _HALF
            elif self.low >= _QUARTER and self.high < _HALF + _QUARTER:
                taken = _QUARTER
            else:
                return
            self.low = 2 * (self.low - taken)
            self.high = 2 * (self.high - taken) + 1
            yield taken


class Encoder:
    def __init__(self):
        self._interval, self._bits, self._pending = _Interval(), [], 0

    def encode(self, start: int, end: int, total: int) -> None:
        """A symbol: the frequencies of those before it sum to ``start``, with it to ``end``."""
        self._interval.narrow(start, end, total)
        for taken in self._interval.shifts():
            if taken == _QUARTER:
                self._pending += 1
            else:
                self._put(int(taken == _HALF))

    def _put(self, bit: int) -> None:
        self._bits += [bit, *[1 - bit] * self._pending]
        self._pending = 0

    def finish(self) -> np.ndarray:
        """Bits [n] uint8, 0 or 1: the fewest that, with zeros behind, lie in the interval."""
        if self._pending or self._interval.low > 0:
            # an interval around the middle holds the middle, or a quarter more bits further on
            self._put(1)
        while self._bits and not self._bits[-1]:
            self._bits.pop()
        return np.array(self._bits, np.uint8)


class Decoder:
    """Reads ``bits`` [n], and zeros after their end."""

    def __init__(self, bits: np.ndarray):
        self._interval, self._bits, self._place = _Interval(), np.asarray(bits).tolist(), WIDTH
        head = [*self._bits[:WIDTH], *[0] * WIDTH][:WIDTH]
        self._value = int("".join(map(str, head)), 2)

    def target(self, total: int) -> int:
        """A number below ``total`` that lies within the next symbol."""
        width = self._interval.high - self._interval.low + 1
        return ((self._value - self._interval.low + 1) * total - 1) // width

    def decode(self, start: int, end: int, total: int) -> None:
        """Take the symbol that was found, as :meth:`Encoder.encode` was told it."""
        self._interval.narrow(start, end, total)
        for taken in self._interval.shifts():
            bit = self._bits[self._place] if self._place < len(self._bits) else 0
            self._value = 2 * (self._value - taken) + bit
            self._place += 1

    @property
    def ended(self) -> bool:
        """Whether more was read than an encoder can have written: the bits are damaged."""
        return self._place > len(self._bits) + 2 * WIDTH
