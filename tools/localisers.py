# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/localisers.md from what tools/train_localisers.py has trained.

    tools/localisers.py --data DIR --match DIR --seeds 5

The main table is measured on the test split here, ablations are as apps/train.py measured them;
points over the link run through the GNU Radio flowgraph.  Both are kept in out/localisers.
A training that is not finished is a dash.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import train_localisers as plan_of
from gnuradio.semcom.base import files
from gnuradio.semcom.base.errors import exit_status
from gnuradio.semcom.base.files import make_folder, replacing
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.tensors import read
from gnuradio.semcom.evaluation import localisation
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run import records
from gnuradio.semcom.run.runner import identity, run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.registry import LOCALISERS, load_any
from gnuradio.semcom.tasks import scores
from gnuradio.semcom.weights import store as checkpoint
from rich.progress import Progress

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "localisers"
FIGURES = ROOT / "docs" / "figures" / "localisers"
OURS = "default"
CHANNELS = ("awgn", "rayleigh", "rician")
SNRS = (-10.0, -5.0, 0.0, 10.0, 20.0)
PUBLISHED = {  # accuracy on AVE [%], another data set
    ("avel", "sel"): 72.7,
    ("avel", "wsel"): 66.7,
    ("psp", "sel"): 77.8,
    ("psp", "wsel"): 73.5,
    ("coattention", "sel"): 76.5,
    ("coattention", "wsel"): 70.2,
    ("vscg", "sel"): 79.7,
    ("vscg", "wsel"): 74.8,
    ("cml", "a2v"): 49.0,
    ("cml", "v2a"): 51.0,
}
PUBLISHED_ROWS = {  # of ablations, (sel, wsel) on AVE [%]
    "whole (CERE)": (79.7, 74.8),
    "without ESCM": (77.9, 72.9),
    "without ISCE's state (zeros)": (76.4, 71.9),
    "average": (77.8, 73.0),
    "maximum": (78.2, 73.4),
    "a CERE each": (77.2, 72.8),
    "AVEL": (72.7, 66.7),
    "AVEL with PSP": (76.6, 72.9),
    "AVEL with ESCM": (77.5, 72.9),
    "PSP": (76.6, 72.9),
    "PSP with ESCM": (78.8, 73.8),
    "VSCG, L_c + L_t": (78.1, None),
    "VSCG, cross entropy + 100 L_avps": (78.8, None),
    "VSCG, L_c + L_t + L_avps": (79.7, None),
    "PSP, L_c + L_t": (76.3, None),
    "PSP, cross entropy + 100 L_avps": (76.6, None),
    "PSP, L_c + L_t + L_avps": (77.5, None),
    "VSCG, L_bce": (None, 73.8),
    "VSCG, 2 L_bce + L_s-bce": (None, 74.8),
    "PSP, L_bce": (None, 72.9),
    "PSP, 2 L_bce + L_s-bce": (None, 73.0),
    "CSPA": (74.1, 68.0),
    "CSEA": (72.9, 66.4),
    "(CSPA /aa) + CSEA": (75.5, 69.8),
    "CSPA + (CSEA /v2a)": (75.9, 70.1),
    "CSPA + (CSEA /a2v)": (76.3, 70.1),
    "CSPA + CSEA": (76.5, 70.2),
}


class Kept:
    """Records on disk by their checkpoint's content: what is measured is not measured again."""

    def __init__(self, path: Path):
        self.path = path
        self.records = json.loads(path.read_text()) if path.exists() else {}

    def get(self, checkpoint_file: Path, what: str, measure) -> dict:
        """The record ``what`` of a checkpoint, from disk or from ``measure()``."""
        key = f"{files.sha256(checkpoint_file)} {what}"
        if key not in self.records:
            self.records[key] = measure()
            with replacing(self.path) as temporary:
                Path(temporary).write_text(json.dumps(self.records))
        return self.records[key]


