# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tune and train everything that docs/results.md shows, each with the same budget.

First every system is trained once with each setting of one grid, seed 0, and the setting that does
best on the validation split is kept; then it is trained with that setting for the other seeds.
Checkpoints of one seed come to lie in one folder, RUNS/<data>/seed<N>, under the names that models/
uses; what is finished is not trained again.  docs/tuning.md is written from what was found.

    tools/train_all.py --data DIR --seeds 3 --jobs 2       hours on a few cores
"""

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.base.errors import exit_status
from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.systems.registry import LOCALISERS
from gnuradio.semcom.weights import store as checkpoint

from studies.plan import Plan, Run

ROOT = Path(__file__).resolve().parents[1]
GRID = [
    {"dropout": 0.1, "exchange": 0.0, "average": 0.99, "weight_decay": 0.01},
    {"dropout": 0.1, "exchange": 0.3, "average": 0.998, "weight_decay": 0.05},
]
COMMON = "--epochs 8 --bfloat16 --snr-min -15 --snr-max 15"


@dataclass(frozen=True)
class Job:
    """One system to train.

    like  another job's label, whose setting is taken over without tuning
    init  another job's label, whose checkpoint of the same seed is started from
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


class Study(Plan):
    """Trainings of jobs, and a folder for each seed with what is kept."""

    def __init__(self, data: Path, runs: Path, workers: int):
        self.name = data.resolve().name
        self.kept_in = runs / self.name
        super().__init__(ROOT / "apps" / "train.py", data, self.kept_in / "runs", workers)

    def run(self, title: str, work: list[tuple[Job, int, int]]) -> list[Path]:
        """Checkpoints of (job, seed, setting) triples."""
        return self.train(title, [self._run(*item) for item in work])

    def _run(self, job: Job, seed: int, setting: int) -> Run:
        label = job.label.replace(", ", "-").replace(" ", "_")
        words = [f"--system {job.system} {kind(job)} {job.options} {COMMON} --seed {seed}"]
        words += [f"--{name.replace('_', '-')}={value:g}" for name, value in GRID[setting].items()]
        if job.init:
            words += ["--init", str(self.kept(job.init, seed))]
        return Run(f"{label}-seed{seed}-setting{setting}", " ".join(words))

    def kept(self, label: str, seed: int) -> Path:
        """Where the checkpoint of a job, and a seed, lies for others to use."""
        job = next(job for job in JOBS if job.label == label)
        return self.kept_in / f"seed{seed}" / f"{job.system}-{job.variant}-{self.name}.safetensors"

    def keep(self, run: Path, seed: int) -> None:
        """Copy a checkpoint and its card to the seed's folder."""
        folder = self.kept_in / f"seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (run, run.with_suffix(".md")):
            with replacing(folder / path.name) as temporary:
                shutil.copyfile(path, temporary)


def kind(job: Job) -> str:
    """The option that says what is trained of a system, or of a localiser."""
    return f"--{'setting' if job.system in LOCALISERS else 'variant'} {job.variant}"


def tune(plan: Study, jobs: list[Job]) -> dict[str, list[float]]:
    """Every setting for every job, the best kept as seed 0 -> validation accuracies by label."""
    work = [(job, 0, setting) for job in jobs for setting in range(len(GRID))]
    paths = dict(zip(work, plan.run("tuning", work), strict=True))
    scores = {}
    for job in jobs:
        runs = [paths[job, 0, setting] for setting in range(len(GRID))]
        scores[job.label] = [checkpoint.read_header(run)["metrics"]["validation"] for run in runs]
        plan.keep(runs[best(scores[job.label])], 0)
    return scores


def best(scores: list[float]) -> int:
    """The first setting of the highest score."""
    return scores.index(max(scores))


def repeat(plan: Study, jobs: list[Job], seeds: range, scores: dict[str, list[float]]) -> None:
    """The chosen setting for other seeds."""
    work = [
        (job, seed, best(scores[job.like or job.label]))
        for seed in seeds
        for job in jobs
        if not (job.one and seed)
    ]
    for (_, seed, _), path in zip(work, plan.run("seeds", work), strict=True):
        plan.keep(path, seed)


def page(scores: dict[str, list[float]], data: str) -> str:
    """docs/tuning.md."""
    settings = [", ".join(f"{k} {v:g}" for k, v in setting.items()) for setting in GRID]
    lines = [
        f"# Tuning on {data}",
        "",
        "Made by `make models DATA=<folder>` (tools/train_all.py). Every system got the same",
        f"budget: one training (seed 0, `{COMMON}`)",
        f"with each of {len(GRID)} settings, the one that does best on the *validation* split kept",
        "for the other seeds. Figures are validation accuracies: error-free for error-free ones,",
        "else the mean over AWGN, Rayleigh and Rician at -10 to 20 dB.",
        "",
        "What was tried before and beside: [tuning-notes.md](tuning-notes.md).",
        "",
        "| system | " + " | ".join(settings) + " |",
        "|---" * (len(GRID) + 1) + "|",
    ]
    for label, values in scores.items():
        cells = [f"{value:.3f}" for value in values]
        cells[best(values)] = f"**{cells[best(values)]}**"
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines += ["", "Not tuned, but trained with the setting of another:", ""]
    lines += [f"- {job.label}: as {job.like}" for job in JOBS if job.like]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder in the AVE layout")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where to keep everything")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each system")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a core each")
    args = parser.parse_args()
    plan = Study(args.data, args.runs, args.jobs)
    scores = {}
    for jobs in (
        [job for job in JOBS if not (job.like or job.init)],
        [job for job in JOBS if job.init],
    ):
        scores |= tune(plan, jobs)
    repeat(plan, [job for job in JOBS if not job.init], range(args.seeds), scores)
    repeat(plan, [job for job in JOBS if job.init], range(1, args.seeds), scores)
    with replacing(ROOT / "docs" / "tuning.md") as temporary:
        Path(temporary).write_text(page(scores, plan.name))


if __name__ == "__main__":
    sys.exit(exit_status("train_all.py", main, "the same command goes on"))
