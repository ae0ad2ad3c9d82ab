# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What a sweep leaves behind: the table on screen, the JSON file, the plot."""

import hashlib
import json
import platform
import sys
from pathlib import Path

import numpy as np

from ..errors import SemcomError
from ..files import replacing

SCHEMA = 1
# Okabe and Ito's palette: told apart with every common colour vision deficiency
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"


def document(records: list) -> dict:
    """The JSON document of a sweep: schema, command, versions, records."""
    return {
        "schema": SCHEMA,
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": versions(),
        "records": records,
    }


def versions() -> dict:
    """Versions of what the figures depend on."""
    import torch
    from gnuradio import gr

    from .. import __version__

    return {
        "semcom": __version__,
        "gnuradio": gr.version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def sha256(path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_json(path, records: list) -> None:
    """Write the document of ``records``; valid JSON at every moment."""
    with replacing(path) as temporary, open(temporary, "w") as file:
        json.dump(document(records), file, indent=1, allow_nan=False)
        file.write("\n")


SETTINGS = ("system", "variant", "channel", "csi", "detector")
FIGURES = {  # column: (key of the record, format)
    "SNR [dB]": ("snr_db", "g"),
    "accuracy": ("accuracy", ".3f"),
    "95 % range": ("accuracy_ci95", ".3f"),
    "error-free": ("accuracy_error_free", ".3f"),
    "NMSE [dB]": ("channel_nmse_db", ".1f"),
    "EVM [dB]": ("evm_db", ".1f"),
}


def _shown(value, form: str) -> str:
    if isinstance(value, tuple | list):
        return "-".join(_shown(part, form) for part in value)
    return "-" if value is None else format(value, form)


def table(records: list):
    """A rich table, a row per record; settings that are the same in all rows stand in the title."""
    from rich import box
    from rich.markup import escape  # "[dB]" is no markup
    from rich.table import Table

    varying = [key for key in SETTINGS if len({r[key] for r in records}) > 1]
    first = records[0]
    constant = [str(first[key]) for key in SETTINGS if key not in varying]
    title = f"{first['data']} ({first['split']}): {', '.join(constant)}"
    out = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in (*varying, *FIGURES):
        out.add_column(escape(name), no_wrap=True, justify="left" if name in SETTINGS else "right")
    for r in records:
        figures = [_shown(r[key], form) for key, form in FIGURES.values()]
        out.add_row(*[str(r[key]) for key in varying], *figures)
    return out


def curves(records: list) -> dict:
    """Records grouped by all but SNR, labelled with what differs between the groups."""
    differing = [key for key in SETTINGS if len({r[key] for r in records}) > 1] or ["channel"]
    groups = {}
    for r in sorted(records, key=lambda r: r["snr_db"]):
        groups.setdefault(", ".join(str(r[key]) for key in differing), []).append(r)
    return groups


def check_plot(path) -> None:
    """Refuse a plot's name whose format nothing writes, before hours are spent on its content."""
    from matplotlib.backend_bases import FigureCanvasBase

    kinds = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in kinds:
        raise SemcomError(f"--plot {path}: its name must end in .png, .pdf or .svg")


def plot(path, records: list) -> None:
    """Accuracy over SNR with 95 % bands, a curve per setting, the error-free rate as a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    records = [r for r in records if r["accuracy"] is not None]
    for i, (label, group) in enumerate(curves(records).items()):
        snr = [r["snr_db"] for r in group]
        colour = COLOURS[i % len(COLOURS)]
        axes.plot(snr, [r["accuracy"] for r in group], color=colour, label=label,
                  marker=MARKERS[i % len(MARKERS)], markersize=5)  # fmt: skip
        low, high = zip(*(r["accuracy_ci95"] for r in group), strict=True)
        axes.fill_between(snr, low, high, color=colour, alpha=0.15, linewidth=0)
    free = {r["accuracy_error_free"] for r in records} - {None}
    if len(free) == 1:
        axes.axhline(free.pop(), color="black", linestyle="--", linewidth=1, label="error-free")
    axes.set(xlabel="SNR per stream [dB]", ylabel="segment accuracy")
    axes.set_title(f"{records[0]['data']}, {records[0]['split']} split", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=200)
    plt.close(figure)
