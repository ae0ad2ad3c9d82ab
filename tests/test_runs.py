# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs of equal neighbours."""

import numpy as np
from gnuradio.semcom.base.runs import runs


def test_equal_neighbours_are_joined():
    assert runs("aabbba") == [(0, 2, "a"), (2, 5, "b"), (5, 6, "a")]
    pairs = zip("aabbb", [True, True, True, False, False], strict=True)
    assert runs(pairs) == [(0, 2, ("a", True)), (2, 3, ("b", True)), (3, 5, ("b", False))]
    assert runs([]) == []


def test_runs_cover_every_place_once():
    values = np.random.default_rng(0).integers(0, 3, 200).tolist()
    found = runs(values)
    assert [value for start, end, value in found for _ in range(start, end)] == values
    assert all(a[2] != b[2] and a[1] == b[0] for a, b in zip(found, found[1:], strict=False))
