# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Consoles and progress bars that print names literally, with [brackets] and :colons:."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


def console(**more) -> Console:
    """A console that prints text without markup; the arguments are those of ``rich.Console``."""
    return Console(markup=False, emoji=False, highlight=False, **more)


class Words(ProgressColumn):
    """A column of a progress bar with constant text."""

    def __init__(self, text: str):
        super().__init__()
        self.text = Text(text)

    def render(self, task) -> Text:
        return self.text


def bar(unit: str = "", last: ProgressColumn | None = None, stderr=True, **more) -> Progress:
    """A progress bar: description, bar, count in ``unit``, and the remaining time or else ``last``.

    last  a column in place of the remaining time
    more  arguments of ``rich.Progress``
    """
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()]
    columns += [Words(unit)] if unit else []
    return Progress(*columns, last or TimeRemainingColumn(), console=console(stderr=stderr), **more)


def plain(name: str) -> str:
    """A name as a figure shows it literally: dollars, which begin formulas, are escaped."""
    return name.replace("$", r"\$")
