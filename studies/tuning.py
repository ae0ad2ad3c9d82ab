# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tune and train all systems of docs/results.md, each with the same budget.

First every system is trained once with each setting of one grid, seed 0, and the best setting on
the validation split is kept; then it is trained with that setting for the other seeds.  Checkpoints
of one seed are copied to the folder RUNS/<data>/seed<N>, under the names that models/ uses;
finished trainings are not repeated.  The results are written to docs/tuning.md.

    studies tuning --data DIR --seeds 3 --jobs 2       hours on a few cores
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.systems.registry import LOCALISERS
from gnuradio.semcom.weights.names import name_of

from . import pages
from .trainings import Training, Trainings, best, cells, validation

GRID = [
    {"dropout": 0.1, "exchange": 0.0, "average": 0.99, "weight_decay": 0.01},
    {"dropout": 0.1, "exchange": 0.3, "average": 0.998, "weight_decay": 0.05},
]
COMMON = "--epochs 8 --bfloat16 --snr-min -15 --snr-max 15"


@dataclass(frozen=True)
class Job:
    """One system to train.

    like  label of another job, whose setting is used without tuning
    init  label of another job, whose checkpoint of the same seed is the start
    one   only seed 0: a point of a curve, not of a comparison
    """

    label: str
    system: str
    variant: str
    options: str = ""
    like: str = ""
    init: str = ""
    one: bool = False


PLUS, PAPER = "pilot_ave_plus", "pilot_ave"
JOBS = [
    Job("paper error-free", PAPER, "error_free", "--batch 16"),
    Job("plus", PLUS, "full"),
    Job("plus error-free", PLUS, "error_free", "--batch 16"),
    Job("plus, video only", PLUS, "video_only"),
    Job("plus, audio only", PLUS, "audio_only"),
    Job("plus, no estimation", PLUS, "no_estimation", init="plus"),
    Job("plus, 16 symbols", PLUS, "full", "--symbols 16", like="plus"),
    Job("paper", PAPER, "full", "--batch 16", like="paper error-free", one=True),
    Job("AVEL", "avel", "sel", like="paper error-free", one=True),
    Job("PSP", "psp", "sel", like="paper error-free", one=True),
    *(
        Job(f"plus, {n} symbols", PLUS, "full", f"--symbols {n}", like="plus", one=True)
        for n in (4, 8, 32)
    ),
]


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="folder in the AVE layout")
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of the trainings")
    add("--seeds", type=at_least(1), default=3, help="trainings of each system")
    add("--jobs", type=at_least(1), default=2, help="trainings in parallel, one core each")


def run(args: argparse.Namespace) -> None:
    jobs = Jobs(args.data, args.runs, args.jobs)
    first = [job for job in JOBS if not job.init]
    then = [job for job in JOBS if job.init]
    scores = jobs.tune([job for job in first if not job.like])
    scores |= jobs.tune(then)
    jobs.repeat(first, range(args.seeds), scores)
    jobs.repeat(then, range(1, args.seeds), scores)
    pages.write(pages.DOCS / "tuning.md", page(scores, jobs.name))


class Jobs:
    """The trainings of the jobs on a data set, and a folder for each seed with the checkpoints.

    data     folder of the set
    runs     folder in which the set's trainings get one
    workers  number of parallel trainings
    """

    def __init__(self, data: Path, runs: Path, workers: int):
        self.name = data.resolve().name
        self.kept_in = runs / self.name
        self.trainings = Trainings(data, self.kept_in / "runs", workers)

    def tune(self, jobs: list[Job]) -> dict[str, list[float]]:
        """Train every job with every setting, keep the best as seed 0; returns validation
        accuracies by label."""
        settings, scores = range(len(GRID)), {}
        work = [(job, 0, setting) for job in jobs for setting in settings]
        paths = dict(zip(work, self._train("tuning", work), strict=True))
        for job in jobs:
            runs = [paths[job, 0, setting] for setting in settings]
            scores[job.label] = [validation(run) for run in runs]
            self._keep(runs[best(scores[job.label])], 0)
        return scores

    def repeat(self, jobs: list[Job], seeds: range, scores: dict[str, list[float]]) -> None:
        """Train the chosen setting for other seeds."""
        work = [
            (job, seed, best(scores[job.like or job.label]))
            for seed in seeds
            for job in jobs
            if not (job.one and seed)
        ]
        for (_, seed, _), path in zip(work, self._train("seeds", work), strict=True):
            self._keep(path, seed)

    def _train(self, title: str, work: list[tuple[Job, int, int]]) -> list[Path]:
        """Checkpoints of (job, seed, setting) triples."""
        return self.trainings.complete(title, [self.training(*item) for item in work])

    def training(self, job: Job, seed: int, setting: int) -> Training:
        """The training of a job with a seed and a setting of the grid."""
        label = job.label.replace(", ", "-").replace(" ", "_")
        words = [f"--system {job.system} {kind(job)} {job.options} {COMMON} --seed {seed}"]
        words += [f"--{name.replace('_', '-')}={value:g}" for name, value in GRID[setting].items()]
        if job.init:
            words += ["--init", str(self.kept(job.init, seed))]
        return Training(f"{label}-seed{seed}-setting{setting}", " ".join(words))

    def kept(self, label: str, seed: int) -> Path:
        """Path of the copied checkpoint of a job and a seed."""
        job = next(job for job in JOBS if job.label == label)
        return self.kept_in / f"seed{seed}" / name_of(job.system, job.variant, self.name)

    def _keep(self, run: Path, seed: int) -> None:
        """Copy a checkpoint and its card to the seed's folder."""
        folder = self.kept_in / f"seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (run, run.with_suffix(".md")):
            with replacing(folder / path.name) as temporary:
                shutil.copyfile(path, temporary)


def kind(job: Job) -> str:
    """The option for the variant of a system, or for the setting of a localiser."""
    return f"--{'setting' if job.system in LOCALISERS else 'variant'} {job.variant}"


def page(scores: dict[str, list[float]], data: str) -> str:
    """docs/tuning.md."""
    settings = [", ".join(f"{k} {v:g}" for k, v in setting.items()) for setting in GRID]
    rule = "|---" * (len(GRID) + 1) + "|"
    rows = [["system", *settings], *([label, *cells(each)] for label, each in scores.items())]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return pages.page(
        "tuning",
        data=data,
        common=COMMON,
        count=str(len(GRID)),
        scores=[lines[0], rule, *lines[1:]],
        untuned=[f"- {job.label}: as {job.like}" for job in JOBS if job.like],
    )
