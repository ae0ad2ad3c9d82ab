# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Run experiments over folders of checkpoints, a training seed each, and write what came out.

A point is run once for each folder, whatever experiments share it.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from gnuradio.semcom.base import palette
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import check_writable, make_folder, replacing
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.data import open_set
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run import records
from gnuradio.semcom.run.runner import (
    identity,
    run_point,
)
from gnuradio.semcom.run.scenario import Scenario, check
from gnuradio.semcom.systems.choice import weights_for
from gnuradio.semcom.systems.registry import system as entry_of
from gnuradio.semcom.weights.names import models_folder, name_of
from gnuradio.semcom.weights.store import read_header
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from .experiments import (
    AXES,
    QUANTITIES,
    SYSTEM,
    USES_LABEL,
    Experiment,
    Panel,
    definitions,
    published,
    published_at,
)

STOPPED = "the same command goes on after the last finished point"


@dataclass(frozen=True)
class Setup:
    """What all points of a study have in common."""

    data: str = ""  # folder in the AVE layout; '': the synthetic set
    models: list = ()  # folders of checkpoints, one per training seed; (): the shipped one
    frames: int = 0  # clips a point; 0: the split once
    seed: int = 0  # of the channel draws

    def folders(self) -> list:
        return [Path(folder) for folder in self.models] or [models_folder()]

    def clips(self):
        """The test split."""
        return open_set(self.data or None, "test")

    def place(self, point: Scenario, folder: Path, data_name: str) -> Scenario:
        """``point`` with these settings and its checkpoint in ``folder``."""
        return replace(
            point,
            data=self.data,
            frames=self.frames,
            seed=self.seed,
            checkpoint=str(checkpoint_path(point, folder, data_name)),
        )


def add_options(parser: argparse.ArgumentParser, out: str) -> None:
    """The options of a study, which become a Setup; ``out``: where it writes by default."""
    add = parser.add_argument
    add("--system", default=SYSTEM, help="system under test (default: %(default)s)")
    add("--data", default="", metavar="DIR", help="AVE-layout folder; default: the synthetic set")
    add("--models", nargs="+", default=[], metavar="DIR",
        help="folders of checkpoints, one per training seed; default: the shipped one")  # fmt: skip
    add("--out", type=Path, default=Path(out), metavar="DIR", help="(default: %(default)s)")
    add("--frames", type=at_least(0), default=0, help="clips at each point; 0: the split once")
    add("--seed", type=at_least(0), default=0, help="seed of the channel draws")


def run(names: list, args: argparse.Namespace) -> tuple:
    """Run experiments by name and write them to --out.

    Returns the experiments by name, their results and their Setup.
    """
    chosen = {name: e for name, e in definitions(args.system).items() if name in names}
    setup = Setup(args.data, args.models, args.frames, args.seed)
    path = args.out / "points.json"
    check_writable(path)
    results = run_all(chosen.values(), setup, records.Store(path))
    for experiment in chosen.values():
        write(experiment, results, setup, args.out)
    return chosen, results, setup


def checkpoint_path(point: Scenario, folder: Path, data_name: str) -> Path:
    """<system>-<variant>-<data>[-<symbols>].safetensors in ``folder``.

    The file without a number of symbols holds the usual one.
    """
    entry, name = entry_of(point.system), (point.system, point.variant, data_name)
    path = folder / name_of(*name)
    config = read_header(path)["config"] if path.is_file() else vars(entry.cls.Config())
    usual = config["symbols"]
    return path if point.symbols in (0, usual) else folder / name_of(*name, symbols=point.symbols)


def check_models(wanted: list, setup: Setup, data_name: str) -> None:
    """Refuse, naming the first checkpoint that is not there and how to train it.

    wanted  pairs (point, path of its checkpoint)
    """
    missing = {path: point for point, path in reversed(wanted) if not path.is_file()}
    if missing:
        path, point = list(missing.items())[-1]
        more = f" (nor are {len(missing) - 1} others)" if len(missing) > 1 else ""
        command = training_command(point, path, setup, data_name)
        raise SemcomError(
            f"{path}: is not there{more}; train it with `{command}` and put it there by that name"
        )


def training_command(point: Scenario, path: Path, setup: Setup, data_name: str) -> str:
    """The command that trains the checkpoint of ``point``."""
    words = ["apps/train.py", "--system", point.system, "--variant", point.variant]
    words += ["--data", setup.data] if setup.data else []
    words += ["--symbols", str(point.symbols)] if point.symbols else []
    if point.variant == "no_estimation":
        words += ["--init", str(path.parent / name_of(point.system, "full", data_name))]
    return " ".join([*words, "--out", f"runs/{path.stem}"])


