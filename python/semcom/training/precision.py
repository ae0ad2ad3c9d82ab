# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The fastest precision of matrix products on this machine."""

import functools
import time

import torch

ROWS, WIDTH, TURNS = 2048, 512, 7  # as the attention of a localiser takes them
FEW, EMULATED = 32, 4.0  # rows, and ratio of times, that tell a processor without bfloat16


@functools.cache
def fastest(device: str = "cpu") -> torch.dtype:
    """bfloat16 if matrix products in it are faster than in float32, otherwise float32; measured
    once on a CPU, by the shortest of alternating runs.  On other devices bfloat16, without
    measurement."""
    if torch.device(device).type != "cpu":
        return torch.bfloat16
    few = _shortest(FEW)
    if few[torch.bfloat16] > EMULATED * few[torch.float32]:
        return torch.float32  # more rows would take half a minute to say the same
    seconds = _shortest(ROWS)
    return min(seconds, key=seconds.get)


def _shortest(rows: int) -> dict[torch.dtype, float]:
    """[s] of a step of so many rows in each precision, the shortest of some that take turns."""
    factors = {
        dtype: (torch.ones(rows, WIDTH, dtype=dtype), torch.ones(WIDTH, WIDTH, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    }
    turns = [{dtype: _step(*each) for dtype, each in factors.items()} for _ in range(TURNS)]
    return {dtype: min(turn[dtype] for turn in turns) for dtype in factors}


def _step(rows: torch.Tensor, weights: torch.Tensor) -> float:
    """[s] of a layer and of its gradients."""
    began = time.perf_counter()
    with torch.no_grad():
        hidden = rows @ weights.T
        hidden.T @ rows
        hidden @ weights
    return time.perf_counter() - began


def low(allowed: bool, device: str = "cpu") -> torch.dtype:
    """The faster precision of matrix products; float32 unless bfloat16 is ``allowed``."""
    return fastest(str(device)) if allowed else torch.float32


def autocast(allowed: bool) -> torch.autocast:
    """In which a CPU computes matrix products fastest, where bfloat16 is ``allowed``."""
    return torch.autocast("cpu", torch.bfloat16, enabled=low(allowed) == torch.bfloat16)
