# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tables, figures and the page of the results of :mod:`coding`."""

import math
from pathlib import Path

import numpy as np
from gnuradio.semcom.phy import names
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.report.tables import Estimate

from . import error_rates, pages
from .experiment import CHANNELS
from .synchronisation_page import group

AIM = 0.01  # share of blocks lost at which a mode counts as working
FLOOR = 1e-5  # error rates below it are not drawn
PICTURES = {"waterfalls": "coding-waterfalls.png", "uncoded": "coding-uncoded.png"}


def error_rate(found: dict) -> Estimate:
    """An error rate with its interval; unknown if nothing was lost."""
    return Estimate(found["rate"], *found["ci95"]) if found["hits"] else Estimate(None)


def approximation(rate: str, length: int, ebn0_db: np.ndarray) -> np.ndarray:
    """Normal approximation of the error rate of a code of ``rate`` (such as "3/4") over one of
    QPSK's two real dimensions."""
    over, under = map(int, rate.split("/"))
    snr_db = ebn0_db + 10 * math.log10(over / under)
    return error_rates.normal_approximation(over / under, length, snr_db)


def waterfall_panels(records: list) -> list:
    """A panel for each rate with a curve for each length, and the normal approximation of each."""
    panels = []
    for (rate,), points in group(records, "waterfalls", "rate").items():
        lines, bounds = [], []
        for i, ((length,), same) in enumerate(group(points, "waterfalls", "length").items()):
            x = [r["ebn0_db"] for r in same]
            lines.append(Line(f"n = {length}", x, [error_rate(r["lost"]) for r in same], (i, i)))
            fine = np.linspace(x[0] - 0.5, x[-1], 60)
            best = approximation(rate, length, fine)
            bounds.append((f"normal approximation, n = {length}", *drawn(fine, best)))
        panels.append(
            Axes(f"rate {rate}", "Eb/N0 [dB]", "block error rate", lines,
                 others=[bounds[0], bounds[-1]], yscale="log")
        )  # fmt: skip
    return panels


def drawn(x: np.ndarray, y: np.ndarray) -> tuple:
    """The part of a closed form above FLOOR."""
    seen = y >= FLOOR
    return x[seen].tolist(), y[seen].tolist()


def uncoded_panels(records: list) -> list:
    """A panel for each channel with a curve for each constellation, and its closed form."""
    panels = []
    for (channel,), points in group(records, "uncoded", "channel").items():
        lines, x, y = [], [], []
        for i, ((modulation,), same) in enumerate(group(points, "uncoded", "modulation").items()):
            snr = [r["snr_db"] for r in same]
            lines.append(Line(modulation, snr, [error_rate(r["wrong"]) for r in same], (i, i % 4)))
            fine = np.linspace(snr[0], snr[-1], 200)
            part = drawn(fine, error_rates.uncoded(modulation, fine, channel == "rayleigh"))
            x, y = [*x, *part[0], math.nan], [*y, *part[1], math.nan]  # NaN parts the curves
        panels.append(
            Axes(CHANNELS[channel], "Es/N0 [dB]", "bit error rate", lines,
                 others=[("closed form", x, y)], yscale="log")
        )  # fmt: skip
    return panels


def figures(records: list, folder: Path) -> None:
    """Draw the figures into ``folder``."""
    plots.draw(folder / PICTURES["waterfalls"], waterfall_panels(records), columns=2)
    plots.draw(folder / PICTURES["uncoded"], uncoded_panels(records))


def waterfall_table(records: list) -> list:
    """Eb/N0 at the block error rate AIM, of each code and by the normal approximation."""
    rows = []
    for (rate, length), points in group(records, "waterfalls", "rate", "length").items():
        fine = np.arange(-2.0, 8.0, 0.01)
        best = approximation(rate, length, fine)
        x = [r["ebn0_db"] for r in points]
        found = crossing(x, [r["lost"]["rate"] for r in points])
        bound = crossing(fine, best)
        above = "-" if found is None else f"{found - bound:.2f}"
        rows.append([f"{rate}, n = {length}", _db(found), _db(bound), above])
    header = ["code", f"Eb/N0 at {AIM:g} [dB]", "normal approximation [dB]", "over it [dB]"]
    return tables.markdown(header, rows)


def _db(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def crossing(x, rates) -> float | None:
    """SNR at which a falling error rate reaches AIM, by linear interpolation of its logarithm; None
    if it does not."""
    for (low, high), (one, other) in zip(
        zip(x, x[1:], strict=False), zip(rates, rates[1:], strict=False), strict=True
    ):
        if one > AIM >= other:
            other = max(other, AIM / 100)
            return low + (high - low) * math.log(one / AIM) / math.log(one / other)
    return None


def uncoded_table(records: list) -> list:
    """Number of points of each curve at which the closed form lies within the measured interval."""
    rows = []
    for (channel, modulation), points in group(records, "uncoded", "channel", "modulation").items():
        snr = np.array([r["snr_db"] for r in points])
        expected = error_rates.uncoded(modulation, snr, channel == "rayleigh")
        inside = [
            r["wrong"]["ci95"][0] <= rate <= r["wrong"]["ci95"][1]
            for r, rate in zip(points, expected, strict=True)
        ]
        rows.append([f"{modulation}, {CHANNELS[channel]}", f"{sum(inside)} of {len(inside)}"])
    return tables.markdown(["constellation", "closed form within the 95 % range"], rows)


def modes_table(records: list) -> list:
    """Constellations and rates by bits per symbol, with the SNR that they need."""
    found = group(records, "modes", "modulation", "rate")
    rows = []
    for (modulation, rate), points in sorted(
        found.items(), key=lambda item: (item[1][0]["efficiency"], item[1][0]["needed_db"])
    ):
        needed = {r["method"]: r["needed_db"] for r in points}
        efficiency = points[0]["efficiency"]
        capacity = 10 * math.log10(2**efficiency - 1)
        rows.append([
            f"{modulation} {rate}", f"{efficiency:.3g}",
            *(f"{needed[method]:.2f}" for method in names.DEMAPPERS), f"{capacity:.2f}",
        ])  # fmt: skip
    header = ["mode", "bits a symbol", *(f"{m} [dB]" for m in names.DEMAPPERS), "capacity [dB]"]
    return tables.markdown(header, rows)


def page(records: list, command: str) -> str:
    """docs/coding.md."""
    return pages.page(
        "coding",
        command=command,
        aim=f"{AIM:g}",
        waterfalls=f"figures/{PICTURES['waterfalls']}",
        waterfall_table=waterfall_table(records),
        uncoded=f"figures/{PICTURES['uncoded']}",
        uncoded_table=uncoded_table(records),
        modes_table=modes_table(records),
    )
