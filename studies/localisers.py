# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train every localiser in every setting, measure them and make docs/localisers.md.

Finished trainings are not repeated.  The main table is measured on the test split here; ablations
are as apps/train.py measured them; points over the link run through the GNU Radio flowgraph.
Results are kept in out/localisers.

    studies localisers --data DIR --seeds 5 --jobs 2       hours on a few cores
    studies localisers --data DIR --no-training            missing trainings are shown as a dash
"""

import argparse
import functools
import json
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.base.files import make_folder, sha256
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.clipset import digest
from gnuradio.semcom.data.tensors import read
from gnuradio.semcom.evaluation import localisation
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.loading import load_any
from gnuradio.semcom.systems.registry import LOCALISERS, localiser
from gnuradio.semcom.tasks import scores
from gnuradio.semcom.weights.names import shipped
from gnuradio.semcom.weights.store import read_header

from . import localiser_trainings as plan
from . import pages, points
from .localiser_pictures import FIGURES, attach, draw
from .trainings import Trainings, best, cells, validation
from .work import Records, complete, recorded

OUT = pages.ROOT / "out" / "localisers"
OURS = "span"
CHANNELS = ("awgn", "rayleigh", "rician")
SNRS = (-10.0, -5.0, 0.0, 10.0, 20.0)


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="folder in the AVE layout")
    add(
        "--match", type=Path, metavar="DIR", help="AVE-layout folder that also has *_order_match.h5"
    )
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of the trainings")
    add("--seeds", type=at_least(1), default=5, help="trainings of each row of the main table")
    add("--jobs", type=at_least(1), default=2, help="trainings in parallel, one core each")
    add("--no-training", action="store_true", help="measure the existing checkpoints only")


def run(args: argparse.Namespace) -> None:
    if not args.no_training:
        plan.train_all(args.data, args.match, args.runs, args.seeds, args.jobs)
    make_folder(FIGURES), make_folder(OUT)
    study = Study(args.data, args.match, args.runs, args.seeds, OUT)
    pages.write(pages.DOCS / "localisers.md", page(study))


class Study:
    """The trainings of a data set, and their records on its test split.

    data   the set's folder
    match  the set with AVE's splits for cross-modal localisation, or None
    runs   folder of the trainings
    seeds  trainings of each row of the main table
    out    folder that records are kept in
    """

    def __init__(self, data: Path, match: Path | None, runs: Path, seeds: int, out: Path):
        self.data, self.match, self.seeds, self.out = data, match, seeds, out
        self.trainings = plan.trainings_on(data, runs)
        self.across = plan.trainings_on(match, runs) if match else None
        self.kept = Records(out / "measured.json")
        self.clips = open_set(str(data), "test")
        self.features = functools.cache(lambda: read(self.clips))  # only where needed

    @functools.cached_property
    def tuning(self) -> dict:
        """(system, setting) -> validation accuracies of the grid's choices, of finished pairs."""
        return plan.tuning(self.trainings)

    @functools.cached_property
    def main(self) -> dict:
        """(system, setting) -> records on the test split, a training seed each."""
        paths = {
            pair: [path for run in plan.main_runs(self.tuning, pair, self.seeds)
                   if (path := self.trainings.get(run))]
            for pair in plan.PAIRS if pair in self.tuning
        }  # fmt: skip
        own = digest(self.clips)
        units = [
            recorded(f"{sha256(path)} {own}", path.stem, lambda p=path: self._test(p))
            for each in paths.values()
            for path in each
        ]
        found = iter(complete("test split", units, self.kept))
        return {pair: [next(found) for _ in each] for pair, each in paths.items()}

    def _test(self, path: Path) -> dict:
        net = load_any(path)
        return localisation.segment_record(net, self.features()) | localisation.origin(net, path)


def page(study: Study) -> str:
    """docs/localisers.md."""
    draw_ours(study)
    across = match_table(study)
    return pages.page(
        "localisers",
        command=pages.command("localisers"),
        data=study.clips.name,
        clips=str(len(study.clips)),
        main=main_table(study.main),
        lead=lead(study.main),
        common=plan.COMMON,
        choices=str(len(plan.GRID)),
        tuning=tuning_table(study.tuning),
        layers=layers(study.clips.classes),
        short=plan.SHORT,
        ablations=ablations(study.trainings),
        warm=plan.WARM,
        of_classes=plan.OF_CLASSES,
        warm_link=warm_table(study),
        fusion=fusion_size(study),
        link=plan.LINK,
        over_link=link_section(link_records(study)),
        link_tuning=link_tuning(study.trainings),
        match=study.match.resolve().name if study.match else "-",
        across=across,
        cost=cost_section(study),
        pictures=attach(),
    )


