# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fields of configurations that explain themselves on a command line."""

from dataclasses import field


def option(default, help: str, **more):
    """A dataclass field with its explanation; ``more`` is for whoever builds the command line."""
    return field(default=default, metadata={"help": help, **more})
