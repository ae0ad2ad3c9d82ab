# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What a sweep leaves behind: the table on screen, the JSON file, the plot."""

import contextlib
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

from ..errors import SemcomError

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


@contextlib.contextmanager
def replacing(path):
    """Yield a temporary name beside ``path`` that becomes ``path`` if all goes well.

    A full disk or a kill leaves the old file, or none, and never half of a new one.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        os.close(handle)
    except OSError as cause:
        raise SemcomError(f"{path}: cannot be written ({cause.strerror})") from cause
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as cause:
        raise SemcomError(f"{path}: could not be written ({cause.strerror or cause})") from cause
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def write_json(path, records: list) -> None:
    """Write the document of ``records``; valid JSON at every moment."""
    with replacing(path) as temporary, open(temporary, "w") as file:
        json.dump(document(records), file, indent=1, allow_nan=False)
        file.write("\n")


def _shown(value, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


def table(records: list):
    """A rich table, a row per record."""
    from rich.table import Table

    out = Table(title=f"{records[0]['data']} ({records[0]['split']})" if records else None)
    for name in ("system", "variant", "channel", "CSI", "detector", "SNR [dB]", "accuracy",
                 "95 % interval", "error-free", "NMSE [dB]", "EVM [dB]", "clips/s"):  # fmt: skip
        out.add_column(name, justify="right" if name not in ("system", "variant") else "left")
    for r in records:
        low, high = r["accuracy_ci95"] or (None, None)
        out.add_row(
            r["system"], r["variant"], r["channel"], r["csi"], r["detector"],
            _shown(r["snr_db"], "g"), _shown(r["accuracy"]), f"{_shown(low)} - {_shown(high)}",
            _shown(r["accuracy_error_free"]), _shown(r["channel_nmse_db"], ".1f"),
            _shown(r["evm_db"], ".1f"), _shown(r["clips_per_s"], ".0f"),
        )  # fmt: skip
    return out


def curves(records: list) -> dict:
    """Records grouped by all but SNR, labelled with what differs between the groups."""
    keys = ("system", "variant", "channel", "csi", "detector")
    differing = [key for key in keys if len({r[key] for r in records}) > 1] or ["channel"]
    groups = {}
    for r in sorted(records, key=lambda r: r["snr_db"]):
        groups.setdefault(", ".join(str(r[key]) for key in differing), []).append(r)
    return groups


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
