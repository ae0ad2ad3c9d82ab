# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train everything that docs/localisers.md shows; what is trained is not trained again.

Main table: every localiser, supervised (sel) and weakly supervised (wsel), each with the same
budget: every choice of one grid once (seed 0), the one that does best on the *validation* split for
the other seeds.  Ablations: one seed, a fixed number of epochs.  Over the link: pilot_ave with each
semantic decoder, trained with the channel.  Across the modalities (--match DIR, a folder with AVE's
splits for it, see tools/make_ave_sized.py): pretrained on the training part of those splits.

    tools/train_localisers.py --data DIR --seeds 5 --jobs 2       hours on a few cores
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.base.errors import exit_status
from gnuradio.semcom.systems.registry import LOCALISERS
from gnuradio.semcom.weights import store as checkpoint

from studies.plan import Plan, Run

ROOT = Path(__file__).resolve().parents[1]
COMMON = "--epochs 8 --bfloat16"
GRID = (
    "--batch 64 --dropout 0.1 --average 0.99 --weight-decay 0.01",
    "--batch 32 --dropout 0.3 --average 0.998 --weight-decay 0.05",
    "--batch 16 --learning-rate 2e-3 --dropout 0.3 --average 0.995 --weight-decay 0.05",
)
SETTINGS = ("sel", "wsel")
PAIRS = [(system, setting) for system in LOCALISERS for setting in SETTINGS]
SHORT = f"--epochs 3 --bfloat16 {GRID[2]}"  # of ablations
# pilot_ave's own setting (docs/tuning.md), and the one that suits slow losses
LINK_GRID = (
    "--batch 16 --dropout 0.1 --exchange 0.3 --average 0.998 --weight-decay 0.05",
    f"{GRID[2]} --exchange 0.3",
)
LINK = f"--system pilot_ave --variant full {COMMON} --snr-min -15 --snr-max 15"
DECODERS = {
    "psp": "--decoder psp",
    "avel": "--decoder avel",
    "vscg": "--decoder vscg",
    "coattention": "--decoder coattention --spatial terminal",
    "coattention on a map": "--decoder coattention --spatial map",
}
MATCHED = ("avel", "coattention")
# what a set of AVE's size costs; nothing else runs beside it
COST = Run("cost-vscg-sel", "--system vscg --setting sel --epochs 2 --batch 128 --bfloat16")


@dataclass(frozen=True)
class Row:
    """One row of an ablation table: a system with options, in some settings."""

    table: str
    label: str
    system: str
    options: str = ""
    settings: tuple = SETTINGS

    def run(self, setting: str) -> Run:
        """Its training in a setting."""
        words = f"--system {self.system} --setting {setting} {SHORT} {self.options}"
        name = self.options.replace("--", "").replace(" ", "_").replace(",", "") or "whole"
        return Run(f"short-{self.system}-{setting}-{name}", words)


PARTS = "Co-attention's parts (Xue et al., Table V)"
LAMBDA = "Co-attention's lambda (Xue et al., Fig. 5)"
ESCM = "What ESCM starts from (VSCG, Table III)"
PLUGGED = "ESCM in other networks (VSCG, Table IV)"
LOSSES = "Losses (VSCG, Table V)"
OURS = "Parts of `default`"
ROWS = [
    Row(OURS, "whole", "default"),
    Row(OURS, "each segment by itself", "default", "--no-joint"),
    Row(OURS, "one member", "default", "--members 1"),
    Row(OURS, "no presence", "default", "--no-presence", ("sel",)),
    Row(OURS, "one head of attention", "default", "--heads 1"),
    Row(OURS, "streams not trained alone", "default", "--auxiliary 0"),
    Row(ESCM, "whole (CERE)", "vscg"),
    Row(ESCM, "without ESCM", "vscg", "--consistency="),
    Row(ESCM, "without ISCE's state (zeros)", "vscg", "--consistency none"),
    Row(ESCM, "average", "vscg", "--consistency average"),
    Row(ESCM, "maximum", "vscg", "--consistency maximum"),
    Row(ESCM, "a CERE each", "vscg", "--consistency separate"),
    Row(PLUGGED, "AVEL", "avel"),
    Row(PLUGGED, "AVEL with PSP", "avel", "--propagate"),
    Row(PLUGGED, "AVEL with ESCM", "avel", "--consistency cere"),
    Row(PLUGGED, "PSP", "psp"),
    Row(PLUGGED, "PSP with ESCM", "psp", "--consistency cere"),
    Row(LOSSES, "VSCG, L_c + L_t", "vscg", "--loss event_category", ("sel",)),
    Row(LOSSES, "VSCG, cross entropy + 100 L_avps", "vscg", "--loss segment_similarity", ("sel",)),
    Row(LOSSES, "VSCG, L_c + L_t + L_avps", "vscg", settings=("sel",)),
    Row(LOSSES, "PSP, L_c + L_t", "psp", "--loss event_category", ("sel",)),
    Row(LOSSES, "PSP, cross entropy + 100 L_avps", "psp", settings=("sel",)),
    Row(LOSSES, "PSP, L_c + L_t + L_avps", "psp", "--loss negative_pair_filter", ("sel",)),
    Row(LOSSES, "VSCG, L_bce", "vscg", "--loss video", ("wsel",)),
    Row(LOSSES, "VSCG, 2 L_bce + L_s-bce", "vscg", settings=("wsel",)),
    Row(LOSSES, "PSP, L_bce", "psp", settings=("wsel",)),
    Row(LOSSES, "PSP, 2 L_bce + L_s-bce", "psp", "--loss smooth", ("wsel",)),
    Row(PARTS, "CSPA", "coattention", "--parts cspa"),
    Row(PARTS, "CSEA", "coattention", "--parts csea"),
    Row(PARTS, "(CSPA /aa) + CSEA", "coattention", "--no-audio-attention"),
    Row(PARTS, "CSPA + (CSEA /v2a)", "coattention", "--no-visual-to-audio"),
    Row(PARTS, "CSPA + (CSEA /a2v)", "coattention", "--no-audio-to-visual"),
    Row(PARTS, "CSPA + CSEA", "coattention"),
    *(
        Row(LAMBDA, f"lambda = {value}", "coattention", f"--balance {value}")
        for value in (0.1, 0.5, 0.9)
    ),
]


