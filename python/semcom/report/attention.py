# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Attention and decisions of systems side by side, as Fig. 7 of Yu et al. (arXiv:2412.06208)."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..base.files import replacing
from ..base.palette import COLOURS
from ..base.screen import plain
from ..evaluation.attention import Watched

SEGMENT, MARGIN = 0.66, 0.95  # width of a segment, room for the systems' names [inch]
BOX, SPACE, HEAD, FOOT = 0.30, 0.09, 0.34, 0.62  # heights [inch]
BLUE, ORANGE, GREEN = COLOURS[:3]
SKY = COLOURS[5]
MAP = "magma"


@dataclass(frozen=True)
class Panel:
    """One clip of the figure.

    truth     [T] class indices
    rows      a :class:`Watched` of this clip for each system
    pictures  [T, H, W, 3] uint8 under the attention, or None
    sources   [T, h, w] bool, cells that are framed, or None
    """

    title: str
    truth: np.ndarray
    rows: list
    pictures: np.ndarray | None = None
    sources: np.ndarray | None = None

    def height(self) -> float:
        """Room on the page [inch]."""
        return HEAD + BOX + SPACE + len(self.rows) * (SEGMENT + BOX + SPACE)


def panel_of(clips, number: int, watched: list, at: int, **extra) -> Panel:
    """The panel of clip ``number`` of a set, which has the index ``at`` in ``watched``."""
    rows = [w.clip(at) for w in watched]
    truth = clips.labels(number)
    events = [clips.classes[c] for c in np.unique(truth) if c != len(clips.classes) - 1]
    title = plain(f"{clips.ids[number]}: {', '.join(events)}")
    return Panel(title, truth, rows, **extra)


class Page:
    """A figure with axes that are added from top to bottom."""

    def __init__(self, segments: int, height: float):
        self.width, self.height = MARGIN + segments * SEGMENT + 0.1, height
        self.figure = Figure(figsize=(self.width, height))
        self.left = height

    def skip(self, height: float) -> None:
        """Leave ``height`` [inch] free."""
        self.left -= height

    def axes(self, segments: int, height: float, label: str = ""):
        """Axes of ``height`` [inch]; x in segments, y downwards in widths of a segment."""
        self.skip(height)
        axes = self.figure.add_axes(
            (MARGIN / self.width, self.left / self.height, segments * SEGMENT / self.width,
             height / self.height), xlim=(0, segments), ylim=(height / SEGMENT, 0),
        )  # fmt: skip
        axes.axis("off")
        words = "\n".join(textwrap.wrap(plain(label), 15))
        axes.text(-0.1, min(height / SEGMENT, 1) / 2, words, ha="right", va="center", fontsize=7)
        self.skip(SPACE)
        return axes


def draw(panels: list, classes) -> Figure:
    """The figure of some clips: truth, and for each system the attention of each segment and the
    decisions; with one square-root colour scale, in which flat attention is visible."""
    top = max(float(row.attention.max()) for panel in panels for row in panel.rows)
    scale = ScalarMappable(PowerNorm(0.5, 0, top), MAP)
    segments = max(len(panel.truth) for panel in panels)
    page = Page(segments, sum(panel.height() for panel in panels) + FOOT)
    for panel in panels:
        _draw_panel(page, panel, classes, scale)
    _draw_key(page, scale, any(panel.sources is not None for panel in panels))
    return page.figure


def save(path, panels: list, classes) -> None:
    """Write :func:`draw` to ``path`` (.png, .pdf, .svg)."""
    figure = draw(panels, classes)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=250)


def _draw_panel(page: Page, panel: Panel, classes, scale) -> None:
    page.skip(HEAD)
    axes = page.axes(len(panel.truth), BOX, "truth")
    axes.text(0.02, -0.12, panel.title, fontsize=8, fontweight="bold")
    for t, event in enumerate(panel.truth):
        is_event = event != len(classes) - 1
        style = dict(facecolor=BLUE, edgecolor=BLUE) if is_event else dict(facecolor="white")
        _box(axes, t, 0, short(classes[event]), "white" if is_event else "black", style)
    for row in panel.rows:
        axes = page.axes(len(panel.truth), SEGMENT + BOX, row.label)
        for t in range(len(panel.truth)):
            _draw_map(axes, panel, row.attention[t], t, scale)
        _draw_decisions(axes, panel.truth, row, classes)


