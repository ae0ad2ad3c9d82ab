#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/results.md: every experiment, from one AVE-layout folder and a folder of checkpoints
per training seed.

Finished points are kept in OUT/points.json and not run again.
"""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.errors import exit_status
from gnuradio.semcom.base.files import check_writable, make_folder, replacing
from gnuradio.semcom.base.options import Parser
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run.scenario import NO_ESTIMATION, Scenario
from gnuradio.semcom.tasks import scores
from gnuradio.semcom.training.card import DATA_NOTES, UNKNOWN_DATA
from gnuradio.semcom.weights.store import read_header

from studies import experiments, study
from studies.experiments import (
    BASELINE,
    CHANNELS,
    FADING,
    LMMSE,
    ZF,
)

ROOT = Path(__file__).resolve().parents[1]
SNRS = (-10.0, -5.0, 0.0, 10.0)  # of the tables at the top
RIVALS = {
    "audio only": {"variant": "audio_only", **LMMSE},
    "video only": {"variant": "video_only", **LMMSE},
    "no estimation": NO_ESTIMATION,
}


def error_free(setup: study.Setup, system: str, data_name: str) -> tables.Estimate:
    """Accuracy on test of a system trained and tested without a channel, over the training seeds;
    apps/train.py measured it and left it in the checkpoint."""
    point = Scenario(system=system, variant="error_free")
    paths = [study.checkpoint_path(point, folder, data_name) for folder in setup.folders()]
    headers = [read_header(path) for path in paths]
    return tables.over_seeds([h["metrics"]["test"]["error_free"] for h in headers])


def share(records: list) -> tables.Estimate:
    """Accuracy as a share of the same training seed's error-free accuracy."""
    return tables.over_seeds([r["accuracy"] / r["accuracy_error_free"] for r in records])


def published_share(channel: str, snr: float) -> str:
    """The paper's accuracy as a share of its own best on that channel; '-' where it has none."""
    accuracy = experiments.published_at("accuracy", channel, snr)
    best = max(experiments.published()["accuracy"][channel])
    return "-" if accuracy is None else f"{accuracy / best:.2f}"


def headline(results: dict, system: str, setup: study.Setup, data_name: str) -> list:
    """Error-free accuracies, and what the system keeps of its own at low SNR."""
    rows = []
    for channel in FADING:
        for snr in SNRS:
            place = {"system": system, "channel": channel, "snr": snr}
            row = [CHANNELS[channel], f"{snr:g}"]
            for receiver in (LMMSE, ZF):
                records = results[Scenario(**place, **receiver)]
                row += [tables.estimate(records).text(".3f"), share(records).text(".2f")]
            rows.append([*row, published_share(channel, snr)])
    header = ["channel", plots.SNR_LABEL, "LS + LMMSE", "share", "LS + ZF", "share",
              f"share, {experiments.published()['label']}"]  # fmt: skip
    systems = dict.fromkeys((system, BASELINE))
    free = [[name, error_free(setup, name, data_name).text(".3f")] for name in systems]
    return [
        *tables.markdown(["system", "error-free accuracy"], free),
        "",
        f"`{system}` over fading channels; share: of its own error-free accuracy. The last column "
        "is the paper's accuracy as a share of its own best on that channel: **another data set**.",
        "",
        *tables.markdown(header, rows),
    ]


def clip_scores(records: list) -> np.ndarray:
    """Share of right segments in each clip [N], the mean over training seeds."""
    return np.mean([record["clip_scores"] for record in records], axis=0)


def constant_scores(clips, count: int) -> np.ndarray:
    """Share of background in each of the first ``count`` clips sent [N]: the constant answer's."""
    background = len(clips.classes) - 1
    return np.array([np.mean(clips.labels(n % len(clips)) == background) for n in range(count)])


def margin(full: np.ndarray, rival: np.ndarray) -> str:
    """Lead of ``full`` with its 95 % interval from resampling clips, the same for both."""
    low, high = scores.clip_bootstrap(full - rival)
    verdict = "above" if low > 0 else "below" if high < 0 else "not told apart"
    return f"{np.mean(full - rival):+.3f} ({low:+.3f} to {high:+.3f}): {verdict}"


def baselines(results: dict, system: str, clips) -> list:
    """The full system against the others and the constant answer, clip by clip."""
    rows = []
    for channel in CHANNELS:
        for snr in SNRS:
            place = {"system": system, "channel": channel, "snr": snr}
            full = clip_scores(results[Scenario(**place, **LMMSE)])
            rivals = [clip_scores(results[Scenario(**place, **o)]) for o in RIVALS.values()]
            rivals.append(constant_scores(clips, len(full)))
            cells = [f"{np.mean(rival):.3f}, {margin(full, rival)}" for rival in rivals]
            rows.append([CHANNELS[channel], f"{snr:g}", f"{np.mean(full):.3f}", *cells])
    header = ["channel", plots.SNR_LABEL, "full, LS + LMMSE", *RIVALS, "all background"]
    return [
        "Accuracy of each rival, then the full system's lead over it on the same clips and "
        "channels, with the 95 % interval of a paired bootstrap over clips (scores of the training "
        "seeds averaged). The constant answer comes from the labels.",
        "",
        *tables.markdown(header, rows),
    ]


def tuning(docs: Path) -> list:
    """A link to what was spent on tuning every system, where that page is."""
    if not (docs / "tuning.md").exists():
        return []
    return ["", "The tuning budget of every system: [docs/tuning.md](tuning.md)."]


def preface(setup: study.Setup, results: dict, clips) -> list:
    """What the figures are of, and the command that makes them."""
    note = DATA_NOTES.get(clips.name, UNKNOWN_DATA)[0]
    options = f"--frames {setup.frames} --seed {setup.seed}"
    return [
        f"# Results on {clips.name}",
        "",
        f"Data: {note}",
        "",
        'Made by `make results DATA=<folder of the set> MODELS="<folder of checkpoints> ..."`, '
        "with a folder per training seed, which runs",
        "",
        f"    tools/results.py --data <folder of the set> --models <folders> {options}",
        "",
        study.provenance(results, setup),
        "",
        f"Published figures: {experiments.published()['source']} They are of AVE, which is "
        f"another data set than {clips.name}: no two columns across that line are comparable.",
    ]


def page(chosen: dict, results: dict, setup: study.Setup, system: str, docs: Path) -> str:
    """The document."""
    clips = setup.clips()
    lines = preface(setup, results, clips) + tuning(docs)
    lines += ["", "## What it keeps at low SNR", "", *headline(results, system, setup, clips.name)]
    lines += ["", "## Against the baselines", "", *baselines(results, system, clips)]
    for name, experiment in chosen.items():
        lines += ["", f"## {experiment.title}", "", f"`apps/experiment.py {name}`", ""]
        lines += study.section(experiment, results, f"figures/{name}.png")
    return "\n".join(lines) + "\n"


def parse():
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    study.add_options(parser, out=str(ROOT / "out" / "results"))
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder of the page")
    return parser.parse_args()


def main() -> None:
    args = parse()
    check_writable(args.docs / "results.md")
    chosen, results, setup = study.run(list(experiments.definitions()), args)
    figures = make_folder(args.docs / "figures")
    for name in chosen:
        shutil.copyfile(args.out / f"{name}.png", figures / f"{name}.png")
    with replacing(args.docs / "results.md") as temporary:
        text = page(chosen, results, setup, args.system, args.docs)
        Path(temporary).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(exit_status("results.py", main, study.STOPPED))
