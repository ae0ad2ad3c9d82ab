# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tune and train every localiser in every setting, each with the same budget, over seeds.

tools/train_localisers.py --data DIR --seeds 5 --jobs 2       hours on a few cores
"""

import argparse
import sys
from pathlib import Path

from gnuradio.semcom.errors import exit_status
from gnuradio.semcom.nets import checkpoint
from gnuradio.semcom.nets.registry import LOCALISERS
from gnuradio.semcom.training.plan import Plan, Run

ROOT = Path(__file__).resolve().parents[1]
COMMON = "--epochs 8 --bfloat16"
GRID = (
    "--batch 64 --dropout 0.1 --average 0.99 --weight-decay 0.01",
    "--batch 32 --dropout 0.3 --average 0.998 --weight-decay 0.05",
    "--batch 16 --learning-rate 2e-3 --dropout 0.3 --average 0.995 --weight-decay 0.05",
)
SETTINGS = ("sel", "wsel")


def run_of(system: str, setting: str, seed: int, choice: int) -> Run:
    """The training of a system in a setting, with one choice of the grid."""
    words = f"--system {system} --setting {setting} --seed {seed} {COMMON} {GRID[choice]}"
    return Run(f"{system}-{setting}-seed{seed}-choice{choice}", words)


def tune(plan: Plan, pairs: list) -> dict:
    """(system, setting) -> validation accuracy with each choice of the grid, seed 0."""
    runs = [(pair, run_of(*pair, 0, choice)) for pair in pairs for choice in range(len(GRID))]
    paths = plan.train("tuning", [run for _, run in runs])
    scores: dict = {}
    for (pair, _), path in zip(runs, paths, strict=True):
        accuracy = checkpoint.read_header(path)["metrics"]["validation"]
        scores.setdefault(pair, []).append(accuracy)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder in the AVE layout")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where to keep everything")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each system")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a core each")
    parser.add_argument("--systems", nargs="+", default=list(LOCALISERS))
    args = parser.parse_args()
    folder = args.runs / args.data.resolve().name / "localisers"
    plan = Plan(ROOT / "apps" / "train.py", args.data, folder, args.jobs)
    pairs = [(system, setting) for system in args.systems for setting in SETTINGS]
    scores = tune(plan, pairs)
    for pair, values in scores.items():
        print(*pair, *(f"{value:.4f}" for value in values))
    best = {pair: values.index(max(values)) for pair, values in scores.items()}
    seeds = [run_of(*pair, seed, best[pair]) for seed in range(1, args.seeds) for pair in pairs]
    plan.train("seeds", seeds)


if __name__ == "__main__":
    sys.exit(exit_status("train_localisers.py", main, "the same command goes on"))