class Study:
    """The trainings of a data set, and their records on its test split."""

    def __init__(self, data: Path, runs: Path, kept: Kept):
        self.plan, self.kept = plan_of.plan_for(data, runs), kept
        self.clips = open_set(str(data), "test")
        self.features = read(self.clips)

    def path(self, run: plan_of.Run) -> Path | None:
        """Checkpoint of a training; None if it is not finished."""
        return next((self.plan.folder / run.label).glob("*.safetensors"), None)

    def record(self, run: plan_of.Run) -> dict | None:
        """What it makes of the test split; None if it is not trained."""
        path = self.path(run)
        if path is None:
            return None
        return self.kept.get(path, self.clips.name, lambda: self._measure(path))

    def _measure(self, path: Path) -> dict:
        net = load_any(path)
        return localisation.segment_record(net, self.features) | localisation.origin(net, path)

    def measured(self, run: plan_of.Run) -> tuple[float, float] | None:
        """Accuracy on validation and on test as apps/train.py measured it; None if not trained."""
        path = self.path(run)
        if path is None:
            return None
        metrics_of = checkpoint.read_header(path)["metrics"]
        return metrics_of["validation"], metrics_of["test"]["error_free"]

    def tuning(self) -> dict:
        """(system, setting) -> validation accuracies of the grid's choices, of finished pairs."""
        scores = {}
        for pair in plan_of.PAIRS:
            choices = range(len(plan_of.GRID))
            paths = [self.path(plan_of.main_run(*pair, 0, c)) for c in choices]
            if None not in paths:
                headers = [checkpoint.read_header(path) for path in paths]
                scores[pair] = [header["metrics"]["validation"] for header in headers]
        return scores


def percent(value) -> str:
    """A published figure in the form of ours."""
    return "-" if value is None else f"{value / 100:.3f}"


def where_and_what(record: dict) -> tuple[float, float]:
    """Share of segments rightly told event from background, and of the segments that are an event
    and are called one, the share with the right name."""
    matrix = np.array(record["confusion"])
    events = matrix[:-1, :-1]
    return (events.sum() + matrix[-1, -1]) / matrix.sum(), np.trace(events) / events.sum()


def main_table(study: Study, seeds: int) -> tuple[list, dict]:
    """Lines of the main table, and its records by (system, setting)."""
    scores, rows, found = study.tuning(), [], {}
    for pair in plan_of.PAIRS:
        if pair not in scores:
            continue
        runs = plan_of.main_runs(scores, pair, seeds)
        records = [r for r in map(study.record, runs) if r is not None]
        found[pair] = records
        total = localisation.summary(records)
        low, high = total["accuracy_ci95"]
        where, what = np.mean([where_and_what(r) for r in records], 0)
        values = {
            "test": tables.over_seeds([r["accuracy"] for r in records]).text(".3f"),
            "validation": np.mean([r["accuracy_validation"] for r in records]),
            "only": np.mean([r["accuracy_events_only"] for r in records]),
            "f1": np.mean([r["event_f1"] for r in records]),
        }
        rows.append(
            [
                *pair,
                f"{records[0]['parameters']:,}",
                str(len(records)),
                f"{values['validation']:.3f}",
                values["test"],
                f"{low:.3f}-{high:.3f}",
                f"{values['f1']:.3f}",
                f"{where:.3f}",
                f"{what:.3f}",
                f"{values['only']:.3f}",
                percent(PUBLISHED.get(pair)),
            ]
        )
    header = [
        "system", "setting", "parameters", "seeds", "validation", "test", "95 % range", "event F1",
        "where", "what", "events only", "published, AVE",
    ]  # fmt: skip
    return tables.markdown(header, rows), found


def lead(found: dict) -> list:
    """Ours against the best of the others in each setting, paired over clips."""
    lines = []
    for setting in plan_of.SETTINGS:
        rivals = {pair: r for pair, r in found.items() if pair[1] == setting and pair[0] != OURS}
        mine = found.get((OURS, setting))
        if not mine or len(rivals) < len(LOCALISERS) - 1:
            continue
        best = max(rivals, key=lambda pair: localisation.summary(rivals[pair])["accuracy"])
        ours = np.mean([r["clip_scores"] for r in mine], 0)
        theirs = np.mean([r["clip_scores"] for r in rivals[best]], 0)
        low, high = scores.clip_bootstrap(ours - theirs)
        lines.append(
            f"- {setting}: `{OURS}` leads the best of the four on test, `{best[0]}`, by "
            f"{100 * (ours - theirs).mean():.1f} points (95 % interval of a paired bootstrap over "
            f"clips: {100 * low:+.1f} to {100 * high:+.1f})."
        )
    return lines


def tuning_table(study: Study) -> list:
    """What validation said of each choice of the grid."""
    rows = []
    for pair, values in study.tuning().items():
        cells = [f"{value:.3f}" for value in values]
        cells[plan_of.best(values)] = f"**{cells[plan_of.best(values)]}**"
        rows.append([*pair, *cells])
    return tables.markdown(["system", "setting", *(f"`{g}`" for g in plan_of.GRID)], rows)


