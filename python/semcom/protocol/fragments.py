# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Divides frames into fragments that fit a burst, and joins them.

Fragment i has ``size`` symbols from i * size on; the last one may have fewer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..base.errors import SemcomError
from .frames import MOST_FRAGMENTS


def split(symbols: np.ndarray, most: int, unit: int = 1) -> list[np.ndarray]:
    """Symbols [..., n] divided into fragments [..., size] (views), with size the largest multiple
    of ``unit`` up to ``most``.  SemcomError if no unit fits, or for too many fragments."""
    size = most // unit * unit
    if size < 1:
        raise SemcomError(f"fragments of {most} symbols: expected at least {unit}, one whole unit")
    length = symbols.shape[-1]
    if not 1 <= -(-length // size) <= MOST_FRAGMENTS:
        raise SemcomError(
            f"a frame of {length} symbols in fragments of {size}: expected 1 to {MOST_FRAGMENTS} "
            "fragments; give longer ones"
        )
    return [symbols[..., at : at + size] for at in range(0, length, size)]


def missing(parts: Mapping[int, object], fragments: int) -> list[int]:
    """Numbers of the fragments that have not come."""
    return [i for i in range(fragments) if i not in parts]


def join(
    parts: Mapping[int, tuple[np.ndarray, np.ndarray]], fragments: int
) -> tuple[np.ndarray, np.ndarray]:
    """The frame from the fragments that came: symbols [K, n] and their noise variance [K, n].

    parts  fragment -> symbols [K, size] complex64 and noise [K, size] float32

    A missing fragment is zero with infinite noise; a missing last fragment is left out, since its
    length is unknown.  If only the last one came, its position is unknown, and the frame is just
    this fragment.
    """
    if not parts:
        raise SemcomError("no fragment of the frame came: expected at least one")
    size = max((x.shape[-1] for i, (x, _) in parts.items() if i < fragments - 1), default=0)
    streams = next(iter(parts.values()))[0].shape[0]
    symbols, noise = [], []
    for i in range(max(parts) + 1):
        if i in parts:
            x, n = parts[i]
        else:
            x = np.zeros((streams, size), np.complex64)
            n = np.full((streams, size), np.inf, np.float32)
        symbols.append(x)
        noise.append(n)
    return np.concatenate(symbols, -1), np.concatenate(noise, -1)
