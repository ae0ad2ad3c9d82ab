#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run a program and watch its memory: prints the resident MiB of each of its processes, and its
growth from the second quarter of the run to the last.  The status is the program's, or 1 if the
memory grew.

examples:
  watch_memory.py apps/run_link.py --snr=-10:30:0.02 --frames 1 --json out/link.json
  watch_memory.py apps/run_link.py --snr=-10:30:0.02 --frames 1 --workers 2 --json out/link.json
"""

import contextlib
import json
import subprocess
import sys
import time

from gnuradio.semcom.base.programs import exit_status
from sweep_hosts import below
from three_hosts import GROWTH, SAMPLE_S, growth, resident_mib


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 2
    began = time.monotonic()
    with subprocess.Popen([sys.executable, *sys.argv[1:]]) as process:
        seen = watched(process)
    long = {pid: mib for pid, mib in seen.items() if len(mib) > len(seen[process.pid]) / 2}
    result = {
        "seconds": round(time.monotonic() - began),
        "memory_mib": {
            pid: [round(mib[len(mib) // 4]), round(mib[-1])] for pid, mib in long.items()
        },
        "memory_growth": {pid: round(growth(mib), 3) for pid, mib in long.items()},
    }
    print(json.dumps(result, indent=1))
    return process.returncode or int(max(result["memory_growth"].values()) > GROWTH)


def watched(process: subprocess.Popen) -> dict:
    """Resident memory [MiB] of a program's processes, sample by sample, until it ends; the program
    is ended when this one is."""
    seen = {process.pid: []}
    try:
        while process.poll() is None:
            for pid in (process.pid, *below(process.pid)):
                if mib := resident_mib(pid):
                    seen.setdefault(pid, []).append(mib)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SAMPLE_S)
    finally:
        if process.poll() is None:
            process.terminate()
    return seen


if __name__ == "__main__":
    sys.exit(exit_status("watch_memory.py", main))
