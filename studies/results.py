# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/results.md: every experiment, from one AVE-layout folder and a folder of checkpoints
per training seed.

Finished points are kept in OUT/points.json and not run again.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.files import check_writable, make_folder
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run.scenario import NO_ESTIMATION, Scenario
from gnuradio.semcom.tasks import scores
from gnuradio.semcom.training.card import DATA_NOTES, UNKNOWN_DATA
from gnuradio.semcom.weights.store import read_header

from . import pages, points
from .experiment import CHANNELS, published, published_at
from .experiment_tables import provenance, section
from .experiments import BASELINE, FADING, LMMSE, SYSTEM, ZF, run_named

SNRS = (-10.0, -5.0, 0.0, 10.0)  # [dB] of the tables at the top
RIVALS = {
    "audio only": {"variant": "audio_only", **LMMSE},
    "video only": {"variant": "video_only", **LMMSE},
    "no estimation": NO_ESTIMATION,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    points.add_options(parser, SYSTEM, out="out/results")
    parser.add_argument("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    check_writable(args.docs / "results.md")
    chosen, results, setup = run_named(["all"], args)
    figures = make_folder(args.docs / "figures")
    for name in chosen:
        shutil.copyfile(args.out / f"{name}.png", figures / f"{name}.png")
    pages.write(args.docs / "results.md", page(chosen, results, setup, args.system, args.docs))


def page(chosen: dict, results: dict, setup: points.Setup, system: str, docs: Path) -> str:
    """The document."""
    clips = setup.clips()
    return pages.page(
        "results",
        data=clips.name,
        note=DATA_NOTES.get(clips.name, UNKNOWN_DATA)[0],
        command=pages.command(
            "results", "--data <folder of the set> --models <folders>",
            f"--frames {setup.frames} --seed {setup.seed}",
        ),
        provenance=provenance(results, setup),
        source=published()["source"],
        tuning=tuning(docs),
        system=system,
        error_free=error_free_table(system, setup, clips.name),
        headline=headline(results, system),
        baselines=baselines(results, system, clips),
        experiments=sections(chosen, results),
    )  # fmt: skip


def tuning(docs: Path) -> str:
    """A link to the page of the tuning budgets, if that page exists."""
    there = (docs / "tuning.md").exists()
    return "[Tuning](tuning.md) has the tuning budget of every system." if there else ""


def sections(chosen: dict, results: dict) -> list:
    """A section for each experiment."""
    lines = []
    for name, experiment in chosen.items():
        made_by = f"`{pages.command('experiments', name)}`"
        lines += [f"## {experiment.title}", "", made_by, ""]
        lines += [*section(experiment, results, f"figures/{name}.png"), ""]
    return lines


def error_free(setup: points.Setup, system: str, data_name: str) -> tables.Estimate:
    """Test accuracy of a system trained and tested without a channel, over the training seeds, from
    the checkpoints' headers (apps/train.py)."""
    point = Scenario(system=system, variant="error_free")
    paths = [points.checkpoint_path(point, folder, data_name) for folder in setup.folders()]
    headers = [read_header(path) for path in paths]
    return tables.over_seeds([h["metrics"]["test"]["error_free"] for h in headers])


def share(records: list) -> tables.Estimate:
    """Accuracy as a share of the same training seed's error-free accuracy."""
    return tables.over_seeds([r["accuracy"] / r["accuracy_error_free"] for r in records])


def published_share(channel: str, snr: float) -> str:
    """The paper's accuracy as a share of its own best on that channel; '-' where it has none."""
    accuracy = published_at("accuracy", channel, snr)
    best = max(published()["accuracy"][channel])
    return "-" if accuracy is None else f"{accuracy / best:.2f}"


def error_free_table(system: str, setup: points.Setup, data_name: str) -> list:
    """Accuracy of the system and the baseline without a channel."""
    systems = dict.fromkeys((system, BASELINE))
    rows = [[name, error_free(setup, name, data_name).text(".3f")] for name in systems]
    return tables.markdown(["system", "error-free accuracy"], rows)


def headline(results: dict, system: str) -> list:
    """Share of its error-free accuracy that the system keeps at low SNR."""
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
              f"share, {published()['label']}"]  # fmt: skip
    return tables.markdown(header, rows)


def clip_scores(records: list) -> np.ndarray:
    """Accuracy of each clip [N], the mean over training seeds."""
    return np.mean([record["clip_scores"] for record in records], axis=0)


def constant_scores(clips, count: int) -> np.ndarray:
    """Accuracy of the constant answer "background" in each of the first ``count`` clips sent
    [N]."""
    background = len(clips.classes) - 1
    return np.array([np.mean(clips.labels(n % len(clips)) == background) for n in range(count)])


def margin(full: np.ndarray, rival: np.ndarray) -> str:
    """Lead of ``full`` with its 95 % interval from resampling clips, the same for both."""
    low, high = scores.clip_bootstrap(full - rival)
    verdict = "above" if low > 0 else "below" if high < 0 else "not significant"
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
    return tables.markdown(header, rows)
