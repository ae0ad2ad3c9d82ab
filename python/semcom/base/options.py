# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fields of configurations that explain themselves on a command line."""

import argparse
from dataclasses import field

import numpy as np


def option(default, help: str, **more):
    """A dataclass field with its explanation; ``more`` is for whoever builds the command line."""
    return field(default=default, metadata={"help": help, **more})


class Parser(argparse.ArgumentParser):
    """argparse whose complaint is one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def number(text: str) -> float:
    """A finite number, or argparse's error that says so."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return value


def numbers(text: str) -> list:
    """'start:stop:step' (stop included) or 'a,b,c' to a list of numbers."""
    if ":" not in text:
        return [number(part) for part in text.split(",")]
    parts = [number(part) for part in text.split(":")]
    if len(parts) != 3 or parts[2] == 0 or (parts[1] - parts[0]) / parts[2] < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not start:stop:step with start before stop")
    start, stop, step = parts
    return [start + i * step for i in range(int(np.floor((stop - start) / step + 1e-9)) + 1)]


def at_least(low: int):
    """Argparse's type of whole numbers from ``low`` on."""

    def count(text: str) -> int:
        if not text.isdigit() or int(text) < low:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {low}")
        return int(text)

    return count
