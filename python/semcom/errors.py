# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The one exception that users are meant to read."""


class SemcomError(ValueError):
    """Input that cannot be used: the message is one line naming what was found, expected, and the
    remedy."""
