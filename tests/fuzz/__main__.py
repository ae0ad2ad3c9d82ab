# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fuzz every reader, or those that are named, for some minutes in all.

A table says what each was given, and what was found.

libFuzzer drives all of them: targets of lib/phy (tests/fuzz/phy, built with clang into build-fuzz,
under ASan and UBSan), and those of Python (tests/fuzz/*readers.py) by way of Atheris.  An input
that crashes, takes longer than 20 s or more than 2 GiB ends its target, is kept in out/fuzz, and
makes the exit status 1.  Ways through the code that a run finds stay in out/fuzz for the next one.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
COMPILED = ROOT / "build-fuzz" / "tests" / "fuzz"
KEPT = ROOT / "out" / "fuzz"
MEMORY_MB, PATIENCE_S, LONGEST = 2048, 20, 4096  # of an input: memory of the process, time, bytes


def targets() -> dict:
    """Name -> how to start it; those of C++ first."""
    compiled = {p.name.removeprefix("fuzz_"): [str(p)] for p in sorted(COMPILED.glob("fuzz_*"))}
    text = "".join(path.read_text() for path in sorted(Path(__file__).parent.glob("*readers.py")))
    names = re.findall(r"^@target\(.*?^def (\w+)", text, re.MULTILINE | re.DOTALL)
    engine = [sys.executable, "-m", "tests.fuzz.engine"]
    return compiled | {name: [*engine, str(KEPT / f"{name}.count"), name] for name in names}


def run(name: str, command: list, seconds: float, inputs: int) -> dict:
    """Let a target run for so long, or for so many inputs (0: any number)."""
    corpus, count = KEPT / name, KEPT / f"{name}.count"
    corpus.mkdir(parents=True, exist_ok=True)
    count.unlink(missing_ok=True)
    seeds = Path(__file__).parent / "seeds" / name
    began = time.monotonic()
    done = subprocess.run(
        [*command, f"-max_total_time={max(1, round(seconds))}", f"-runs={inputs or -1}",
         f"-rss_limit_mb={MEMORY_MB}", f"-timeout={PATIENCE_S}", f"-max_len={LONGEST}",
         "-len_control=0", "-print_final_stats=1", f"-artifact_prefix={KEPT}/{name}-",
         str(corpus), *[str(seeds)] * seeds.is_dir()],
        capture_output=True, text=True, errors="replace", cwd=ROOT,
    )  # fmt: skip
    (KEPT / f"{name}.log").write_text(done.stdout + done.stderr)
    told = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
    tried = int(told.get("number_of_executed_units", 0))
    given = int(count.read_text()) if count.exists() else tried
    wall = time.monotonic() - began
    return {
        "target": name,
        "inputs": given,
        "ms": 1000 * wall / max(1, given),
        "minutes": wall / 60,
        "peak_mb": int(told.get("peak_rss_mb", 0)),
        "found": "" if done.returncode == 0 else _found(done.stderr),
    }


def _found(text: str) -> str:
    """The line that says what happened."""
    lines = re.findall(r"^.*(?:ERROR: |Error: |runtime error|assert).*$", text, re.MULTILINE)
    return lines[0].strip() if lines else (text.strip().splitlines() or ["ended"])[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="targets (default: all)")
    parser.add_argument("--minutes", type=float, default=30, help="in all (default: %(default)g)")
    parser.add_argument("--inputs", type=int, default=0, help="of each at most; 0: any number")
    args = parser.parse_args()
    known = targets()
    names = args.names or list(known)
    if unknown := set(names) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: no target; {', '.join(known)} are")
    rows = [run(name, known[name], 60 * args.minutes / len(names), args.inputs) for name in names]
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()))
    Console(width=140).print(table, markup=False)
    return 1 if any(row["found"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
