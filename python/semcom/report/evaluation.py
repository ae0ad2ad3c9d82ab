# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The evaluation of a localiser on one split: records of its checkpoints, table and figures."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from ..base import screen
from ..base.errors import SemcomError
from ..base.files import make_folder, replacing
from ..data import clipset, open_set
from ..data.tensors import read
from ..evaluation import attention, localisation
from ..run.scenario import Scenario
from ..sweep import hosts
from ..sweep.cluster import Call, Died
from ..training.evaluate import link_of
from . import attention as attention_figure
from . import localisation as figures
from . import tables

DRAWN = 3  # clips of the attention figure


def split_of(args) -> str:
    """The split's name: cross-modal localisation has its own."""
    return f"{args.split}_match" if args.setting in localisation.DIRECTIONS else args.split


def evaluate(args, clips, paths, cluster=None) -> tuple[list, list]:
    """(networks, records), one for each checkpoint; with a cluster, only the records."""
    nets = [localisation.load(p, args.system, args.setting, clips, args.device) for p in paths]
    with screen.bar(transient=True) as bar:
        task = bar.add_task("clips", total=len(nets) * len(clips))
        if cluster:
            return nets, _on_cluster(
                args, clips, paths, cluster, lambda: bar.advance(task, len(clips))
            )
        features, records = read(clips), []
        for net, path in zip(nets, paths, strict=True):
            record = judge(args, clips, features, net, lambda n: bar.advance(task, n))
            records.append({**setting_of(args, clips), **record, **localisation.origin(net, path)})
    return nets, records


def judge(args, clips, features, net, on_clips=lambda count: None) -> dict:
    """The results of a checkpoint."""
    if args.setting not in localisation.DIRECTIONS:
        return localisation.segment_record(net, features, on_clips)
    labels = read(open_set(clips.folder, "train_match"), terminals=("audio",)).labels
    record = localisation.match_record(net, features, labels, args.setting)
    on_clips(len(clips))
    return record


def _on_cluster(args, clips, paths, cluster, advance) -> list:
    """The records of checkpoints, a call of the cluster each."""
    plain = SimpleNamespace(
        system=args.system, setting=args.setting, split=args.split, device=args.device
    )
    calls, records = [], {}
    for path in paths:
        point = Scenario(data=str(args.data), checkpoint=str(path))
        needs = hosts.Needs(hosts.digest(path), "", clipset.digest(clips), clips.name)
        calls.append(Call(path, f"{args.system}, {path}", elsewhere, (plain, point, needs)))
    for call, result in cluster.results(calls):
        if isinstance(result, Died):
            raise SemcomError(result.line)
        records[call.key] = {**result, "checkpoint": Path(call.key).name}
        advance()
    return [records[path] for path in paths]


def elsewhere(args, point: Scenario, needs: hosts.Needs) -> dict:
    """The record of a checkpoint, on whatever host."""
    point = hosts.found_weights(hosts.found_set(point, needs), needs)
    clips, path = open_set(point.data, split_of(args)), Path(point.checkpoint)
    hosts.check_set(point, clips, needs)
    net = localisation.load(path, args.system, args.setting, clips, args.device)
    record = judge(args, clips, read(clips), net)
    return {**setting_of(args, clips), **record, **localisation.origin(net, path)}


def setting_of(args, clips) -> dict:
    """The common keys of all records of a call."""
    return {
        "system": args.system,
        "setting": args.setting,
        "data": clips.name,
        "split": args.split,
    }


def rows_of(args, records, total) -> tuple[list, list]:
    """Header and rows of the table."""
    extra = {
        "events only": "accuracy_events_only",
        "event F1": "event_f1",
        "paper's inference": "accuracy_paper_inference",
        "position prior": "accuracy_position_prior",
        "chance": "accuracy_chance",
    }
    shown = {name: key for name, key in extra.items() if key in records[0]}
    low, high = total["accuracy_ci95"]
    spread = f" ± {total['accuracy_std']:.3f}" if total["accuracy_std"] is not None else ""
    cells = [f"{total['accuracy']:.3f}{spread}", f"{low:.3f}-{high:.3f}"]
    cells += [f"{np.mean([r[key] for r in records]):.3f}" for key in shown.values()]
    what = [args.system, args.setting, f"{records[0]['data']} ({args.split})", str(len(records))]
    header = ["system", "setting", "data", "checkpoints", "accuracy", "95 % range", *shown]
    return header, [[*what, *cells]]


def write_table(path, header, rows) -> None:
    """The table as LaTeX (.tex, booktabs) or Markdown."""
    lines = (latex if Path(path).suffix == ".tex" else tables.markdown)(header, rows)
    with replacing(path) as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="utf-8")


def latex(header, rows) -> list[str]:
    """Lines of a LaTeX table of strings, the first three columns left-aligned."""
    written = {c: rf"\{c}" for c in "%_&#${}"} | {"±": r"$\pm$", "\\": r"\textbackslash{}"}
    written |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    head, *body = (
        " & ".join(cell.translate(str.maketrans(written)) for cell in row) + r" \\"
        for row in (header, *rows)
    )
    columns = "l" * 3 + "r" * (len(header) - 3)
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return [begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", end]


def draw(args, clips, nets, records) -> None:
    """The figures of the first checkpoint."""
    out, net, features = make_folder(args.figures), nets[0], read(clips)
    title = f"{args.system}, {args.setting}, {clips.name} ({args.split})"
    if args.setting in localisation.DIRECTIONS:
        figures.save(figures.pairs(net, features, clips.ids, args.setting), out / "pairs.png")
        return
    matrix = np.sum([record["confusion"] for record in records], 0)
    figures.save(figures.confusion(matrix, clips.classes, title), out / "confusion.png")
    bars = {args.system: records[0]["class_accuracy"]}
    figures.save(figures.by_class(bars, title), out / "classes.png")
    figures.save(figures.tsne(net, features), out / "tsne.png")
    numbers = attention.clips_with_event(clips, DRAWN)
    link = link_of(net, args.setting, "none", "none", seed=0)
    watched = attention.watch({args.system: (net, link)}, clips, numbers, 0.0)
    panels = [attention_figure.panel_of(clips, n, watched, at) for at, n in enumerate(numbers)]
    attention_figure.save(out / "attention.png", panels, clips.classes)
