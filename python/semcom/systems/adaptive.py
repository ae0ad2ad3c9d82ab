# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Link adaptation: for each SNR, the settings that are best on the validation split, from a table.

A table is a JSON file that ``studies classical`` writes:

    {"system": "digital", "data": "raw, composed", "split": "val", "uses": 1344,
     "choices": [{"channel": "rayleigh", "snr": -5, "settings": {"code": "1/2", ...}}, ...]}

The choice for an SNR is that of the table's highest SNR that is not above it, or of its lowest SNR.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from math import isfinite

from ..base import options
from ..base.errors import SemcomError
from ..base.files import read_json


def adapted(point):
    """The point with the settings of its table for its channel and SNR; SemcomError if the table
    does not fit the point."""
    found = read_table(point.adaptive)
    for name in ("system", "uses"):
        if found[name] != getattr(point, name):
            raise SemcomError(
                f"--adaptive {point.adaptive}: is for --{name} {found[name]}, not "
                f"{getattr(point, name)}; give that, or another table"
            )
    known = [choice for choice in found["choices"] if choice["channel"] == point.channel]
    if not known:
        channels = ", ".join(sorted({choice["channel"] for choice in found["choices"]}))
        raise SemcomError(
            f"--adaptive {point.adaptive}: has no choices for --channel {point.channel}, only for "
            f"{channels}"
        )
    known.sort(key=lambda choice: choice["snr"])
    below = [choice for choice in known if choice["snr"] <= point.snr + 1e-9]
    chosen = (below or known)[-1 if below else 0]["settings"]
    try:
        return dataclasses.replace(
            point, **{n: options.from_file(type(point), n, value) for n, value in chosen.items()}
        )
    except KeyError as cause:
        raise SemcomError(f"--adaptive {point.adaptive}: settings: no option {cause}") from cause
    except ValueError as cause:
        raise SemcomError(f"--adaptive {point.adaptive}: settings: {cause}") from cause


@lru_cache(maxsize=8)
def read_table(path: str) -> dict:
    """The table in a file; SemcomError for another content."""
    try:
        found = read_json(path)
        whole = {"system", "uses", "choices"} <= set(found) and all(
            isinstance(choice.get("channel"), str)
            and type(choice.get("snr")) in (int, float)
            and isfinite(choice["snr"])
            and isinstance(choice.get("settings"), dict)
            for choice in found["choices"]
        )
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as cause:
        raise SemcomError(
            f"--adaptive {path}: cannot be read ({cause}); give a table of `studies classical`"
        ) from cause
    if not whole or not found["choices"]:
        raise SemcomError(
            f"--adaptive {path}: is not a table of choices; write one with `studies classical`"
        )
    return found
