# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Definition of an experiment: a figure of panels, a panel of curves, a curve of points of the
link; and the published figures of Yu et al. (arXiv:2412.06208) for comparison.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.base.options import check_given
from gnuradio.semcom.report.plots import SNR_LABEL
from gnuradio.semcom.run.scenario import Scenario

CHANNELS = {"awgn": "AWGN", "rayleigh": "Rayleigh", "rician": "Rician, K = 4"}
AXES = {  # field of a Scenario: (label, scale)
    "snr": (SNR_LABEL, "linear"),
    "sidelink_snr": ("SNR of the sidelink [dB]", "linear"),
    "pilots": ("pilot rows", "even"),
    "pilot_length": ("symbols of a pilot row", "even"),
    "pilot_boost": ("pilot boost [dB]", "even"),
    "doppler": ("Doppler [cycles per symbol]", "even"),
    "symbols": ("symbols per segment and terminal", "even"),
}
USES_LABEL = "channel uses per clip"
QUANTITIES = {  # key of a record: (label, format)
    "accuracy": ("segment accuracy", ".3f"),
    "channel_nmse_db": ("channel NMSE [dB]", ".1f"),
}


@dataclass(frozen=True)
class Curve:
    """Points that differ in one option; ``look`` is (colour, dash) of ``report``."""

    label: str
    options: dict
    look: tuple
    values: tuple = ()  # on the panel's axis; (): the panel's
    seeds: int | None = None  # number of training seeds; None: that of the experiment

    def full(self) -> bool:
        """Whether both terminals send and the receiver estimates the channel."""
        return self.options.get("variant", "full") == "full"


@dataclass(frozen=True)
class Panel:
    """Curves over the Scenario field ``axis``, or over channel uses."""

    title: str
    axis: str
    values: tuple
    curves: tuple
    quantity: str = "accuracy"
    over_uses: bool = False
    error_free: bool = False  # draw the error-free accuracy of the curves' systems
    channel: str = ""  # of the published figures to draw
    published: tuple = ()  # their names

    def points(self, curve: Curve) -> list:
        """The points of a curve, as Scenarios without data set, seed and checkpoint."""
        points = [
            Scenario(**{**curve.options, self.axis: value}) for value in curve.values or self.values
        ]
        for point in points:
            check_given(point, (*curve.options, self.axis))
        return points


@dataclass(frozen=True)
class Experiment:
    """A figure with its tables; ``help`` describes it in a line, ``note`` explains how to read
    it."""

    name: str
    title: str
    help: str
    note: str
    panels: tuple
    columns: int = 3
    tables: str = "panels"  # which of ``experiment_tables.TABLES`` it shows
    seeds: int | None = None  # number of training seeds; None: all

    def points(self, number: int = 0) -> list:
        """All points that are run with the ``number``-th training seed, without duplicates."""
        if self.seeds is not None and number >= self.seeds:
            return []
        every = (
            point
            for panel in self.panels
            for curve in panel.curves
            if curve.seeds is None or number < curve.seeds
            for point in panel.points(curve)
        )
        return list(dict.fromkeys(every))


@functools.cache
def published() -> dict:
    """Table I of the paper with the accuracy of its full system calculated: channel -> list."""
    table = json.loads(Path(__file__).with_name("published_yu2024.json").read_text())
    table["accuracy"] = {
        channel: [a / (1 - loss / 100) for a, loss in zip(accuracies, losses, strict=True)]
        for channel, accuracies, losses in (
            (c, table["no_estimation"][c], table["loss_percent"][c]) for c in CHANNELS
        )
    }
    return table


def published_at(name: str, channel: str, snr: float):
    """One published figure, or None where the paper has none."""
    table = published()
    return dict(zip(table["snr_db"], table[name][channel], strict=True)).get(snr)
