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
    """A console that takes no part of a text for markup; arguments of rich's."""
    return Console(markup=False, emoji=False, highlight=False, **more)


class Words(ProgressColumn):
    """A column that is the same all the time."""

    def __init__(self, text: str):
        super().__init__()
        self.text = Text(text)

    def render(self, task) -> Text:
        return self.text


def bar(unit: str = "", last: ProgressColumn | None = None, stderr=True, **more) -> Progress:
    """A bar: description, how many of how many ``unit``, the time that is left or, in its place,
    the column ``last``; further arguments of rich's."""
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()]
    columns += [Words(unit)] if unit else []
    return Progress(*columns, last or TimeRemainingColumn(), console=console(stderr=stderr), **more)


def plain(name: str) -> str:
    """A name for a figure, in which dollars begin formulas."""
    return name.replace("$", r"\$")