@functools.cache
def published() -> dict:
    """Published accuracies [%] on AVE: "main" by system and setting, "ablations" by row."""
    return json.loads(Path(__file__).with_name("published_localisers.json").read_text())


def percent(value: float | None) -> str:
    """A published accuracy [%] as a share, in the format of ours."""
    return "-" if value is None else f"{value / 100:.3f}"


def where_and_what(record: dict) -> tuple[float, float]:
    """Accuracy of event against background over all segments, and of the class over the segments
    that are an event and are classified as one."""
    matrix = np.array(record["confusion"])
    events = matrix[:-1, :-1]
    return (events.sum() + matrix[-1, -1]) / matrix.sum(), np.trace(events) / events.sum()


def main_table(found: dict) -> list:
    """A row for each (system, setting)."""
    header = [
        "system", "setting", "parameters", "seeds", "validation", "test", "95 % range", "event F1",
        "where", "what", "events only", "published, AVE",
    ]  # fmt: skip
    return tables.markdown(header, [main_row(*pair, each) for pair, each in found.items()])


def main_row(system: str, setting: str, records: list) -> list:
    """Cells of a (system, setting): means over the records of its training seeds, and the published
    accuracy."""
    low, high = localisation.summary(records)["accuracy_ci95"]

    def mean(key: str) -> str:
        return f"{np.mean([record[key] for record in records]):.3f}"

    return [
        system,
        setting,
        f"{records[0]['parameters']:,}",
        str(len(records)),
        mean("accuracy_validation"),
        tables.over_seeds([record["accuracy"] for record in records]).text(".3f"),
        f"{low:.3f}-{high:.3f}",
        mean("event_f1"),
        *(f"{share:.3f}" for share in np.mean([where_and_what(r) for r in records], 0)),
        mean("accuracy_events_only"),
        percent(published()["main"].get(system, {}).get(setting)),
    ]


def lead(found: dict) -> list:
    """Ours against the best of the others in each setting, paired over clips."""
    lines = []
    for setting in plan.SETTINGS:
        rivals = {pair: r for pair, r in found.items() if pair[1] == setting and pair[0] != OURS}
        mine = found.get((OURS, setting))
        if not mine or len(rivals) < len(LOCALISERS) - 1:
            continue
        top = max(rivals, key=lambda pair: localisation.summary(rivals[pair])["accuracy"])
        ours = np.mean([r["clip_scores"] for r in mine], 0)
        theirs = np.mean([r["clip_scores"] for r in rivals[top]], 0)
        low, high = scores.clip_bootstrap(ours - theirs)
        lines.append(
            f"- {setting}: `{OURS}` leads the best of the four on test, `{top[0]}`, by "
            f"{100 * (ours - theirs).mean():.1f} points (95 % interval of a paired bootstrap over "
            f"clips: {100 * low:+.1f} to {100 * high:+.1f})."
        )
    return lines


def tuning_table(tuning: dict) -> list:
    """Validation accuracy of each choice of the grid."""
    header = ["system", "setting", *(f"`{choice}`" for choice in plan.GRID)]
    return tables.markdown(header, [[*pair, *cells(each)] for pair, each in tuning.items()])


def layers(classes) -> list:
    """Parameters of each part of each network."""
    rows = []
    for system in LOCALISERS:
        for setting in plan.SETTINGS:
            cls = localiser(system)
            net = cls(cls.Config(setting=setting), classes)
            counts = {
                name: sum(p.numel() for p in part.parameters())
                for name, part in net.named_children()
            }
            parts = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
            rows.append([system, setting, f"{sum(counts.values()):,}", parts])
    return tables.markdown(["system", "setting", "total", "parts"], rows)


def ablations(trainings: Trainings) -> list:
    """A table for each group of rows."""
    header = ["", "options"]
    for setting in plan.SETTINGS:
        header += [f"{setting}, validation", f"{setting}, test", "published, AVE"]
    lines = []
    for title in dict.fromkeys(row.table for row in plan.ROWS):
        rows = [ablation_row(trainings, row) for row in plan.ROWS if row.table == title]
        lines += [f"### {title}", "", *tables.markdown(header, rows), ""]
    return lines


