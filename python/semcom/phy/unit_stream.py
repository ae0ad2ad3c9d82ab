# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Packing of units of bytes into blocks of bits such that a lost block loses only its own units.

A block has a pointer of 11 bits, then a segment of the stream.  The stream is a sequence of units,
each after a header of 24 bits: its number (8 bits, 0 to 255) and its length in bytes (16).  The
pointer is the position of the first header within the block's segment (2047: none), as in the
transport stream of MPEG-2 (ISO/IEC 13818-1, pointer_field), where the receiver resumes after a lost
block.  A header of length 0 ends the stream; the rest is padding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..base.errors import SemcomError

POINTER_BITS, NUMBER_BITS, LENGTH_BITS = 11, 8, 16
HEAD_BITS = NUMBER_BITS + LENGTH_BITS
NO_HEAD = (1 << POINTER_BITS) - 1
MOST_UNITS, LONGEST = 1 << NUMBER_BITS, (1 << LENGTH_BITS) - 1


def stream_bits(units: Sequence[bytes | None]) -> int:
    """Bits of the stream of these units."""
    return sum(HEAD_BITS + 8 * len(unit) for unit in units if unit is not None)


def pack(units: Sequence[bytes | None], blocks: int, size: int) -> np.ndarray:
    """Units, numbered by their place, -> bits [blocks * size] uint8, block after block, padded with
    zeros.  A unit that is None is not sent; SemcomError for units that do not fit.
    """
    stretch = max(size - POINTER_BITS, 0)
    if stream_bits(units) > blocks * stretch or len(units) > MOST_UNITS:
        raise SemcomError(
            f"units: {len(units)} of {stream_bits(units)} bits, expected at most "
            f"{MOST_UNITS} of {blocks * stretch} bits in {blocks} blocks; send less"
        )
    stream, heads, at = np.zeros(blocks * stretch, np.uint8), np.full(blocks, NO_HEAD), 0
    for number, unit in enumerate(units):
        if unit is None:
            continue
        if not 0 < len(unit) <= LONGEST:
            raise SemcomError(
                f"unit {number}: {len(unit)} bytes, expected 1 to {LONGEST}; code smaller or fewer "
                "pictures, or with a lower quality"
            )
        block = at // stretch
        heads[block] = min(heads[block], at % stretch)
        bits = np.unpackbits(np.frombuffer(unit, np.uint8))
        stream[at : at + NUMBER_BITS] = _bits(number, NUMBER_BITS)
        stream[at + NUMBER_BITS : at + HEAD_BITS] = _bits(len(unit), LENGTH_BITS)
        stream[at + HEAD_BITS : at + HEAD_BITS + len(bits)] = bits
        at += HEAD_BITS + len(bits)
    pointers = np.stack([_bits(head, POINTER_BITS) for head in heads])
    return np.concatenate([pointers, stream.reshape(blocks, stretch)], 1).ravel()


def unpack(bits: np.ndarray, good: np.ndarray, count: int) -> list[bytes | None]:
    """Blocks of bits [C, p] uint8, and a mask of the good ones [C] bool, -> ``count`` units by
    number; None for a unit of which a part is lost."""
    found: list[bytes | None] = [None] * count
    for run in _runs(good):
        stretch = bits[run, POINTER_BITS:]
        if not stretch.size:
            continue
        first = next(
            (i * stretch.shape[1] + head for i, head in enumerate(_heads(bits[run]))
             if head < stretch.shape[1]), None,
        )  # fmt: skip
        if first is not None:
            _read(stretch.ravel(), first, found)
    return found


def _read(stream: np.ndarray, at: int, found: list) -> None:
    """Put the complete units of a segment into ``found``, from the header at ``at`` on."""
    while at + HEAD_BITS <= len(stream):
        number = _number(stream[at : at + NUMBER_BITS])
        end = at + HEAD_BITS + 8 * _number(stream[at + NUMBER_BITS : at + HEAD_BITS])
        if end == at + HEAD_BITS or end > len(stream):
            return
        if number < len(found):
            found[number] = np.packbits(stream[at + HEAD_BITS : end]).tobytes()
        at = end


def _runs(good: np.ndarray) -> list[slice]:
    """Runs of successive good blocks."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(np.int8), [0]])))
    return [slice(start, end) for start, end in edges.reshape(-1, 2)]


def _heads(bits: np.ndarray) -> list[int]:
    """The pointer of each block; NO_HEAD: no header begins in it."""
    heads = [_number(row) for row in bits[:, :POINTER_BITS]]
    return [head if head != NO_HEAD else 1 << 30 for head in heads]


def _bits(value: int, width: int) -> np.ndarray:
    return np.array([value >> i & 1 for i in reversed(range(width))], np.uint8)


def _number(bits: np.ndarray) -> int:
    return int("".join(map(str, bits.tolist())), 2) if len(bits) else 0
