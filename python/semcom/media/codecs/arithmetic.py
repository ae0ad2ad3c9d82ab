# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""An arithmetic coder in integers (I. Witten, R. Neal, J. Cleary, "Arithmetic coding for data
compression", 1987): symbols with known frequencies to bits and back, exactly.

The last bits are chosen so that zeros may follow: the decoder reads zeros after the end.
"""

from __future__ import annotations

import numpy as np

WIDTH = 48  # bits of the interval's ends
LARGEST = 1 << 30  # largest sum of frequencies
_TOP, _HALF, _QUARTER = 1 << WIDTH, 1 << WIDTH - 1, 1 << WIDTH - 2


class _Interval:
    """The interval [low, high] of WIDTH bits in which a code lies."""

    def __init__(self):
        self.low, self.high = 0, _TOP - 1

    def narrow(self, start: int, end: int, total: int) -> None:
        """Reduce the interval to the part of a symbol, see :meth:`Encoder.encode`."""
        width = self.high - self.low + 1
        self.high = self.low + width * end // total - 1
        self.low += width * start // total

    def shifts(self):
        """Double the interval while it lies in one half or around the middle; yields the offset
        that was subtracted: 0, a half or a quarter."""
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
    """Codes symbols one after the other, :meth:`encode`, into the bits that :meth:`finish`
    returns."""

    def __init__(self):
        self._interval, self._bits, self._pending = _Interval(), [], 0

    def encode(self, start: int, end: int, total: int) -> None:
        """Encode a symbol.

        start  sum of the frequencies of the symbols before it
        end    ``start`` plus its frequency
        total  sum of all frequencies, at most :data:`LARGEST`
        """
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
        """End the code; its bits [n] uint8, 0 or 1: as few as, followed by zeros, lie in the
        interval."""
        if self._pending or self._interval.low > 0:
            # the bits 1, 0, 0, ... stand for the middle, which the interval contains
            self._put(1)
        while self._bits and not self._bits[-1]:
            self._bits.pop()
        return np.array(self._bits, np.uint8)


class Decoder:
    """Decodes the symbols of an :class:`Encoder` one after the other: :meth:`target` finds the
    symbol, :meth:`decode` removes it.

    bits  [n], 0 or 1, taken as followed by zeros
    """

    def __init__(self, bits: np.ndarray):
        self._interval, self._bits, self._place = _Interval(), np.asarray(bits).tolist(), WIDTH
        head = [*self._bits[:WIDTH], *[0] * WIDTH][:WIDTH]
        self._value = int("".join(map(str, head)), 2)

    def target(self, total: int) -> int:
        """A number from 0 to ``total`` - 1: the next symbol is that whose ``start`` and ``end``
        have it between them."""
        width = self._interval.high - self._interval.low + 1
        return ((self._value - self._interval.low + 1) * total - 1) // width

    def decode(self, start: int, end: int, total: int) -> None:
        """Remove the next symbol; the arguments of :meth:`Encoder.encode` for it."""
        self._interval.narrow(start, end, total)
        for taken in self._interval.shifts():
            bit = self._bits[self._place] if self._place < len(self._bits) else 0
            self._value = 2 * (self._value - taken) + bit
            self._place += 1

    @property
    def ended(self) -> bool:
        """Whether more bits were read than an encoder can have written, so that they are
        damaged."""
        return self._place > len(self._bits) + 2 * WIDTH
