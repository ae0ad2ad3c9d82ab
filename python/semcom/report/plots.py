# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Plots for two-column papers: panels of curves with error bands, one legend for all."""

from dataclasses import dataclass, field
from pathlib import Path

from ..base.errors import SemcomError
from ..base.files import replacing
from ..base.palette import COLOURS
from ..base.screen import plain
from ..systems.registry import task_of
from .tables import differing, estimate, in_words, set_of

COLUMN, PAGE = 3.5, 7.16  # widths of a column and of a page of a two-column paper [inches]
MARKERS = "osD^vPX"


DASHES = ("-", (0, (5, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (1, 1)))


DPI = 300


SNR_LABEL = "SNR per stream [dB]"


def curves(records: list) -> dict:
    """{channel: {label: records by SNR}}; a label names the options in which the curves differ."""
    keys = [key for key in differing(records) if key != "channel"] or ["system"]
    groups = {}
    for r in sorted(records, key=lambda r: r["snr_db"]):
        label = plain(", ".join(filter(None, (in_words(r, key) for key in keys))) or r["system"])
        groups.setdefault(r["channel"], {}).setdefault(label, []).append(r)
    return groups


def check_plot(path) -> None:
    """SemcomError for a plot's name with an unknown suffix; checked before the points are run."""
    from matplotlib.backend_bases import FigureCanvasBase

    kinds = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in kinds:
        raise SemcomError(f"--plot {path}: its name must end in .png, .pdf or .svg")


@dataclass
class Line:
    """One curve of a panel.

    label  its text in the legend; curves of the same label have one entry
    x      values, or names on an "even" scale
    y      tables.Estimate of each; one without a mean is not drawn
    look   (number of a colour of COLOURS, number of a line style of DASHES)
    """

    label: str
    x: list
    y: list
    look: tuple


@dataclass
class Axes:
    """One panel.

    title    text above it
    xlabel   text at the x axis, with the unit
    ylabel   text at the y axis, with the unit
    lines    curves, each a :class:`Line`
    scale    of x: "linear", "log", or "even" (equally spaced values)
    levels   (label, height, colour) of dashed lines
    others   (label, x, y) of other authors' results, dotted in grey; at most two
    yscale   "linear" or "log"
    """

    title: str
    xlabel: str
    ylabel: str
    lines: list
    scale: str = "linear"
    levels: list = field(default_factory=list)
    others: list = field(default_factory=list)
    yscale: str = "linear"


def plot(path, records: list) -> None:
    """Plot the task's main value over SNR with 95 % bands, a panel per channel, and the error-free
    value as a line.

    path     file to write; its suffix is the format: .png, .pdf or .svg
    records  records of points; those of another task than the first's, and those without a value or
             an SNR, are left out

    SemcomError if no record is left.
    """
    task = task_of("", records[0]["task"])
    records = [r for r in records if r["task"] == task.name]
    records = [r for r in records if None not in (r[task.primary], r["snr_db"])]
    if not records:
        raise SemcomError(f"--plot {path}: nothing to draw, no point has a figure and an SNR")
    free = {r[f"{task.primary}_error_free"] for r in records} - {None}
    levels = [("error-free", free.pop(), "black")] if len(free) == 1 else []
    groups, looks, panels = curves(records), {}, []
    for channel, group in groups.items():
        lines = []
        for label, points in group.items():
            i = len(looks)
            look = looks.setdefault(label, (i % len(COLOURS), i % len(DASHES)))
            snr = [r["snr_db"] for r in points]
            lines.append(Line(label, snr, [estimate([r], task.primary) for r in points], look))
        title = plain(f"{channel}: {set_of(points[0])}")
        panels.append(Axes(title, SNR_LABEL, task.label, lines, levels=levels))
    draw(path, panels)


def draw(path, panels: list, columns: int = 3) -> None:
    """Draw panels in rows, with one legend below, at the sizes of a printed paper: COLUMN inches
    wide for one panel, else PAGE, 2.3 inches a row, DPI dots an inch.

    path     file to write, which is replaced atomically; its suffix is the format
    panels   :class:`Axes`; those of a row with the same y label share its scale
    columns  most panels of a row
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    width = COLUMN if len(panels) == 1 else PAGE
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with plt.rc_context({"font.size": 8, "legend.fontsize": 7, "axes.titlesize": 8}):
        figure = plt.figure(layout="constrained")
        entries = _entries(panels)
        across = _legend_columns(entries, width)
        legend_height = 0.17 * -(-len(entries) // across) + 0.12
        heights = [2.3] * rows + [legend_height]
        figure.set_size_inches(width, sum(heights))
        grid = figure.add_gridspec(rows + 1, columns, height_ratios=heights)
        first = {}  # (row, quantity) -> first panel, whose scale the others share
        for i, panel in enumerate(panels):
            kind = (i // columns, panel.ylabel)
            place = grid[i // columns, i % columns]
            first.setdefault(kind, axes := figure.add_subplot(place, sharey=first.get(kind)))
            _draw_panel(axes, panel)
        below = figure.add_subplot(grid[rows, :])
        below.axis("off")
        below.legend(*_handles(figure), loc="center", ncols=across, frameon=False, borderpad=0)
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=DPI)
        plt.close(figure)


def _entries(panels: list) -> set:
    """Labels of the legend."""
    return {entry[0] for panel in panels for entry in (*panel.levels, *panel.others)} | {
        line.label for panel in panels for line in panel.lines
    }


def _legend_columns(entries: set, width: float) -> int:
    """Number of columns of the longest entry that fit ``width`` [inches] at 7 points."""
    return max(1, int(width / (0.55 + 0.052 * max(map(len, entries)))))


def _handles(figure) -> tuple:
    """Handles and labels of the legend, each label once."""
    named = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    return list(named.values()), list(named)


def _draw_panel(axes, panel: Axes) -> None:
    values = list(dict.fromkeys(x for line in panel.lines for x in line.x))
    at = {x: i if panel.scale == "even" else x for i, x in enumerate(values)}
    for line in panel.lines:
        _draw_line(axes, line, at)
    for label, height, colour in panel.levels:
        axes.axhline(height, color=colour, linestyle=(0, (7, 3)), linewidth=0.8, label=label)
    for (label, x, y), dash in zip(panel.others, (":", "-."), strict=False):
        axes.plot(x, y, color="0.55", linestyle=dash, linewidth=1.0, label=label)
    if panel.scale == "even":
        axes.set_xticks(list(at.values()), [_tick(x) for x in at])
    elif panel.scale == "log":
        _log_scale(axes)
    axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel, title=panel.title, yscale=panel.yscale)
    axes.grid(alpha=0.3, linewidth=0.5)


def _log_scale(axes) -> None:
    """A logarithmic x axis with plain numbers at 1, 2 and 5."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _tick(value) -> str:
    """A narrow label: words below each other, small numbers by their exponent."""
    if isinstance(value, str):
        return value.replace("_", "\n")
    return f"{value:.0e}".replace("e-0", "e-") if 0 < abs(value) < 0.01 else f"{value:g}"


def _draw_line(axes, line: Line, at: dict) -> None:
    """Draw a curve through the points with a known value, with its band."""
    known = [(at[x], y) for x, y in zip(line.x, line.y, strict=True) if y.mean is not None]
    if not known:
        return
    (x, y), (colour, dash) = zip(*known, strict=True), line.look
    fill = "white" if dash % 2 else COLOURS[colour]
    axes.plot(x, [each.mean for each in y], color=COLOURS[colour], linestyle=DASHES[dash],
              linewidth=1.1, marker=MARKERS[colour], markersize=3.8, markeredgewidth=0.8,
              markerfacecolor=fill, label=line.label)  # fmt: skip
    if all(each.low is not None for each in y):
        low, high = zip(*((each.low, each.high) for each in y), strict=True)
        if len(x) == 1:
            axes.vlines(x, low, high, color=COLOURS[colour], linewidth=0.8)
        axes.fill_between(x, low, high, color=COLOURS[colour], alpha=0.12, linewidth=0)
