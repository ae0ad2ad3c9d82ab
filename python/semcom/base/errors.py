# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The exceptions that users are meant to read."""


class SemcomError(ValueError):
    """Input that cannot be used: the message is one line naming what was found, expected, and the
    remedy."""


class BlockError(RuntimeError):
    """A block failed while the flowgraph ran; the text names the block and the cause."""
