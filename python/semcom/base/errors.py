# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The exceptions whose text is written for users."""

import re

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # ends of lines, escapes of terminals


class _OneLine(Exception):
    """An exception whose text is one line, also where a quoted name holds ends of lines."""

    def __str__(self) -> str:
        return CONTROL.sub(lambda found: repr(found[0])[1:-1], super().__str__())


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or the name of its type: Torch adds a trace of C++."""
    return (str(error).splitlines() or [type(error).__name__])[0]


class SemcomError(_OneLine, ValueError):
    """Input that cannot be used: the message is one line naming what was found, expected, and the
    remedy."""


class BlockError(_OneLine, RuntimeError):
    """A block failed while the flowgraph ran; the text names the block and the cause."""
