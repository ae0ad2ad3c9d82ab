# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What a sweep leaves behind: the table on screen, the JSON file, Markdown tables, the plot."""

from typing import NamedTuple

import numpy as np

from ..systems.registry import task_of
from ..tasks.task import Column

# Okabe and Ito's palette: told apart with every common colour vision deficiency.  In grey the
# markers, filled or hollow, and the dashes tell what the colours no longer do.


class Estimate(NamedTuple):
    """A figure with the ends of its error band; None where unknown."""

    mean: float | None
    low: float | None = None
    high: float | None = None

    def text(self, form: str) -> str:
        """'mean ± half the band', each in the format ``form``; '-' where there is none."""
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
    """``key`` over the records of one point, a training seed each; of one alone its 95 % range.

    Figures that have no such range are the channel's, the same for every training seed.
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
    return ["| " + " | ".join(row) + " |" for row in (header, rule, *rows)]


SETTINGS = ("system", "variant", "decoder", "channel", "csi", "detector", "attempts", "ask_below")
CHAIN = (  # columns that every task has, behind its own
    Column("NMSE [dB]", "channel_nmse_db", ".1f"),
    Column("EVM [dB]", "evm_db", ".1f"),
)


def set_of(record: dict) -> str:
    """The set's name, and the split of one that has splits."""
    return f"{record['data']} ({record['split']})" if record["split"] else record["data"]


def setting(record: dict, key: str) -> str:
    """What a record says of one of SETTINGS, '' where it has no effect; of attempts, from 2 on."""
    if key not in ("attempts", "ask_below"):
        return str(record[key] or "")
    scenario = record["scenario"]
    if scenario.get("attempts", 1) == 1:
        return ""
    return f"{scenario[key]} attempts" if key == "attempts" else f"asked below {scenario[key]:g}"


def columns_of(task) -> list[Column]:
    """Figures of a table of one task."""
    free = Column("error-free", f"{task.primary}_error_free")
    return [Column("SNR [dB]", "snr_db", "g"), *task.columns, free, *CHAIN]


def _shown(value, form: str) -> str:
    if isinstance(value, tuple | list):
        return "-".join(_shown(part, form) for part in value)
    return "-" if value is None else format(value, form)


def table(records: list):
    """A rich table, a row per record; settings that are the same in all rows stand in the title."""
    from rich import box
    from rich.markup import escape  # "[dB]" is no markup
    from rich.table import Table

    varying = [key for key in SETTINGS if len({setting(r, key) for r in records}) > 1]
    first = records[0]
    constant = [setting(first, key) for key in SETTINGS if key not in varying]
    title = f"{set_of(first)}: {', '.join(filter(None, constant))}"
    out = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    columns = columns_of(task_of(first["system"]))
    columns = [c for c in columns if any(r[c.key] is not None for r in records)]
    for name in (*varying, *(column.head for column in columns)):
        out.add_column(escape(name), no_wrap=True, justify="left" if name in SETTINGS else "right")
    for r in records:
        figures = [_shown(r[column.key], column.form) for column in columns]
        out.add_row(*[setting(r, key) or "-" for key in varying], *figures)
    return out
