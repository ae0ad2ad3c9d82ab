# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/bound.md: bounds of the bits that the channel can carry, over SNR.

studies bound
"""

import argparse
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.files import check_writable, make_folder
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.phy.bounds import Fading, adapted_bits, bits, capacity, fading_bits
from gnuradio.semcom.phy.cones import bracket
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.report.tables import Estimate

from . import pages
from .experiment import CHANNELS

FIGURE = "figures/bound.png"
ANTENNAS = 2  # of the receiver, as in every experiment
SNRS = np.arange(-10.0, 30.1, 2.5)  # [dB]
SHOWN = np.arange(-10.0, 30.1, 10.0)  # [dB], in tables
FADING = ("rayleigh", "rician")
LOOKS = {
    "AWGN": (0, 0),
    "fade known to the transmitter": (1, 1),
    "fade unknown": (2, 2),
    "fade unknown, zero forcing": (3, 3),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--uses", type=at_least(1), default=704, help="complex channel uses (default: %(default)s)")
    add("--error-rate", type=float, default=1e-3, help="block error rate (default: %(default)s)")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    check_writable(args.docs / "bound.md")
    make_folder((args.docs / FIGURE).parent)
    panels = [panel(channel, args.uses, args.error_rate) for channel in FADING]
    plots.draw(args.docs / FIGURE, panels, columns=2)
    pages.write(args.docs / "bound.md", page(args.uses, args.error_rate))


def curves(channel: str, uses: int, error_rate: float, snr_db: np.ndarray) -> dict:
    """Bits over SNR by a label of LOOKS, of one fading channel and of AWGN."""
    snr, one = 10 ** (snr_db / 10), Fading(channel, ANTENNAS)
    found = [
        bits(uses, snr, error_rate),
        adapted_bits(uses, snr, error_rate, one),
        fading_bits(uses, snr, error_rate, one),
    ]
    if channel == "rayleigh":
        found.append(fading_bits(uses, snr, error_rate, Fading(channel, ANTENNAS, nulled=1)))
    return dict(zip(LOOKS, found, strict=False))


def panel(channel: str, uses: int, error_rate: float) -> Axes:
    """Bits over SNR on a fading channel and on AWGN, for ``uses`` complex channel uses and a block
    error rate."""
    lines = [
        Line(label, SNRS.tolist(), [Estimate(float(y) or None) for y in found], LOOKS[label])
        for label, found in curves(channel, uses, error_rate, SNRS).items()
    ]
    known = ("capacity of AWGN", SNRS, uses * capacity(10 ** (SNRS / 10)))
    label = f"bits in {uses} channel uses"
    title = f"AWGN and {CHANNELS[channel]}"
    return Axes(title, plots.SNR_LABEL, label, lines, others=[known], yscale="log")


def page(uses: int, error_rate: float) -> str:
    """docs/bound.md."""
    return pages.page(
        "bound",
        command=pages.command("bound", f"--uses {uses} --error-rate {error_rate:g}"),
        uses=str(uses),
        error_rate=f"{error_rate:g}",
        antennas=str(ANTENNAS),
        rician_k=f"{Fading('rician').rician_k:g}",
        figure=FIGURE,
        bits=bits_table(uses, error_rate),
        bracket=bracket_table(uses, error_rate),
    )


def bits_table(uses: int, error_rate: float) -> list:
    """Table of the bits at the SNRs of SHOWN, a row for each bound of each channel."""
    rows = {}
    for channel in FADING:
        for label, found in curves(channel, uses, error_rate, SHOWN).items():
            name = label if label == "AWGN" else f"{CHANNELS[channel]}, {label}"
            rows[name] = [name, *(f"{y:.0f}" for y in found)]
    header = ["bits", *(f"{snr:g} dB" for snr in SHOWN)]
    return tables.markdown(header, list(rows.values()))


def bracket_table(uses: int, error_rate: float) -> list:
    """Table of the bits on AWGN at the SNRs of SHOWN: those that some code carries, those above
    which no code is, the approximation, and by how much it lies outside of both."""
    rows = []
    for snr_db in SHOWN:
        snr = 10 ** (snr_db / 10)
        low, high = bracket(uses, snr, error_rate)
        near = float(bits(uses, snr, error_rate))
        outside = near - np.clip(near, low, high)
        rows.append([f"{snr_db:g}", *(f"{x:.1f}" for x in (low, high, near, outside))])
    header = ["SNR [dB]", "some code carries", "no code carries more", "approximation", "distance"]
    return tables.markdown(header, rows)