def required(chosen: list, setup: Setup, data_name: str) -> list:
    """(point, path of its checkpoint) of everything that ``chosen`` needs, folder by folder."""
    free = [
        Scenario(system=curve.options["system"], variant="error_free")
        for experiment in chosen
        for panel in experiment.panels
        for curve in panel.curves
        if panel.error_free and curve.full()
    ]
    return [
        (point, checkpoint_path(point, folder, data_name))
        for number, folder in enumerate(setup.folders())
        for point in dict.fromkeys([*points_of(chosen, number), *free])
    ]


def points_of(chosen: list, number: int) -> list:
    """Every point that ``chosen`` runs with the ``number``-th folder of models, once."""
    return list(dict.fromkeys(point for e in chosen for point in e.points(number)))


def run_all(chosen: list, setup: Setup, store: records.Store) -> dict:
    """Point -> its records, one per folder of models; those in ``store`` are not run again."""
    clips = setup.clips()
    check_models(required(chosen, setup, clips.name), setup, clips.name)
    keys, left = {}, {}
    for number, folder in enumerate(setup.folders()):
        points = points_of(chosen, number)
        here = [(point, setup.place(point, folder, clips.name)) for point in points]
        for point, placed in sorted(here, key=lambda pair: pair[1].checkpoint):  # each loaded once
            check(placed)
            key = store.key(identity(placed, clips, weights_for(placed, clips)))
            keys.setdefault(point, []).append(key)
            if key not in store:
                left[key] = placed
    _run(left.values(), clips, store, done=len({k for ks in keys.values() for k in ks} - set(left)))
    return {point: [store[key] for key in each] for point, each in keys.items()}


def _run(points, clips, store: records.Store, done: int) -> None:
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), "points",
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("link", total=done + len(points), completed=done)
        for point in points:
            what = f"{point.system} {point.variant}, {point.channel} {point.snr:g} dB"
            bar.update(task, description=what)
            store.add(run_point(point, clips))
            bar.advance(task)


def uses_per_clip(record: dict) -> float:
    """Symbol periods that a clip costs, of all kinds."""
    return record["channel_uses_per_segment"] * record["segments"] / record["clips"]


def axes(panel: Panel, results: dict) -> plots.Axes:
    """A panel as ``report`` draws it."""
    xlabel, scale = (USES_LABEL, "log") if panel.over_uses else AXES[panel.axis]
    lines = []
    for curve in panel.curves:
        groups = [results[point] for point in panel.points(curve)]
        x = curve.values or panel.values
        if panel.over_uses:
            x = [uses_per_clip(group[0]) for group in groups]
        y = [tables.estimate(group, panel.quantity) for group in groups]
        lines.append(plots.Line(curve.label, list(x), y, curve.look))
    label = published()["label"]
    others = [
        (label if name == "accuracy" else f"{label}, {name.replace('_', ' ')}",
         published()["snr_db"], published()[name][panel.channel])
        for name in panel.published
    ]  # fmt: skip
    levels = [(f"{s}, error-free", e.mean, c) for s, e, c in error_free(panel, results)]
    ylabel = QUANTITIES[panel.quantity][0]
    return plots.Axes(panel.title, xlabel, ylabel, lines, scale, levels, others)


def error_free(panel: Panel, results: dict) -> list:
    """(system, Estimate of its error-free accuracy, colour) of the panel's full systems."""
    found = {}
    for curve in panel.curves if panel.error_free else ():
        system = curve.options["system"]
        if curve.full() and system not in found:
            values = [r["accuracy_error_free"] for r in results[panel.points(curve)[0]]]
            found[system] = (tables.over_seeds(values), palette.COLOURS[curve.look[0]])
    return [(system, *each) for system, each in found.items()]


@dataclass(frozen=True)
class Table:
    """Strings under a header."""

    caption: str
    header: list
    rows: list


def panel_tables(experiment: Experiment, results: dict) -> list:
    """A table per panel: a row per value of the axis, a column per curve."""
    return [panel_table(panel, results) for panel in experiment.panels]


def panel_table(panel: Panel, results: dict) -> Table:
    quantity, form = QUANTITIES[panel.quantity]
    caption = f"**{panel.title}**, {quantity}" + "".join(
        f"; {system} error-free {value.text(form)}"
        for system, value, _ in error_free(panel, results)
    )
    columns = [
        [tables.estimate(results[p], panel.quantity).text(form) for p in panel.points(curve)]
        for curve in panel.curves
    ]
    header = [AXES[panel.axis][0], *(curve.label for curve in panel.curves)]
    for name in panel.published:
        header.append(published()["label"])
        columns.append([_shown(published_at(name, panel.channel, v)) for v in panel.values])
    return Table(caption, header, _rows(panel.values, columns))


