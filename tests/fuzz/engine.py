# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Drive one target of *readers.py with Atheris (libFuzzer for Python): python -m tests.fuzz.engine
COUNT_FILE TARGET [libFuzzer's options] [folders of inputs].

Hypothesis makes the input out of libFuzzer's bytes, so that it is of the kind that the reader
expects, and libFuzzer sees which lines of gnuradio.semcom it reached.  How many inputs a reader was
given is written to COUNT_FILE: of the bytes that libFuzzer tries, some make none.
"""

import sys
from pathlib import Path

import atheris

EVERY = 64  # inputs between two writings of their number


def main() -> None:
    count_file, name, *rest = sys.argv[1:]
    with atheris.instrument_imports(include=["gnuradio.semcom"], enable_loader_override=False):
        from tests.fuzz import media_readers, readers  # noqa: F401  fill TARGETS
        from tests.fuzz.targets import TARGETS
    from hypothesis import HealthCheck, given, settings

    target, count = TARGETS[name], 0

    def counted(value):
        nonlocal count
        count += 1
        if count % EVERY == 0:
            Path(count_file).write_text(str(count))
        target.check(value)

    told = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
    fuzz = told(given(target.given)(counted)).hypothesis.fuzz_one_input
    atheris.Setup([sys.argv[0], *rest], fuzz)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
