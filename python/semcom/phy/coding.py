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
from ..base.errors import SemcomError


@dataclass(frozen=True)
class BlockCode:
    """What both ends of a coded link agree on; SemcomError if there is no such code.

    modulation  bpsk, qpsk, 16qam, 64qam or 256qam
    rate        of the LDPC code: 1/2, 2/3, 3/4 or 5/6
    length      n [bits] of a coded block: 648, 1296 or 1944
    crc         [bits] of each block's check: 16, 24 or 32
    repetition  times that each coded bit is sent: 1, 2, 4 or 8
    method      of the demapper: max_log or exact
    iterations  most of the decoder

    A frame of S symbols has C blocks of p payload bits: the receiver needs S and these options, no
    more (``lib/phy/coding/block_code.h`` says why).
    """

    modulation: str = "qpsk"
    rate: str = "3/4"
    length: int = 648
    crc: int = 16
    repetition: int = 1
    method: str = "max_log"
    iterations: int = 20

    def __post_init__(self):
        _call(_compiled, self)

    def symbols(self, bits: int) -> int:
        """S [symbols] of a frame with so many payload bits, at least 1."""
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

        symbols  S, more than the bits need or as many; 0: as many
        """
        return _call(_compiled(self).encode, bits, symbols)

    def decode(self, symbols: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Received symbols [S] complex64, the variance of the complex noise of each [S] float32 ->
        payload bits [C, p] uint8 and which blocks are good, [C] bool: parity and CRC right.

        C p is B or more: what the sender filled up with is 0.  A symbol of infinite or NaN noise,
        or one not finite, says nothing; noise 0 means hard decisions.  Bits of which nothing was
        heard are 0, their block is not good.  SemcomError if no frame has S symbols.
        """
        return _call(_compiled(self).decode, symbols, noise)


@functools.cache
def _compiled(code: BlockCode) -> core.BlockCode:
    return core.BlockCode(**asdict(code))


def _call(function: Callable, *arguments):
    try:
        return function(*arguments)
    except (TypeError, ValueError) as cause:
        raise SemcomError(f"block code: {str(cause).splitlines()[0]}") from cause