def _rows(values: tuple, columns: list) -> list:
    names = [value if isinstance(value, str) else f"{value:g}" for value in values]
    return [[name, *cells] for name, *cells in zip(names, *columns, strict=True)]


def _shown(value, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)


def loss_tables(experiment: Experiment, results: dict) -> list:
    """With, without, and the loss in percent, ours and the paper's, a table per channel."""
    label = published()["label"]
    header = [AXES["snr"][0]]
    for who in ("", f"{label}: "):
        header += [f"{who}with estimation", f"{who}without", f"{who}loss [%]"]
    tables = []
    for panel in experiment.panels:
        with_csi, without = ([results[p] for p in panel.points(c)] for c in panel.curves)
        ours = [
            [tables.estimate(a).text(".3f"), tables.estimate(b).text(".3f"), loss(a, b).text(".1f")]
            for a, b in zip(with_csi, without, strict=True)
        ]
        theirs = [
            [_shown(published_at(name, panel.channel, snr), form)
             for name, form in (("accuracy", ".3f"), ("no_estimation", ".3f"),
                                ("loss_percent", ".1f"))]
            for snr in panel.values
        ]  # fmt: skip
        rows = [[f"{snr:g}", *a, *b] for snr, a, b in zip(panel.values, ours, theirs, strict=True)]
        tables.append(Table(f"**{panel.title}**", header, rows))
    return tables


def loss(better: list, worse: list) -> tables.Estimate:
    """Relative loss of accuracy [%] over pairs of records, a training seed each."""
    return tables.over_seeds(
        [100 * (1 - w["accuracy"] / b["accuracy"]) for b, w in zip(better, worse, strict=True)]
    )


USES = ("payload", "pilots", "feedback")


def uses_tables(experiment: Experiment, results: dict) -> list:
    """Channel uses per clip of every system and size, with its accuracy in every panel."""
    rows = {}
    for panel in experiment.panels:
        for curve in panel.curves:
            for point in panel.points(curve):
                group = results[point]
                per_clip = group[0]["segments"] / group[0]["clips"]
                uses = [group[0]["channel_uses"][name] * per_clip for name in USES]
                costs = [f"{count:g}" for count in (*uses, sum(uses))]
                row = rows.setdefault((curve.label, *costs), [])
                row.append(tables.estimate(group).text(".3f"))
    header = ["system", *USES, USES_LABEL, *(panel.title for panel in experiment.panels)]
    return [Table("", header, [[*key, *cells] for key, cells in rows.items()])]


TABLES = {"panels": panel_tables, "losses": loss_tables, "uses": uses_tables}


def section(experiment: Experiment, results: dict, picture: str) -> list:
    """Markdown lines of an experiment: how to read it, figure, tables."""
    results = of_experiment(experiment, results)
    note = experiment.note
    if experiment.seeds == 1:
        note += " One training seed; ± is half the 95 % interval from resampling clips."
    lines = [note, "", f"![{experiment.title}]({picture})"]
    for table in TABLES[experiment.tables](experiment, results):
        lines += ["", f"{table.caption}:", ""] if table.caption else [""]
        lines += tables.markdown(table.header, table.rows)
    return lines


def provenance(results: dict, setup: Setup) -> str:
    """What every figure of a study has in common, in a paragraph."""
    first = next(iter(results.values()))[0]
    seeds = max(len(group) for group in results.values())
    spread = (
        f"mean and standard deviation over {seeds} training seeds"
        if seeds > 1
        else "one training seed, with half the 95 % interval from resampling clips"
    )
    return (
        f"Data set {first['data']}, test split: {first['clips']} clips a point, sent through the "
        f"GNU Radio flowgraph of `apps/run_link.py` with channel seed {setup.seed}. Accuracies are "
        f"those of segments: {spread}. Checkpoints were selected on val. SNR is per stream at each "
        "antenna; the feedback link's is the uplink's unless it is swept. Pilot rows have 64 "
        "symbols unless that is swept."
    )


def of_experiment(experiment: Experiment, results: dict) -> dict:
    """The results of its points, of as many training seeds as it takes."""
    return {point: results[point][: experiment.seeds] for point in experiment.points()}


def write(experiment: Experiment, results: dict, setup: Setup, out) -> None:
    """NAME.json, NAME.md and NAME.png in the folder ``out``."""
    out = make_folder(out)
    mine = of_experiment(experiment, results)
    records.write_json(out / f"{experiment.name}.json", [r for rs in mine.values() for r in rs])
    picture = out / f"{experiment.name}.png"
    plots.draw(picture, [axes(panel, mine) for panel in experiment.panels], experiment.columns)
    lines = [f"# {experiment.title}", "", provenance(mine, setup), ""]
    lines += section(experiment, results, picture.name)
    with replacing(out / f"{experiment.name}.md") as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="utf-8")