def main_run(system: str, setting: str, seed: int, choice: int) -> Run:
    """The training of a system in a setting, with one choice of the grid."""
    words = f"--system {system} --setting {setting} --seed {seed} {COMMON} {GRID[choice]}"
    return Run(f"{system}-{setting}-seed{seed}-choice{choice}", words)


def tune(plan: Plan) -> dict:
    """(system, setting) -> validation accuracy with each choice of the grid, seed 0."""
    choices = range(len(GRID))
    paths = plan.train("tuning", [main_run(*pair, 0, c) for pair in PAIRS for c in choices])
    found = [checkpoint.read_header(path)["metrics"]["validation"] for path in paths]
    return {pair: found[i * len(GRID) :][: len(GRID)] for i, pair in enumerate(PAIRS)}


def best(values: list[float]) -> int:
    """The first choice of the highest validation accuracy."""
    return values.index(max(values))


def main_runs(scores: dict, pair: tuple, seeds: int) -> list[Run]:
    """The trainings of a pair that the main table shows."""
    return [main_run(*pair, seed, best(scores[pair])) for seed in range(seeds)]


def link_runs() -> dict[str, list[Run]]:
    """Label -> trainings of pilot_ave with that decoder, one for each choice of its grid."""
    runs = {}
    for label, options in DECODERS.items():
        name = f"link-{label.replace(' ', '_')}"
        runs[label] = [
            Run(f"{name}-choice{c}", f"{LINK} {choice} {options}")
            for c, choice in enumerate(LINK_GRID)
        ]
    return runs


def match_runs(plan: Plan) -> list[tuple[Run, Run]]:
    """(pretraining, training) of each system that has a cross-modal setting."""
    pairs = []
    for system in MATCHED:
        first = Run(f"match-{system}-sel", f"--system {system} --setting sel --match {SHORT}")
        start = plan.folder / first.label / f"{system}-sel-{plan.data.resolve().name}.safetensors"
        words = f"--system {system} --setting cml --match --epochs 5 --bfloat16 --batch 32"
        pairs.append((first, Run(f"match-{system}-cml", f"{words} --init {start}")))
    return pairs


def plan_for(data: Path, runs: Path, jobs: int = 1) -> Plan:
    """The trainings on a data set."""
    folder = runs / data.resolve().name / "localisers"
    return Plan(ROOT / "apps" / "train.py", data, folder, jobs)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder in the AVE layout")
    parser.add_argument("--match", type=Path, help="folder with AVE's *_order_match.h5, too")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where to keep everything")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of the main table's rows")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, a core each")
    return parser


def main() -> None:
    args = options().parse_args()
    plan = plan_for(args.data, args.runs, args.jobs)
    scores = tune(plan)
    by_seed = [main_runs(scores, pair, args.seeds) for pair in PAIRS]
    plan.train("seeds", [run for seed in zip(*by_seed, strict=True) for run in seed])
    plan.train("decoders", [run for runs in link_runs().values() for run in runs])
    if args.match:
        across = plan_for(args.match, args.runs, args.jobs)
        first, then = zip(*match_runs(across), strict=True)
        across.train("pretraining", list(first))
        across.train("cross-modal", list(then))
        plan_for(args.match, args.runs).train("cost", [COST])
    plan.train("ablations", list({run: None for row in ROWS for run in map(row.run, row.settings)}))


if __name__ == "__main__":
    sys.exit(exit_status("train_localisers.py", main, "the same command goes on"))
