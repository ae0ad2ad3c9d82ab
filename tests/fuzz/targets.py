# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What reads files, messages and symbols of strangers, each as a target of fuzzing.

A target gives a reader something and demands that it answers: with what it has read, of which some
property holds, or with a SemcomError of one line.  Anything else, a hang or memory beyond the
bound is a fault.  What was found stands in tests/test_fuzzed.py.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from hypothesis import strategies as st

TARGETS = {}


@dataclass(frozen=True)
class Target:
    """given: strategy of the input;  check: takes one."""

    given: st.SearchStrategy
    check: Callable


def target(given: st.SearchStrategy):
    """Decorator: a function of that name is a target."""

    def known(check):
        TARGETS[check.__name__] = Target(given, check)
        return check

    return known


@functools.cache
def folder() -> Path:
    """Where inputs are written: memory, if there is some."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="semcom-fuzz-", dir=memory))


@contextlib.contextmanager
def answered():
    """A SemcomError of one line is an answer."""
    try:
        yield
    except SemcomError as cause:
        assert "\n" not in str(cause) and len(str(cause)) < 2000, str(cause)


def written(name: str, content: bytes | str) -> Path:
    path = folder() / name
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    path.write_bytes(content)
    return path
