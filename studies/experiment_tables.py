# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Figure and tables of an experiment, from the records of its points."""

from dataclasses import dataclass

from gnuradio.semcom.base import palette
from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run.records import write_json

from . import pages
from .experiment import AXES, QUANTITIES, USES_LABEL, Experiment, Panel, published, published_at
from .points import Setup


def uses_per_clip(record: dict) -> float:
    """Channel uses per clip: payload, pilots and sidelink."""
    return record["channel_uses_per_segment"] * record["segments"] / record["clips"]


def axes(panel: Panel, results: dict) -> plots.Axes:
    """The axes of a panel, for ``report.plots``."""
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
    """A table of strings with a header."""

    caption: str
    header: list
    rows: list


def panel_tables(experiment: Experiment, results: dict) -> list:
    """A table per panel: a row per value of the axis, a column per curve."""
    return [panel_table(panel, results) for panel in experiment.panels]


def panel_table(panel: Panel, results: dict) -> Table:
    """The table of a panel: a row per value of the axis, a column per curve and per published
    one."""
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
    """A table per channel: accuracy with and without estimation and the loss in percent, ours and
    the paper's."""
    label = published()["label"]
    header = [AXES["snr"][0]]
    for who in ("", f"{label}: "):
        header += [f"{who}with estimation", f"{who}without", f"{who}loss [%]"]
    found = []
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
        found.append(Table(f"**{panel.title}**", header, rows))
    return found


def loss(better: list, worse: list) -> tables.Estimate:
    """Relative loss of accuracy [%] over pairs of records, a training seed each."""
    return tables.over_seeds(
        [100 * (1 - w["accuracy"] / b["accuracy"]) for b, w in zip(better, worse, strict=True)]
    )


USES = ("payload", "pilots", "sidelink")


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
    """Markdown lines of an experiment: note, figure, tables."""
    results = of_experiment(experiment, results)
    note = experiment.note
    if experiment.seeds == 1:
        note += " There is one training seed; ± is half the 95 % interval (bootstrap over clips)."
    lines = [note, "", f"![{experiment.title}: the tables below as curves]({picture})"]
    for table in TABLES[experiment.tables](experiment, results):
        lines += ["", f"{table.caption}:", ""] if table.caption else [""]
        lines += tables.markdown(table.header, table.rows)
    return lines


def provenance(results: dict, setup: Setup) -> str:
    """A paragraph with the data set, seeds and conventions that all figures of a study share."""
    first = next(iter(results.values()))[0]
    seeds = max(len(group) for group in results.values())
    spread = (
        f"mean and standard deviation over {seeds} training seeds"
        if seeds > 1
        else "one training seed, with half the 95 % interval (bootstrap over clips)"
    )
    return (
        f"Each point has {first['clips']} clips of the test split of {first['data']}, sent through "
        f"the GNU Radio flowgraph of `apps/run_link.py` with channel seed {setup.seed}. Accuracies "
        f"are those of segments: {spread}. Checkpoints were selected on the validation split. SNR "
        "is per stream at each antenna. Unless they are swept, the sidelink has the SNR of the "
        "uplink, and pilot rows have 64 symbols."
    )


def of_experiment(experiment: Experiment, results: dict) -> dict:
    """The results of an experiment's points, for its number of training seeds."""
    return {point: results[point][: experiment.seeds] for point in experiment.points()}


def write(experiment: Experiment, results: dict, setup: Setup, out) -> None:
    """Write NAME.json, NAME.md and NAME.png into the folder ``out``."""
    out = make_folder(out)
    mine = of_experiment(experiment, results)
    write_json(out / f"{experiment.name}.json", [r for rs in mine.values() for r in rs])
    picture = out / f"{experiment.name}.png"
    plots.draw(picture, [axes(panel, mine) for panel in experiment.panels], experiment.columns)
    lines = [f"# {experiment.title}", "", provenance(mine, setup), ""]
    lines += section(experiment, results, picture.name)
    pages.write(out / f"{experiment.name}.md", "\n".join(lines) + "\n")
