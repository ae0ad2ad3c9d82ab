# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The parts of a unit one after another: a length before each but the last, which ends the unit.

Lengths are LEB128, as in AV1: 7 bits a byte, the lowest first; the top bit says that more follow.
Both ends know how many parts there are.
"""

from __future__ import annotations

from collections.abc import Sequence


def join(parts: Sequence[bytes]) -> bytes:
    """One unit of some parts; a part may be empty, no parts make an empty unit."""
    return b"".join(_length(len(part)) + part for part in parts[:-1]) + b"".join(parts[-1:])


def split(unit: bytes, count: int) -> list[bytes]:
    """The ``count`` parts of a unit, fewer of one that damage has cut short.

    A length that leads beyond the end takes what there is.
    """
    parts, place = [], 0
    while len(parts) < count - 1 and place < len(unit):
        length, shift = 0, 0
        while place < len(unit):
            byte, place = unit[place], place + 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        parts.append(unit[place : place + length])
        place += length
    whole = len(parts) == count - 1 and place <= len(unit)
    return [*parts, unit[place:]] if whole else parts


def _length(value: int) -> bytes:
    low = []
    while value > 127:
        low.append(value & 127 | 128)
        value >>= 7
    return bytes([*low, value])
