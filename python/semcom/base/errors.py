# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The exceptions that users are meant to read, and how a program ends with them."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # ends of lines, escapes of terminals


class _OneLine(Exception):
    """An exception whose text is one line, whatever it quotes: a name may hold ends of lines."""

    def __str__(self) -> str:
        return CONTROL.sub(lambda found: repr(found[0])[1:-1], super().__str__())


class SemcomError(_OneLine, ValueError):
    """Input that cannot be used: the message is one line naming what was found, expected, and the
    remedy."""


class BlockError(_OneLine, RuntimeError):
    """A block failed while the flowgraph ran; the text names the block and the cause."""


_faults = []


def program() -> str:
    """Name of the running program, as it was called."""
    return Path(sys.argv[0]).name


def note(text: str) -> None:
    """A line for the user, on standard error."""
    print(f"{program()}: {text}", file=sys.stderr, flush=True)


def fault(text: str) -> None:
    """Tell what went wrong and was mended while the work goes on: a line now, and in the end an
    exit status that is not 0 (:func:`take_faults`)."""
    _faults.append(text)
    note(f"error: {text}")


def take_faults() -> list:
    """The faults since the last call."""
    taken = _faults[:]
    _faults.clear()
    return taken


def exit_status(program: str, work: Callable[[], None], stopped: str = "") -> int:
    """Do ``work``; 0, or after one line on standard error 2 (bad input), 1 (a block failed) or 130
    (Ctrl-C; ``stopped`` says what is kept)."""
    try:
        work()
    except (SemcomError, BlockError) as cause:
        print(f"{program}: error: {cause}", file=sys.stderr)
        return 1 if isinstance(cause, BlockError) else 2
    except KeyboardInterrupt:
        print(f"{program}: stopped{'; ' if stopped else ''}{stopped}", file=sys.stderr)
        return 130
    return 0
