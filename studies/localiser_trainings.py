# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trainings of docs/localisers.md.

Main table: every localiser, supervised (sel) and weakly supervised (wsel), each with the same
budget: every choice of one grid once (seed 0), the best one on the *validation* split for the other
seeds.  Ablations: one seed, a fixed number of epochs.  Over the link: pilot_ave with each semantic
decoder, trained with the channel.  Cross-modal localisation, on a set with AVE's splits for it:
pretrained on the training part of those splits.
"""

from dataclasses import dataclass
from pathlib import Path

from gnuradio.semcom.systems.registry import LOCALISERS
from gnuradio.semcom.weights.names import name_of, shipped

from .trainings import Training, Trainings, best, validation

COMMON = "--epochs 8 --bfloat16"
GRID = (
    "--batch 64 --dropout 0.1 --average 0.99 --weight-decay 0.01",
    "--batch 32 --dropout 0.3 --average 0.998 --weight-decay 0.05",
    "--batch 16 --learning-rate 2e-3 --dropout 0.3 --average 0.995 --weight-decay 0.05",
)
SETTINGS = ("sel", "wsel")
PAIRS = [(system, setting) for system in LOCALISERS for setting in SETTINGS]
SHORT = f"--epochs 3 --bfloat16 {GRID[2]}"  # of ablations
# setting of pilot_ave (docs/tuning.md), and one for losses that converge slowly
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
# a small codec around a trained localiser, whose linear layers do most of the work
CODEC = (
    "--audio-lstm 32 --audio-channel 32 --audio-decoder 64 --video-channel 32 --video-decoder 64"
)
WARM = (
    "--system pilot_ave --variant full --frozen --epochs 3 --bfloat16 --batch 16 "
    f"--learning-rate 1e-3 --dropout 0 --snr-min -15 --snr-max 15 {CODEC}"
)
OF_CLASSES = "--regress 0.03"  # for losses that are a mean over the classes, thus 29 times smaller
WARM_SEEDS = 3
WARM_SNRS = (-10.0, 0.0, 20.0)  # [dB] further SNRs, for one seed
WARM_SNR = 10.0  # [dB] at which a localiser is compared with and without a link
WARM_PAIRS = [
    (system, setting) for system in ("psp", "avel", "vscg", "coattention") for setting in SETTINGS
]
MATCHED = ("avel", "coattention")
# training cost on a set of AVE's size; nothing else must run beside it
COST = Training("cost-vscg-sel", "--system vscg --setting sel --epochs 2 --batch 128 --bfloat16")


@dataclass(frozen=True)
class Row:
    """One row of an ablation table: a system with options, in some settings."""

    table: str
    label: str
    system: str
    options: str = ""
    settings: tuple = SETTINGS

    def run(self, setting: str) -> Training:
        """The row's training in a setting."""
        words = f"--system {self.system} --setting {setting} {SHORT} {self.options}"
        name = self.options.replace("--", "").replace(" ", "_").replace(",", "") or "whole"
        return Training(f"short-{self.system}-{setting}-{name}", words)


