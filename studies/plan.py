# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Many trainings with ``apps/train.py``, several at a time, none of them twice."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from rich.progress import MofNCompleteColumn, Progress


@dataclass(frozen=True)
class Run:
    """One training: a label that names its folder, and the options of ``apps/train.py``."""

    label: str
    options: str


class Plan:
    """Trainings on one data set, each in a folder of its own below ``folder``, sharing the cores.

    program  path of ``apps/train.py``;  workers  trainings at a time
    """

    def __init__(self, program: Path, data: Path, folder: Path, workers: int):
        self.program, self.data, self.folder, self.workers = program, data, folder, workers

    def train(self, title: str, runs: list[Run]) -> list[Path]:
        """Checkpoints of the runs, in their order; those on disk are taken as they are."""
        with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as bar:
            task = bar.add_task(title, total=len(runs))
            paths = []
            with ThreadPoolExecutor(self.workers) as pool:
                for path in pool.map(self._checkpoint, runs):
                    paths.append(path)
                    bar.advance(task)
        return paths

    def _checkpoint(self, run: Run) -> Path:
        out = self.folder / run.label
        if not list(out.glob("*.safetensors")):
            self._train(run, out)
        return next(out.glob("*.safetensors"))

    def _train(self, run: Run, out: Path) -> None:
        words = [*run.options.split(), "--data", str(self.data), "--out", str(out)]
        threads = max((os.cpu_count() or 1) // self.workers, 1)
        out.mkdir(parents=True, exist_ok=True)
        with open(out / "log.txt", "w") as log:
            done = subprocess.run(
                [sys.executable, self.program, *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )
        if done.returncode:
            last = (out / "log.txt").read_text().splitlines()[-1]
            raise SemcomError(f"{run.label}: {last} (see {out / 'log.txt'})")
