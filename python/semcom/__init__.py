# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Semantic communication blocks for GNU Radio.

The C++ blocks (`pilot_inserter_cc`, `ls_estimator_cc`, `mimo_detector_cc`, `mimo_receiver_cc`,
`mimo_channel_cc`, `frame_sync_cc`, `bits_to_frames`, `qam_demapper`, `ldpc_decoder`), the
mathematics behind them on NumPy arrays (`core`) and `take_errors()` are here, by names of the
compiled module `semcom_python`.  The Python blocks (`clip_source`, `terminal`, ...) are here by
name too, as are the subpackages.  All of them are imported when one is first asked for: GNU Radio
and Torch take seconds, and a program's `--help` needs neither.
"""

import importlib

__version__ = "0.1.0"

_SUBPACKAGES = (
    "base", "blocks", "chain", "data", "evaluation", "media", "nets", "perception", "phy",
    "protocol", "report", "run", "systems", "tasks", "training", "weights", "windows",
)  # fmt: skip


def __getattr__(name):
    """Subpackages, what the compiled module holds, and Python blocks, imported on first use."""
    if name.startswith("_"):
        raise AttributeError(name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f".{name}", __name__)
    compiled = _compiled()
    if hasattr(compiled, name):
        return getattr(compiled, name)
    blocks = importlib.import_module(".blocks", __name__)
    try:
        return getattr(blocks, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def _compiled():
    """The compiled module, which loads GNU Radio."""
    try:
        return importlib.import_module(".semcom_python", __name__)
    except ImportError as error:
        raise ImportError(
            f"gnuradio.semcom: the compiled module semcom_python does not load ({error}); build "
            "and install gr-semcom, or put its build/test_modules on PYTHONPATH"
        ) from error
