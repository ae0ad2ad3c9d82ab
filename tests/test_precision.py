# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trainings compute in bfloat16 only where it is allowed and faster."""

import pytest
import torch
from gnuradio.semcom.training import precision


@pytest.mark.parametrize("slow", [torch.float32, torch.bfloat16])
def test_the_faster_precision_is_taken_where_it_is_allowed(monkeypatch, slow):
    monkeypatch.setattr(precision, "_step", lambda rows, _: 2.0 if rows.dtype == slow else 1.0)
    precision.fastest.cache_clear()
    fast = torch.bfloat16 if slow == torch.float32 else torch.float32
    assert precision.low(True) == fast
    assert precision.low(False) == torch.float32
    with precision.autocast(True):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == fast
    precision.fastest.cache_clear()


def test_a_processor_that_emulates_bfloat16_is_known_from_a_few_rows(monkeypatch):
    seen = []

    def step(rows, _):
        seen.append(len(rows))
        return 10.0 if rows.dtype == torch.bfloat16 else 1.0

    monkeypatch.setattr(precision, "_step", step)
    precision.fastest.cache_clear()
    assert precision.fastest() == torch.float32 and max(seen) < 100
    precision.fastest.cache_clear()