def ablations(study: Study) -> list:
    """A table for each group of rows."""
    lines = []
    for table in dict.fromkeys(row.table for row in plan_of.ROWS):
        rows = []
        for row in (row for row in plan_of.ROWS if row.table == table):
            cells = []
            for setting, said in zip(
                plan_of.SETTINGS, PUBLISHED_ROWS.get(row.label, (None, None)), strict=True
            ):
                found = study.measured(row.run(setting)) if setting in row.settings else None
                cells += ["-", "-"] if found is None else [f"{value:.3f}" for value in found]
                cells.append(percent(said))
            rows.append(
                [row.label, f"`--system {row.system} {row.options}`".replace(" `", "`"), *cells]
            )
        header = ["", "options"]
        for setting in plan_of.SETTINGS:
            header += [f"{setting}, validation", f"{setting}, test", "published, AVE"]
        lines += [f"### {table}", "", *tables.markdown(header, rows), ""]
    return lines


def layers(study: Study) -> list:
    """Parameters of each part of each network."""
    rows = []
    for system, cls in LOCALISERS.items():
        for setting in plan_of.SETTINGS:
            net = cls(cls.Config(setting=setting), study.clips.classes)
            counts = {
                name: sum(p.numel() for p in part.parameters())
                for name, part in net.named_children()
            }
            parts = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
            rows.append([system, setting, f"{sum(counts.values()):,}", parts])
    return tables.markdown(["system", "setting", "total", "parts"], rows)


def link_choices(study: Study) -> dict:
    """Decoder -> (checkpoints of all its choices, index of the best on validation), of those that
    are all trained."""
    found = {}
    for label, runs in plan_of.link_runs().items():
        paths = [study.path(run) for run in runs]
        if None not in paths:
            scores = [checkpoint.read_header(p)["metrics"]["validation"] for p in paths]
            found[label] = paths, plan_of.best(scores)
    return found


def link_tuning(study: Study) -> list:
    """What validation said of each choice of the link's grid."""
    rows = []
    for label, (paths, best) in link_choices(study).items():
        cells = [f"{checkpoint.read_header(p)['metrics']['validation']:.3f}" for p in paths]
        cells[best] = f"**{cells[best]}**"
        rows.append([label, *cells])
    return tables.markdown(["decoder", *(f"`{choice}`" for choice in plan_of.LINK_GRID)], rows)


def link_records(study: Study, out: Path, data: Path) -> dict:
    """Decoder -> records over channels and SNRs, through the flowgraph; finished ones are kept."""
    store = records.Store(make_folder(out) / "points.json")
    paths = {label: runs[best] for label, (runs, best) in link_choices(study).items()}
    result = {}
    with Progress() as bar:
        task = bar.add_task("link", total=len(paths) * len(CHANNELS) * len(SNRS))
        for label, path in paths.items():
            for channel in CHANNELS:
                for snr in SNRS:
                    point = Scenario(
                        system="pilot_ave", channel=channel, snr=snr, detector="lmmse",
                        checkpoint=str(path), data=str(data), pilot_length=64,
                    )  # fmt: skip
                    key = store.key(identity(point, study.clips, str(path)))
                    if key not in store:
                        store.add(run_point(point, study.clips))
                    result.setdefault(label, []).append(store[key])
                    bar.advance(task)
    return result


def link_section(records: dict) -> list:
    """Figure and table of the decoders over the link."""
    if not records:
        return ["Not trained yet."]
    panels = []
    for channel in CHANNELS:
        lines = []
        for k, (label, all_points) in enumerate(records.items()):
            points = [r for r in all_points if r["channel"] == channel]
            estimates = [tables.estimate([r]) for r in points]
            lines.append(
                plots.Line(
                    label, [r["snr_db"] for r in points], estimates, (k, k % len(plots.DASHES))
                )
            )
        panels.append(plots.Axes(channel, plots.SNR_LABEL, "segment accuracy", lines))
    plots.draw(FIGURES / "link.png", panels)
    rows = [
        [label, channel, *(f"{r['accuracy']:.3f}" for r in points if r["channel"] == channel)]
        for label, points in records.items()
        for channel in CHANNELS
    ]
    header = ["decoder", "channel", *(f"{snr:g} dB" for snr in SNRS)]
    return ["![decoders over the link](figures/localisers/link.png)", "",
            *tables.markdown(header, rows)]  # fmt: skip


