# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sentences for the training of the networks of pictures and sounds, some for each class that is
seen or heard."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from ...data.descriptions import KINDS, Description, random_description, sentence
from ...systems.m3e_vsc import padded

EACH = 60  # sentences of a class


def of_classes(what: str, seed: int = 1) -> Tensor:
    """EACH random sentences for each class in which it is ``what``, "seen" or "heard": tokens [29,
    EACH, LENGTH] int64."""
    rng = np.random.default_rng(seed)
    return torch.stack(
        [padded([sentence(_of(kind, what, rng)) for _ in range(EACH)]) for kind in KINDS]
    )


def _of(kind: str, what: str, rng: np.random.Generator) -> Description:
    """A random description, with its class exchanged: if both picture and sound were of it, both
    are of the new one."""
    while not getattr(drawn := random_description(rng), what):
        pass
    same = [name for name in ("seen", "heard") if getattr(drawn, name) == getattr(drawn, what)]
    return dataclasses.replace(drawn, **dict.fromkeys(same, kind))
