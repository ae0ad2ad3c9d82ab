# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Networks that a process loads once."""

import functools
from collections.abc import Callable

import torch


def once(build: Callable) -> Callable:
    """Decorator of a function without arguments that builds a network: later calls return the first
    one's.

    The first caller may be in inference mode, whose tensors no training in this process could use;
    the network is built outside of it.
    """
    return functools.cache(torch.inference_mode(False)(build))
