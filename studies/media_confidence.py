# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Calibration of the confidence of systems on media: expected calibration error and reliability
diagrams on the test splits of composed sets."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from gnuradio.semcom.base.palette import COLOURS
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data.tensors import read
from gnuradio.semcom.nets.calibration import Calibration
from gnuradio.semcom.report import tables
from gnuradio.semcom.systems.loading import load_any
from gnuradio.semcom.tasks.scores import calibration_error, least_calibration_error, reliability
from gnuradio.semcom.training.calibrate import answers

SNRS_DB = (-10.0, 0.0, 10.0)
LINK = TorchLink("rayleigh", "ls", "lmmse", seed=1)


def told_by(path: Path, clips) -> dict:
    """(confidence, correct), both [clips, seconds], by (SNR, calibrated)."""
    net, found = load_any(path), {}
    features, own = read(clips, terminals=net.terminals), net.calibration
    for snr in SNRS_DB:
        said = answers(net, features, LINK, snr)
        for calibrated in (False, True):
            calibration = own if calibrated else Calibration()
            sure, event = calibration(said.logits, said.noise).max(-1)
            found[snr, calibrated] = sure.numpy(), (event == said.labels).numpy()
    return found


def confidence_table(paths: dict[str, Path], sets: list, told: Callable = told_by):
    """A table of calibration errors before and after calibration, and the answers of each system
    and set: (rows, {(system, set): result of told_by})."""
    rows, every = [], {}
    for system, path in paths.items():
        for clips in sets:
            found = every[system, clips.name] = told(path, clips)
            for snr in SNRS_DB:
                (before, after) = (calibration_error(*found[snr, c]) for c in (False, True))
                sure, right = found[snr, True]
                least = (least_calibration_error(sure, together) for together in (False, True))
                rows.append([clips.name, system, f"{snr:g} dB", f"{right.mean():.3f}",
                             f"{sure.mean():.3f}", f"{before:.3f}", f"{after:.3f}",
                             "-".join(f"{each:.3f}" for each in least)])  # fmt: skip
    header = ["set", "system", "SNR", "accuracy", "mean confidence",
              "calibration error, before", "after", "least"]  # fmt: skip
    return tables.markdown(header, rows), every


def diagram(path: Path, every: dict, system: str) -> None:
    """Draw accuracy over confidence, before and after calibration, of one system on all sets."""
    figure, axes = plt.subplots(1, len(SNRS_DB), figsize=(10, 3.6), sharey=True)
    for axis, snr in zip(axes, SNRS_DB, strict=True):
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for calibrated, colour, mark in ((False, COLOURS[1], "s--"), (True, COLOURS[0], "o-")):
            pairs = [each[snr, calibrated] for (name, _), each in every.items() if name == system]
            sure, right = (np.concatenate(part) for part in zip(*pairs, strict=True))
            rows = reliability(sure, right, 10)
            error = calibration_error(sure, right)
            label = f"{'calibrated' if calibrated else 'as trained'}, error {error:.3f}"
            axis.plot(rows[:, 0], rows[:, 1], mark, color=colour, markersize=4, label=label)
        axis.set_title(f"{snr:g} dB")
        axis.set_xlabel("confidence")
        axis.legend(loc="upper left", fontsize="small", frameon=False)
    axes[0].set_ylabel("share of seconds right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
