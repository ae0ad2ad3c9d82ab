# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trainings as units of work: ``apps/train.py`` with options; the results are its checkpoints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.programs import stop_asked
from gnuradio.semcom.weights.store import read_header

from .pages import ROOT
from .work import Unit, complete

PROGRAM = ROOT / "apps" / "train.py"


@dataclass(frozen=True)
class Training:
    """One training.

    label    name of its folder
    options  options of ``apps/train.py``
    """

    label: str
    options: str


class Trainings:
    """Store of the trainings on one data set, each in its own folder below ``folder``.

    data     folder of the set
    folder   folder of the trainings
    workers  number of parallel trainings, which share the cores
    """

    def __init__(self, data: Path, folder: Path, workers: int = 1):
        self.data, self.folder, self.workers = data, folder, workers

    def __contains__(self, training: Training) -> bool:
        return self.get(training) is not None

    def __getitem__(self, training: Training) -> Path:
        return next((self.folder / training.label).glob("*.safetensors"))

    def get(self, training: Training) -> Path | None:
        """Checkpoint of a training; None if it is not finished."""
        return next((self.folder / training.label).glob("*.safetensors"), None)

    def add(self, training: Training, path: Path) -> None:
        """Do nothing: ``apps/train.py`` has written the checkpoint to its place."""

    def complete(self, title: str, trainings: Iterable[Training]) -> list[Path]:
        """Checkpoints of the trainings, in their order; trainings with a checkpoint are not
        repeated."""
        units = [Unit(t, t.label, lambda advance, t=t: self._train(t)) for t in trainings]
        return complete(title, units, self, self.workers)

    def _train(self, training: Training) -> Path:
        out = self.folder / training.label
        words = [*training.options.split(), "--data", str(self.data), "--out", str(out)]
        threads = max((os.cpu_count() or 1) // self.workers, 1)
        out.mkdir(parents=True, exist_ok=True)
        with open(out / "log.txt", "w") as log:
            status = until_stopped(
                [sys.executable, PROGRAM, *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
        if status:
            last = (out / "log.txt").read_text().splitlines()[-1:] or ["nothing said"]
            raise SemcomError(f"{training.label}: {last[0]} (see {out / 'log.txt'})")
        if training not in self:
            raise SemcomError(f"{training.label}: wrote no checkpoint; see {out / 'log.txt'}")
        return self[training]


def until_stopped(command: list, **more) -> int:
    """Run a command, and end it when this program is asked to end; returns its exit status."""
    with subprocess.Popen(command, **more) as process:
        try:
            while process.poll() is None and not stop_asked.wait(0.2):
                pass
        finally:
            if process.poll() is None:
                process.terminate()
    return process.returncode


def validation(checkpoint: Path) -> float:
    """Validation accuracy in a checkpoint's header."""
    return read_header(checkpoint)["metrics"]["validation"]


def best(values: list[float]) -> int:
    """Index of the first highest value."""
    return values.index(max(values))


def cells(values: list[float]) -> list[str]:
    """Cells with the validation accuracy of each choice, the best one bold."""
    shown = [f"{value:.3f}" for value in values]
    shown[best(values)] = f"**{shown[best(values)]}**"
    return shown
