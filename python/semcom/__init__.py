# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Semantic communication blocks for GNU Radio.

The C++ blocks (`pilot_inserter_cc`, `ls_estimator_cc`, `mimo_detector_cc`, `mimo_channel_cc`), the
mathematics behind them on NumPy arrays (`core`) and `take_errors()` are here; what needs Torch is
in the subpackages and is imported from there.
"""

try:
    from .semcom_python import *  # noqa: F403
except ImportError as error:
    raise ImportError(
        f"gnuradio.semcom: the compiled module semcom_python does not load ({error}); build and "
        "install gr-semcom, or put its build/test_modules on PYTHONPATH"
    ) from error