def _draw_map(axes, panel: Panel, attention: np.ndarray, t: int, scale) -> None:
    extent = (t + 0.03, t + 0.97, 0.97, 0.03)
    alpha = 1.0
    if panel.pictures is not None:  # the picture stays visible without attention
        axes.imshow(panel.pictures[t], extent=extent, aspect="auto")
        alpha = 0.15 + 0.65 * np.asarray(scale.norm(attention))
    axes.imshow(attention, cmap=scale.cmap, norm=scale.norm, extent=extent, alpha=alpha,
                aspect="auto", interpolation="nearest")  # fmt: skip
    if panel.sources is not None:
        _frame_cells(axes, panel.sources[t], extent)
    axes.set(xlim=(0, len(panel.truth)), ylim=((SEGMENT + BOX) / SEGMENT, 0))


def _frame_cells(axes, cells: np.ndarray, extent) -> None:
    """A frame around the rectangle that holds all ``cells`` [h, w] that are true."""
    if not cells.any():
        return
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    left, right, bottom, top = extent
    height, width = (bottom - top) / cells.shape[0], (right - left) / cells.shape[1]
    corner = left + columns[0] * width, top + rows[0] * height
    size = np.ptp(columns) + 1, np.ptp(rows) + 1
    axes.add_patch(
        Rectangle(corner, size[0] * width, size[1] * height, fill=False, edgecolor=SKY, lw=1.2)
    )


RIGHT = dict(facecolor="#D3EEE5", edgecolor=GREEN)
WRONG = dict(facecolor="white", edgecolor=ORANGE, hatch="//////", linestyle="--")


def _draw_decisions(axes, truth: np.ndarray, row: Watched, classes) -> None:
    for t, decided in enumerate(row.decided):
        right = decided == truth[t]
        words = f"{short(classes[decided])}\n{row.confidence[t]:.2f}"
        _box(axes, t, 1.0, words if right else f"× {words}", "black", RIGHT if right else WRONG)


def _box(axes, t: int, y: float, words: str, colour: str, style: dict) -> None:
    height = BOX / SEGMENT
    style = dict(edgecolor="0.6", linewidth=0.8) | style
    axes.add_patch(Rectangle((t + 0.03, y + 0.01), 0.94, height - 0.03, **style))
    backing = dict(facecolor="white", edgecolor="none", pad=0.6) if "hatch" in style else None
    axes.text(t + 0.5, y + height / 2, words, ha="center", va="center", color=colour,
              fontsize=5, linespacing=1.0, bbox=backing)  # fmt: skip


def short(name: str) -> str:
    """A class name without the part after its comma, in at most two lines."""
    return plain("\n".join(textwrap.wrap(re.split(r",| \(", name)[0], 12)[:2]))


def _draw_key(page: Page, scale, framed: bool) -> None:
    """Legend and colour scale at the foot of the page."""
    handles = [Patch(label="right", **RIGHT), Patch(label="wrong (×)", **WRONG)]
    if framed:
        handles.append(Patch(label="source", facecolor="none", edgecolor=SKY, lw=1.2))
    page.figure.legend(
        handles=handles, loc="center left",
        bbox_to_anchor=(MARGIN / page.width, 0.41 / page.height), borderaxespad=0,
        ncols=len(handles), fontsize=7, frameon=False,
    )  # fmt: skip
    place = (0.58, 0.36 / page.height, 0.4, 0.1 / page.height)
    bar = page.figure.colorbar(scale, cax=page.figure.add_axes(place), orientation="horizontal")
    bar.set_label("attention of a cell (sums to 1 in a segment)", fontsize=6.5, labelpad=1)
    ticks = [scale.norm.vmax * part**2 for part in (0, 0.25, 0.5, 0.75, 1)]  # evenly on a root
    bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
    bar.ax.tick_params(labelsize=6, length=2, pad=1)
