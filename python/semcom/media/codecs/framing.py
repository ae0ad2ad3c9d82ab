# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Joins the parts of a unit: each but the last is preceded by its length.

Lengths are LEB128, as in AV1: 7 bits per byte, the lowest first; the top bit is set if more follow.
Both ends know the number of parts.
"""

from __future__ import annotations

from collections.abc import Sequence


def join(parts: Sequence[bytes]) -> bytes:
    """The unit of some parts; a part may be empty, and no parts make an empty unit."""
    return b"".join(_length(len(part)) + part for part in parts[:-1]) + b"".join(parts[-1:])


def split(unit: bytes, count: int) -> list[bytes]:
    """The ``count`` parts of a unit; fewer if the unit is damaged and ends early.

    If a length is beyond the end of the unit, the part has the rest of the unit.
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
