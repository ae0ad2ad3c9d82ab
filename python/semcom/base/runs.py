# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs of equal neighbours in a sequence."""

from collections.abc import Iterable
from itertools import groupby


def runs(values: Iterable) -> list[tuple]:
    """(start, end, value) of each run of equal values, ``end`` one past its last; [] of no values.

    The values are compared with ``==``: pass ``array.tolist()`` of an array.
    """
    found, start = [], 0
    for value, group in groupby(values):
        end = start + sum(1 for _ in group)
        found.append((start, end, value))
        start = end
    return found