def match_section(match: Path | None, runs: Path, kept: Kept) -> list:
    """Cross-modal localisation on the set with AVE's splits for it."""
    if match is None:
        return ["Not run: no folder with AVE's splits for it was given (`--match`)."]
    plan, rows = plan_of.plan_for(match, runs), []
    train = read(open_set(str(match), "train_match"), terminals=("audio",)).labels
    clips = open_set(str(match), "test_match")
    features = read(clips)
    for _, run in plan_of.match_runs(plan):
        path = next((plan.folder / run.label).glob("*.safetensors"), None)
        if path is None:
            continue
        net = load_any(path)
        for mode in localisation.DIRECTIONS:
            record = kept.get(
                path, mode, lambda n=net, m=mode: localisation.match_record(n, features, train, m)
            )
            low, high = record["accuracy_ci95"]
            cells = [record["accuracy_paper_inference"], record["accuracy_position_prior"],
                     record["accuracy_chance"]]  # fmt: skip
            said = percent(PUBLISHED["cml", mode]) if net.name == "coattention" else "-"
            rows.append([net.name, mode, str(record["clips"]), f"{record['accuracy']:.3f}",
                         f"{low:.3f}-{high:.3f}", *(f"{x:.3f}" for x in cells), said])  # fmt: skip
        if net.name == "coattention":
            draw("coattention", "a2v", match, path, "cml")
    header = ["system", "direction", "clips", "recomputed", "95 % range", "paper's inference",
              "position prior", "chance", "published, AVE"]  # fmt: skip
    return tables.markdown(header, rows)


def cost_section(match: Path | None, runs: Path) -> list:
    """Time and memory of supervised VSCG on the set of AVE's size."""
    if match is None:
        return ["Not run: no folder of AVE's size was given (`--match`)."]
    plan = plan_of.plan_for(match, runs)
    path = next((plan.folder / plan_of.COST.label).glob("*.safetensors"), None)
    if path is None:
        return ["Not run yet."]
    cost, clips = checkpoint.read_header(path)["cost"], len(open_set(str(match), "train"))
    minutes = 300 * cost["epoch_s"] / 60
    rows = [
        ["ours", f"{cost['device']}, {cost['threads']} threads", f"{cost['epoch_s']:.1f}",
         f"{minutes:.0f}", f"{cost['peak_resident']:.0f}", f"{cost['mapped']:.0f}"],
        ["paper", "GTX 1080", f"{54 * 60 / 300:.1f}", "54", "2623 (of the GPU)", "-"],
    ]  # fmt: skip
    header = ["", "on", "s per epoch", "300 epochs [min]", "peak resident [MiB]",
              "of it mapped files [MiB]"]  # fmt: skip
    return [f"{clips} training clips, `apps/train.py {plan_of.COST.options}`:", "",
            *tables.markdown(header, rows)]  # fmt: skip


def draw(system: str, setting: str, data: Path, path: Path, name: str) -> None:
    """apps/evaluate.py's figures of a checkpoint, as docs/figures/localisers/NAME-*.png."""
    folder = FIGURES / name
    words = ["--system", system, "--setting", setting, "--data", str(data)]
    words += ["--checkpoint", str(path), "--figures", str(folder)]
    subprocess.run([sys.executable, ROOT / "apps" / "evaluate.py", *words], check=True)
    for picture in folder.glob("*.png"):
        shutil.move(picture, FIGURES / f"{name}-{picture.name}")
    folder.rmdir()


def pictures(study: Study, found: dict, data: Path) -> list:
    """Confusion, classes and attention of ours; features of co-attention."""
    lines = []
    for system in (OURS, "coattention"):
        if found.get((system, "sel")):
            choice = plan_of.best(study.tuning()[system, "sel"])
            path = study.path(plan_of.main_run(system, "sel", 0, choice))
            draw(system, "sel", data, path, system)
    for title, name in {
        "Confusion of `default` (sel, seed 0)": "default-confusion",
        "Attention of `default`, over the 7x7 grid: the set has no pictures": "default-attention",
        "Features of co-attention before and after (t-SNE)": "coattention-tsne",
        "Cross-modal pairs of co-attention, generated features": "cml-pairs",
    }.items():
        if (FIGURES / f"{name}.png").exists():
            lines += [f"{title}:", "", f"![{title}](figures/localisers/{name}.png)", ""]
    return lines


def head_of_page(name: str, clips: int) -> list:
    """What the page is of, and what the columns of its first table mean."""
    return [
        f"# Localisers on {name}",
        "",
        "Made by `make localisers DATA=<folder> [MATCH=<folder>]` (tools/train_localisers.py, then",
        f"tools/localisers.py). Data set {name}, test split, {clips} clips; validation",
        "selects epoch and setting. **ave28 is composed: real features, artificial pairing and",
        "timing. Its figures are not comparable with those published on AVE, which stand in",
        "columns of their own for the order alone.**",
        "",
        "## Supervised (sel) and weakly supervised (wsel)",
        "",
        "Test: mean ± standard deviation over training seeds; 95 % range: from resampling clips.",
        "Event F1: whole events, overlap at least 0.5. Where: event told from background. What:",
        "the right name, of event segments that are called an event. Events only: the answer if no",
        "segment may be background.",
        "",
    ]


