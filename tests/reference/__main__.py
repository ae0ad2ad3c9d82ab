# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run the cases of the reference and say what differs, or write what they give to figures.json.

    python -m tests.reference [--record] [WORD ...]

With words, only the cases whose name holds one of them; the figures of the others stay.
"""

import argparse
import sys
import time

from . import figures
from .cases import CASES
from .run import run_case


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.reference",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--record", action="store_true", help="write figures.json")
    parser.add_argument("words", nargs="*", metavar="WORD")
    args = parser.parse_args()
    recorder, kept = figures.read() if figures.FILE.exists() else (figures.arithmetic(), {})
    exact, found, changed = recorder == figures.arithmetic(), dict(kept), 0
    for name, commands in CASES.items():
        if args.words and not any(word in name for word in args.words):
            continue
        began = time.perf_counter()
        found[name] = run_case(commands)
        lines = figures.differences(kept.get(name, []), found[name], exact)
        changed += len(lines)
        print(f"{time.perf_counter() - began:6.2f} s  {name}", *lines, sep="\n    ", flush=True)
    print(f"{changed} differences" + ("" if exact else ", compared loosely: another arithmetic"))
    if args.record:
        figures.write({name: found[name] for name in CASES if name in found})
    return int(bool(changed) and not args.record)


if __name__ == "__main__":
    sys.exit(main())