def ablation_row(trainings: Trainings, row: plan.Row) -> list:
    """The accuracy of a row in each setting, as apps/train.py measured it."""
    said, found = published()["ablations"].get(row.label, {}), []
    for setting in plan.SETTINGS:
        path = trainings.get(row.run(setting)) if setting in row.settings else None
        if path is None:
            found += ["-", "-"]
        else:
            measured = read_header(path)["metrics"]
            found += [f"{measured['validation']:.3f}", f"{measured['test']['error_free']:.3f}"]
        found.append(percent(said.get(setting)))
    return [row.label, f"`--system {row.system} {row.options}`".replace(" `", "`"), *found]


def link_choices(trainings: Trainings) -> dict:
    """Decoder -> checkpoints of all its choices, for decoders with all choices trained."""
    paths = {
        label: [trainings.get(run) for run in runs] for label, runs in plan.link_runs().items()
    }
    return {label: each for label, each in paths.items() if None not in each}


def link_tuning(trainings: Trainings) -> list:
    """Validation accuracy of each choice of the link's grid."""
    choices = link_choices(trainings).items()
    rows = [[label, *cells([validation(path) for path in paths])] for label, paths in choices]
    return tables.markdown(["decoder", *(f"`{choice}`" for choice in plan.LINK_GRID)], rows)


def link_records(study: Study) -> dict:
    """Decoder -> records over channels and SNRs, through the flowgraph; finished ones are kept."""
    units, labels = [], []
    for label, paths in link_choices(study.trainings).items():
        path = str(paths[best([validation(path) for path in paths])])
        for channel in CHANNELS:
            for snr in SNRS:
                point = Scenario(
                    system="pilot_ave", channel=channel, snr=snr, detector="lmmse",
                    checkpoint=path, data=str(study.data), pilot_length=64,
                )  # fmt: skip
                units.append(points.unit(point, study.clips, path))
                labels.append(label)
    found = {}
    for label, record in zip(labels, complete("link", units, points.store(study.out)), strict=True):
        found.setdefault(label, []).append(record)
    return found


def warm_table(study: Study) -> list:
    """Accuracy of every localiser with the link inside it against that without a link; points run
    through the flowgraph, finished ones are kept."""
    rows = []
    for pair, runs in plan.warm_runs(study.data.resolve().name).items():
        if paths := [path for run in runs if (path := study.trainings.get(run))]:
            own = study.main.get(pair)
            free = localisation.summary(own)["accuracy"] if own else None
            rows.append(warm_row(pair, free, warm_records(study, paths)))
    header = ["decoder", "setting", "without a link", "over the link", "share", "seeds",
              "95 % range", *(f"{snr:g} dB" for snr in plan.WARM_SNRS)]  # fmt: skip
    return tables.markdown(header, rows) if rows else ["Not trained yet."]


def warm_records(study: Study, paths: list[Path]) -> dict:
    """SNR -> records of checkpoints over Rayleigh: of all at WARM_SNR, of the first one at the
    other SNRs."""
    found = {}
    for snr in (plan.WARM_SNR, *plan.WARM_SNRS):
        units = []
        for path in paths if snr == plan.WARM_SNR else paths[:1]:
            point = Scenario(
                system="pilot_ave", channel="rayleigh", snr=snr, detector="lmmse",
                checkpoint=str(path), data=str(study.data),
            )  # fmt: skip
            units.append(points.unit(point, study.clips, str(path)))
        found[snr] = complete("link", units, points.store(study.out))
    return found


def warm_row(pair: tuple, free: float | None, records: dict) -> list:
    """Share of its link-free accuracy ``free`` that a localiser keeps over the link."""
    here = records[plan.WARM_SNR]
    found = [record["accuracy"] for record in here]
    low, high = np.mean([record["accuracy_ci95"] for record in here], 0)
    return [
        *pair,
        "-" if free is None else f"{free:.3f}",
        tables.over_seeds(found).text(".3f"),
        "-" if free is None else f"{np.mean(found) / free:.3f}",
        str(len(here)),
        f"{low:.3f}-{high:.3f}",
        *(f"{records[snr][0]['accuracy']:.3f}" for snr in plan.WARM_SNRS),
    ]


def fusion_size(study: Study) -> str:
    """Root mean square of F^av Z in the shipped co-attention, over some clips."""
    path, clips = shipped("coattention", "sel", study.data.resolve().name), study.features()
    if not path.is_file():
        return "not known"
    with torch.inference_mode():
        fusion = load_any(path).spatial.see(clips.audio[:64], clips.visual[:64])[1]
    return f"{float(fusion.square().mean().sqrt()):.0e}"