PARTS = "Co-attention's parts (Xue et al., Table V)"
LAMBDA = "Co-attention's lambda (Xue et al., Fig. 5)"
ESCM = "What ESCM starts from (VSCG, Table III)"
PLUGGED = "ESCM in other networks (VSCG, Table IV)"
LOSSES = "Losses (VSCG, Table V)"
OURS = "Parts of `span`"
ROWS = [
    Row(OURS, "whole", "span"),
    Row(OURS, "each segment by itself", "span", "--no-joint"),
    Row(OURS, "one member", "span", "--members 1"),
    Row(OURS, "no presence", "span", "--no-presence", ("sel",)),
    Row(OURS, "one head of attention", "span", "--heads 1"),
    Row(OURS, "streams not trained alone", "span", "--auxiliary 0"),
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


def main_run(system: str, setting: str, seed: int, choice: int) -> Training:
    """The training of a system in a setting, with one choice of the grid."""
    words = f"--system {system} --setting {setting} --seed {seed} {COMMON} {GRID[choice]}"
    return Training(f"{system}-{setting}-seed{seed}-choice{choice}", words)


def tuning(trainings: Trainings) -> dict:
    """(system, setting) -> validation accuracies of the grid's choices, of finished pairs."""
    found = {}
    for pair in PAIRS:
        paths = [trainings.get(main_run(*pair, 0, choice)) for choice in range(len(GRID))]
        if None not in paths:
            found[pair] = [validation(path) for path in paths]
    return found


def main_runs(scores: dict, pair: tuple, seeds: int) -> list[Training]:
    """The trainings of a pair that the main table shows."""
    return [main_run(*pair, seed, best(scores[pair])) for seed in range(seeds)]


def link_runs() -> dict[str, list[Training]]:
    """Label of a decoder -> trainings of pilot_ave with it, one for each choice of its grid."""
    runs = {}
    for label, options in DECODERS.items():
        name = f"link-{label.replace(' ', '_')}"
        runs[label] = [
            Training(f"{name}-choice{c}", f"{LINK} {choice} {options}")
            for c, choice in enumerate(LINK_GRID)
        ]
    return runs


def warm_run(system: str, setting: str, seed: int, data: str) -> Training:
    """The training of pilot_ave around the shipped localiser of a setting."""
    words = f"{WARM} --warm-start {shipped(system, setting, data)} --seed {seed}"
    if setting == "wsel" or system == "coattention":
        words += f" {OF_CLASSES}"
    return Training(f"warm-{system}-{setting}-seed{seed}", words)


def warm_runs(data: str) -> dict[tuple[str, str], list[Training]]:
    """(system, setting) -> trainings, one per seed, of localisers that are shipped for a set."""
    return {
        pair: [warm_run(*pair, seed, data) for seed in range(WARM_SEEDS)]
        for pair in WARM_PAIRS
        if shipped(*pair, data).is_file()
    }


def match_runs(trainings: Trainings) -> list[tuple[Training, Training]]:
    """(pretraining, training) of each system that has a cross-modal setting."""
    pairs, data = [], trainings.data.resolve().name
    for system in MATCHED:
        first = Training(f"match-{system}-sel", f"--system {system} --setting sel --match {SHORT}")
        start = trainings.folder / first.label / name_of(system, "sel", data)
        words = f"--system {system} --setting cml --match --epochs 5 --bfloat16 --batch 32"
        pairs.append((first, Training(f"match-{system}-cml", f"{words} --init {start}")))
    return pairs


def trainings_on(data: Path, runs: Path, jobs: int = 1) -> Trainings:
    """The trainings on a data set."""
    return Trainings(data, runs / data.resolve().name / "localisers", jobs)


def train_all(data: Path, match: Path | None, runs: Path, seeds: int, jobs: int) -> None:
    """Do all missing trainings of the page."""
    trainings = trainings_on(data, runs, jobs)
    grid = [main_run(*pair, 0, choice) for pair in PAIRS for choice in range(len(GRID))]
    trainings.complete("tuning", grid)
    scores = tuning(trainings)
    by_seed = [main_runs(scores, pair, seeds) for pair in PAIRS]
    trainings.complete("seeds", [run for seed in zip(*by_seed, strict=True) for run in seed])
    trainings.complete("decoders", [run for runs in link_runs().values() for run in runs])
    warm = warm_runs(data.resolve().name).values()
    trainings.complete("around localisers", [run for runs in warm for run in runs])
    if match:
        across = trainings_on(match, runs, jobs)
        first, then = zip(*match_runs(across), strict=True)
        across.complete("pretraining", first)
        across.complete("cross-modal", then)
        trainings_on(match, runs).complete("cost", [COST])
    trainings.complete("ablations", [row.run(each) for row in ROWS for each in row.settings])