def link_lines(link, study: Study) -> list:
    """The decoders over the link, with what to know about them."""
    return [
        "## Over the link",
        "",
        "pilot_ave with each semantic decoder, trained with the channel (one seed,",
        f"`{plan_of.LINK}`,",
        "the better of two choices on validation, mean over channels and -10 to 20 dB, below);",
        "64 symbols a second and terminal, LS estimation from pilot rows of 64, LMMSE detection,",
        "feedback at the uplink's SNR, through the GNU Radio flowgraph.",
        "",
        "Co-attention and ISCE want more of the picture than one vector a second. Co-attention:",
        "the video terminal, which hears the audio terminal, does the spatial part and sends",
        "what comes of it; on a map: 3x3 regions are sent in its place, in the same symbols,",
        "and the receiver attends. The map is the better one here (`--spatial map`); the",
        "terminal is what training takes unless told, because there feedback guides and what is",
        "looked at can be shown. VSCG and co-attention lose most against themselves without a",
        "link: VSCG's loss in training still falls when its validation has stood still for four",
        "epochs; co-attention's loss is slow (above), and now has noise besides. From 0 dB on",
        "the radio costs none of them anything.",
        "",
        *link_section(link),
        "",
        *link_tuning(study),
    ]


def match_lines(across: list, match) -> list:
    """Matching across the modalities."""
    return [
        "## Across the modalities",
        "",
        f"Set {match.resolve().name if match else '-'}: AVE's labels and its splits for",
        "matching, generated features (tools/make_ave_sized.py): what runs, not how well on AVE.",
        "Recomputed: the network sees the query's seconds and each candidate's alone. Paper's",
        "inference: features computed in step, which tells which seconds belong together. Position",
        "prior: the start most frequent in training for an event of that length, without features.",
        "",
        *across,
        "",
        "On ave28 starts cannot be identified, so no figure is claimed there.",
    ]


def ave_lines(args) -> list:
    """What to do with AVE's own features, and what it costs."""
    return [
        "## AVE itself",
        "",
        "AVE's features are not in this project, so no figure on AVE is claimed. With them in a",
        "folder (`audio_feature.h5`, `visual_feature.h5`, `labels.h5`, `mil_labels.h5`,",
        "`*_order.h5`), the whole of this page is `make localisers DATA=<folder> MATCH=<folder>`,",
        "one row of it",
        "",
        "    apps/train.py --data <folder> --system vscg --setting sel --seeds 5 --epochs 300",
        "    apps/evaluate.py --data <folder> --system vscg --setting sel --checkpoint <file>",
        "",
        "What that costs, on a set of AVE's size with its labels and generated features:",
        "",
        *cost_section(args.match, args.runs),
    ]


def page(args) -> list:
    """docs/localisers.md."""
    kept = Kept(OUT / "records.json")
    study = Study(args.data, args.runs, kept)
    table, found = main_table(study, args.seeds)
    link = link_records(study, OUT, args.data)
    across = match_section(args.match, args.runs, kept)
    return [
        *head_of_page(study.clips.name, len(study.clips)),
        *table,
        "",
        *lead(found),
        "",
        *(ROOT / "docs" / "localisers-notes.md").read_text().splitlines(),
        "",
        "## Tuning",
        "",
        f"Every pair of system and setting: one training (seed 0, `{plan_of.COMMON}`) with each of",
        f"these {len(plan_of.GRID)} choices, the best on validation for all seeds:",
        "",
        *tuning_table(study),
        "",
        "## Layers and parameters",
        "",
        *layers(study),
        "",
        "Published totals: AVEL 1.34 M, PSP 1.67 M (supervised) and 1.25 M (weakly), VSCG 2.63 M",
        "and 2.40 M. The layers that papers and public code list add up to what stands above.",
        "",
        "## Ablations",
        "",
        f"One training seed, `{plan_of.SHORT}`: differences below some 0.02 say nothing. Published",
        "figures are of AVE.",
        "",
        *ablations(study),
        *link_lines(link, study),
        "",
        *match_lines(across, args.match),
        "",
        *ave_lines(args),
        "",
        "## Pictures",
        "",
        *pictures(study, found, args.data),
    ]


def main() -> None:
    args = plan_of.options().parse_args()
    make_folder(FIGURES), make_folder(OUT)
    lines = page(args)
    with replacing(ROOT / "docs" / "localisers.md") as temporary:
        Path(temporary).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(exit_status("localisers.py", main))
