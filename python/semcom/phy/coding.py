# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Classical channel coding: a frame of bits as complex symbols, and back.

CRC, scrambler, LDPC code of IEEE 802.11n, interleaver over the whole frame, Gray-coded QAM, soft
demapping with the noise of each symbol: the arithmetic is C++ (``lib/phy/coding``), and nothing
here is differentiable.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from .. import core
from ..base.errors import SemcomError, first_line
from ..base.options import at_least, option
from . import names


@dataclass(frozen=True)
class BlockCode:
    """Code and modulation of a link, the same at both ends; SemcomError if there is no such code.

    A frame of S symbols has C blocks of p payload bits: the receiver needs only S and these options
    (``lib/phy/coding/block_code.h`` explains why).
    """

    modulation: str = option("qpsk", "constellation, Gray-coded", choices=names.MODULATIONS)
    rate: str = option("3/4", "rate of the LDPC code", choices=names.CODE_RATES)
    length: int = option(648, "length of a coded block", unit="bits", choices=names.CODE_LENGTHS)
    crc: int = option(16, "length of each block's CRC", unit="bits", choices=names.CRC_BITS)
    repetition: int = option(1, "transmissions of each coded bit", choices=names.REPETITIONS)
    method: str = option("max_log", "soft demapper", choices=names.DEMAPPERS)
    iterations: int = option(20, "largest number of decoder iterations", type=at_least(1))

    def __post_init__(self):
        _call(_compiled, self)

    def symbols(self, bits: int) -> int:
        """S [symbols] of a frame with ``bits`` payload bits (at least 1)."""
        return _call(_compiled(self).symbols, bits)

    def payload(self, symbols: int) -> tuple[int, int]:
        """C and p, blocks and payload bits of each, of a frame of S symbols; (0, 0): none."""
        return _call(_compiled(self).payload, symbols)

    def bits(self, symbols: int) -> int:
        """C p, the payload bits of a frame of exactly S symbols; 0: none."""
        blocks, bits = self.payload(symbols)
        return blocks * bits

    def largest(self, budget: int) -> int:
        """The most payload bits whose frame has at most ``budget`` symbols; 0: none."""
        return _call(_compiled(self).largest, budget)

    def encode(self, bits: np.ndarray, symbols: int = 0) -> np.ndarray:
        """Payload bits [B] uint8 of 0 and 1 -> symbols [S] complex64 of unit average power.

        symbols  S, at least the number that the bits need; 0: that number
        """
        return _call(_compiled(self).encode, bits, symbols)

    def decode(self, symbols: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Received symbols [S] complex64, the variance of the complex noise of each [S] float32 ->
        payload bits [C, p] uint8 and which blocks are good, [C] bool: parity and CRC right.

        C p is at least B; bits after the B payload bits are 0.  A symbol of infinite or NaN noise,
        or one that is not finite, is ignored; noise 0 means hard decisions.  Bits without a
        received symbol are 0, and their block is not good.  SemcomError if no frame has S symbols.
        """
        return _call(_compiled(self).decode, symbols, noise)


@functools.cache
def _compiled(code: BlockCode) -> core.BlockCode:
    return core.BlockCode(**asdict(code))


def _call(function: Callable, *arguments):
    try:
        return function(*arguments)
    except (TypeError, ValueError) as cause:
        raise SemcomError(f"block code: {first_line(cause)}") from cause
