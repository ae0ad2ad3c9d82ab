# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tables of records: on screen and in Markdown, with spreads over training seeds."""

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from ..systems.registry import task_of
from ..tasks.task import Column

WIDE = 200  # characters of a line without a screen
LONGEST = 1000  # rows; a table of 10^5 takes a minute and 200 MB, and nobody reads it


class Estimate(NamedTuple):
    """A value with the ends of its error band; None if unknown."""

    mean: float | None
    low: float | None = None
    high: float | None = None

    def text(self, form: str) -> str:
        """'mean ± half the band', each in the format ``form``; '-' if unknown."""
        if self.mean is None:
            return "-"
        mean = format(self.mean, form)
        return mean if self.low is None else f"{mean} ± {(self.high - self.low) / 2:{form}}"


def over_seeds(values: list) -> Estimate:
    """Mean of values from several training seeds, -+ their standard deviation (of a sample)."""
    if None in values:
        return Estimate(None)
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Estimate(mean) if spread is None else Estimate(mean, mean - spread, mean + spread)


def estimate(records: list, key: str = "accuracy") -> Estimate:
    """``key`` over the records of one point, one for each training seed; for a single one with its
    95 % range.

    Values without such a range are the channel's, which are the same for every training seed.
    """
    interval = records[0].get(f"{key}_ci95")
    if interval is None:
        return Estimate(records[0][key])
    if len(records) == 1:
        return Estimate(records[0][key], *interval)
    return over_seeds([record[key] for record in records])


def markdown(header: list, rows: list) -> list:
    """Lines of a Markdown table of strings."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    rows = [[cell.replace("|", r"\|") for cell in row] for row in (header, rule, *rows)]
    return ["| " + " | ".join(row) + " |" for row in rows]


SETTINGS = ("system", "variant", "decoder", "channel", "csi", "detector", "attempts", "ask_below")
OF_ATTEMPTS = ("attempts", "ask_below")
SWEPT = (  # further options of a sweep, which records have in their scenario
    "symbols", "by_content", "without", "only", "key_frames", "picture_symbols", "source",
    "quality", "bitrate", "size", "picture_rate", "bits", "code", "length", "modulation",
    "repetition", "uses",
)  # fmt: skip
WORDS = {key: f"{key.replace('_', ' ')} {{}}" for key in SWEPT}
WORDS |= {"attempts": "{} attempts", "ask_below": "asked below {}"}
CHAIN = (  # columns of all tasks, after a task's own
    Column("NMSE [dB]", "channel_nmse_db", ".1f"),
    Column("EVM [dB]", "evm_db", ".1f"),
)


def set_of(record: dict) -> str:
    """The set's name, and the split of one that has splits."""
    return f"{record['data']} ({record['split']})" if record["split"] else record["data"]


def setting(record: dict, key: str) -> str:
    """The text of one of SETTINGS or SWEPT in a record; '' if it has no effect, or for one
    attempt."""
    if key not in WORDS:
        return str(record[key] or "")
    scenario = record.get("scenario", {})
    if key in OF_ATTEMPTS and scenario.get("attempts", 1) == 1:
        return ""
    value = scenario.get(key, "")
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def in_words(record: dict, key: str) -> str:
    """As :func:`setting`, for titles and legends."""
    value = setting(record, key)
    return WORDS.get(key, "{}").format(value) if value else ""


def differing(records: Iterable) -> list[str]:
    """Those of SETTINGS and SWEPT in which records differ; of attempts' own, those that have
    attempts."""
    seen = {key: set() for key in (*SETTINGS, *SWEPT)}
    for record in records:
        for key, values in seen.items():
            values.add(setting(record, key))
    seen["ask_below"].discard("")
    return [key for key, values in seen.items() if len(values) > 1]


def columns_of(task) -> list[Column]:
    """Figures of a table of one task."""
    free = Column("error-free", f"{task.primary}_error_free")
    return [Column("SNR [dB]", "snr_db", "g"), *task.columns, free, *CHAIN]


def _shown(value, form: str) -> str:
    if isinstance(value, tuple | list):
        return "-".join(_shown(part, form) for part in value)
    return "-" if value is None else format(value, form)


def table(records: Sequence):
    """A rich table, a row per record, of the first LONGEST; settings that are the same in all rows
    stand in the title."""
    from rich import box
    from rich.table import Table

    varying, first = differing(records), records[0]
    told = [key for key in (*SETTINGS, "symbols", "by_content") if key not in varying]
    constant = [in_words(first, key) for key in told]
    title = f"{set_of(first)}: {', '.join(filter(None, constant))}"
    out = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    columns = columns_of(task_of("", first["task"]))
    columns = [c for c in columns if any(r[c.key] is not None for r in records)]
    for name in varying:
        out.add_column(name, no_wrap=True)
    for column in columns:
        out.add_column(column.head, no_wrap=True, justify="right")
    if len(records) > LONGEST:
        out.caption = f"the first {LONGEST} of {len(records)} points"
    for r in islice(records, LONGEST):
        figures = [_shown(r[column.key], column.form) for column in columns]
        out.add_row(*[setting(r, key) or "-" for key in varying], *figures)
    return out


def show(table) -> None:
    """Print a rich table; in a file or a pipe, which have no width, none of its columns is cut."""
    from ..base.screen import console

    console(width=None if sys.stdout.isatty() else WIDE).print(table)
