# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Semantic communication blocks for GNU Radio.

The C++ blocks (`pilot_inserter_cc`, `ls_estimator_cc`, `mimo_detector_cc`, `mimo_channel_cc`), the
mathematics behind them on NumPy arrays (`core`) and `take_errors()` are here.  The Python blocks
(`clip_source`, `audio_terminal`, ...) are here by name too, as are the subpackages; those need
Torch, which is imported when one of them is first asked for.
"""

import importlib

__version__ = "0.1.0"

try:
    from .semcom_python import *  # noqa: F403
except ImportError as error:
    raise ImportError(
        f"gnuradio.semcom: the compiled module semcom_python does not load ({error}); build and "
        "install gr-semcom, or put its build/test_modules on PYTHONPATH"
    ) from error

_SUBPACKAGES = (
    "base", "blocks", "chain", "data", "evaluation", "media", "nets", "perception", "phy",
    "protocol", "report", "run", "systems", "tasks", "training", "weights", "windows",
)  # fmt: skip


def __getattr__(name):
    """Subpackages and Python blocks, imported on first use."""
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f".{name}", __name__)
    blocks = importlib.import_module(".blocks", __name__)
    try:
        return getattr(blocks, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