def link_section(records: dict) -> list:
    """Figure and table of the decoders over the link."""
    if not records:
        return ["Not trained yet."]
    plots.draw(FIGURES / "link.png", [link_panel(channel, records) for channel in CHANNELS])
    rows = [
        [label, channel, *(f"{r['accuracy']:.3f}" for r in each if r["channel"] == channel)]
        for label, each in records.items()
        for channel in CHANNELS
    ]
    header = ["decoder", "channel", *(f"{snr:g} dB" for snr in SNRS)]
    return ["![decoders over the link](figures/localisers/link.png)", "",
            *tables.markdown(header, rows)]  # fmt: skip


def link_panel(channel: str, records: dict) -> plots.Axes:
    """Accuracy over SNR on a channel, a curve for each decoder; records: label -> records."""
    lines = []
    for k, (label, every) in enumerate(records.items()):
        here = [r for r in every if r["channel"] == channel]
        snr, estimates = [r["snr_db"] for r in here], [tables.estimate([r]) for r in here]
        lines.append(plots.Line(label, snr, estimates, (k, k % len(plots.DASHES))))
    return plots.Axes(channel, plots.SNR_LABEL, "segment accuracy", lines)


def match_table(study: Study) -> list:
    """Cross-modal localisation on the set with AVE's splits for it, and its picture."""
    if study.match is None:
        return ["Not run: no folder with AVE's splits for it was given (`--match`)."]
    clips = open_set(str(study.match), "test_match")
    features = functools.cache(lambda: read(clips))
    labels = functools.cache(
        lambda: read(open_set(str(study.match), "train_match"), terminals=("audio",)).labels
    )
    rows = []
    for _, training in plan.match_runs(study.across):
        path = study.across.get(training)
        if path is None:
            continue
        net, sha = load_any(path), sha256(path)
        units = [
            recorded(f"{sha} {mode}", f"{net.name} {mode}", lambda n=net, m=mode:
                     localisation.match_record(n, features(), labels(), m))
            for mode in localisation.DIRECTIONS
        ]  # fmt: skip
        found = complete("matching", units, study.kept)
        for mode, record in zip(localisation.DIRECTIONS, found, strict=True):
            rows.append(match_row(net.name, mode, record))
        if net.name == "coattention":
            draw("coattention", "a2v", study.match, path, "cml")
    header = ["system", "direction", "clips", "recomputed", "95 % range", "paper's inference",
              "position prior", "chance", "published, AVE"]  # fmt: skip
    return tables.markdown(header, rows)


def match_row(system: str, mode: str, record: dict) -> list:
    """Cells of a system in one direction of cross-modal localisation, and the published
    accuracy."""
    low, high = record["accuracy_ci95"]
    others = ("accuracy_paper_inference", "accuracy_position_prior", "accuracy_chance")
    said = percent(published()["main"]["cml"][mode]) if system == "coattention" else "-"
    return [system, mode, str(record["clips"]), f"{record['accuracy']:.3f}",
            f"{low:.3f}-{high:.3f}", *(f"{record[key]:.3f}" for key in others), said]  # fmt: skip


def cost_section(study: Study) -> list:
    """Time and memory of supervised VSCG on the set of AVE's size."""
    if study.match is None:
        return ["Not run: no folder of AVE's size was given (`--match`)."]
    path = study.across.get(plan.COST)
    if path is None:
        return ["Not run yet."]
    cost, clips = read_header(path)["cost"], len(open_set(str(study.match), "train"))
    minutes = 300 * cost["epoch_s"] / 60
    rows = [
        ["ours", f"{cost['device']}, {cost['threads']} threads", f"{cost['epoch_s']:.1f}",
         f"{minutes:.0f}", f"{cost['peak_resident']:.0f}", f"{cost['mapped']:.0f}"],
        ["paper", "GTX 1080", f"{54 * 60 / 300:.1f}", "54", "2623 (of the GPU)", "-"],
    ]  # fmt: skip
    header = ["", "on", "s per epoch", "300 epochs [min]", "peak resident [MiB]",
              "of these mapped files [MiB]"]  # fmt: skip
    return [f"{clips} training clips, `apps/train.py {plan.COST.options}`:", "",
            *tables.markdown(header, rows)]  # fmt: skip


def draw_ours(study: Study) -> None:
    """Draw confusion, classes and attention of our localiser, and features of co-attention."""
    for system in (OURS, "coattention"):
        if study.main.get((system, "sel")):
            training = plan.main_runs(study.tuning, (system, "sel"), 1)[0]
            draw(system, "sel", study.data, study.trainings[training], system)
