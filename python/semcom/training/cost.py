# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Measures the time and memory of a training in this process."""

from __future__ import annotations

from pathlib import Path


def memory() -> dict[str, float]:
    """Memory [MiB] of this process (Linux): "peak_resident", its maximum, and "mapped", the present
    pages of files, which the system can reclaim.  {} on other systems."""
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    kib = {name: float(fields[name].split()[0]) for name in ("VmHWM", "RssFile") if name in fields}
    names = {"VmHWM": "peak_resident", "RssFile": "mapped"}
    return {names[name]: round(value / 1024, 1) for name, value in kib.items()}
