# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/media.md: what systems on media reach, and how fast they are.

RAW and TEACHERS train what is not trained (hours); without them what is in RUNS and models/ is
measured.  CLIPS holds natural clips with clips.json.  Of composed sets the test splits count.
Points run through the GNU Radio flowgraph; finished ones are kept in RUNS/measured.

    studies media --raw DIR --teachers DIR --clips DIR
    studies media --clips DIR
"""

import argparse
import functools
import json
import os
import platform
from pathlib import Path

os.environ["GR_CONF_PERFCOUNTERS_ON"] = "True"  # GNU Radio reads it once, when it is loaded

import numpy as np
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import sha256
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.chain import reference
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.clipset import clip_event
from gnuradio.semcom.data.films import Films
from gnuradio.semcom.report import tables
from gnuradio.semcom.run.films import run_films
from gnuradio.semcom.run.scenario import Scenario, settings
from gnuradio.semcom.systems.loading import shared_system
from gnuradio.semcom.weights.names import shipped

from . import media_trainings as plan
from . import pages, points
from .media_speed import figure, speed
from .work import Records, complete, recorded

TRAINED = (
    "Male speech, man speaking", "Bark", "Helicopter", "Violin, fiddle", "Flute",
    "Acoustic guitar", "Clock", "Goat", "Baby cry, infant cry", "Chainsaw", "Cat",
)  # fmt: skip
SNR = 10.0


def add_options(parser: argparse.ArgumentParser) -> None:
    add, root = parser.add_argument, pages.ROOT
    add("--raw", type=Path, metavar="DIR", help="folder with manifest.csv")
    add("--teachers", type=Path, metavar="DIR", help="folder of .tflite files")
    add("--clips", type=Path, required=True, metavar="DIR", help="folder with clips.json")
    add("--runs", type=Path, default=root / "runs" / "media", metavar="DIR",
        help="where to keep everything")  # fmt: skip
    add("--jobs", type=at_least(1), default=2, help="trainings at a time")


def run(args: argparse.Namespace) -> None:
    if (args.raw is None) != (args.teachers is None):
        raise SemcomError("--raw, --teachers: one without the other; give both to train, or none")
    if args.raw:
        plan.train_all(args.raw, args.teachers, args.runs, args.jobs)
    pages.write(pages.DOCS / "media.md", page(args.clips, args.runs))


def page(clips: Path, runs: Path) -> str:
    """docs/media.md."""
    files = sorted(clips.glob("*.mp4"))
    kept = Records(runs / "measured" / "records.json")
    figure(over_the_air("pilot_ave_plus"), pages.DOCS / "figures" / "media.png")
    time, live = speed(over_the_air("pilot_ave_plus"), files)
    natural = []
    for system in plan.SYSTEMS:
        natural += [f"## Natural clips, `{system}`", ""]
        natural += [*natural_table(clips, system, runs, kept), ""]
    return pages.page(
        "media",
        composed=composed_table(runs, kept),
        natural=natural,
        clips=str(len(files)),
        cores=str(os.cpu_count()),
        machine=platform.machine(),
        time=time,
        live=live,
    )


def links(system: str, runs: Path) -> dict[str, Scenario]:
    """What is measured of a system: trained and tested without a channel, and over one."""
    training = plan.training(system, "error_free")
    free = plan.trainings_in(runs).get(training)
    if free is None:
        raise SemcomError(f"{runs}: {training.label} is not trained; give --raw and --teachers")
    return {
        "error-free": Scenario(system=system, channel="none", checkpoint=str(free)),
        "10 dB Rayleigh": over_the_air(system),
    }


def over_the_air(system: str) -> Scenario:
    """The shipped system at 10 dB."""
    own = str(shipped(system, "full", plan.DATA))
    return Scenario(system=system, channel="rayleigh", snr=SNR, checkpoint=own)


def key_of(what: str, point: Scenario) -> str:
    """What tells a measurement of a point from others: its weights by content, its options."""
    options = json.dumps({**settings(point), "checkpoint": ""}, sort_keys=True)
    return f"{what} {sha256(point.checkpoint)} {options}"


def composed_table(runs: Path, kept: Records) -> list[str]:
    """Accuracy on the test splits of composed sets."""
    rows, linked = [], points.store(runs / "measured")
    for name in ("raw", "drawn"):
        clips = open_set(runs / name, "test")
        for system in plan.SYSTEMS:
            places = links(system, runs)
            units = [points.unit(p, clips, p.checkpoint) for p in places.values()]
            records = complete(f"{name}, {system}", units, linked)
            named = complete("clips named", [naming(p, clips) for p in places.values()], kept)
            free = records[0]["accuracy"]
            for label, record, told in zip(places, records, named, strict=True):
                low, high = record["accuracy_ci95"]
                rows.append([clips.name, system, label, f"{record['accuracy']:.3f}",
                             f"{low:.3f}-{high:.3f}", f"{record['accuracy'] / free:.3f}",
                             f"{told['first']:.3f}", f"{told['three']:.3f}"])  # fmt: skip
    header = ["set", "system", "link", "segment accuracy", "95 % range", "of the error-free",
              "clips named", "among the best three"]  # fmt: skip
    return tables.markdown(header, rows)


def naming(point: Scenario, clips):
    """The unit of :func:`clips_named`."""
    key = key_of(f"named {clips.name} {len(clips)}", point)
    return recorded(key, f"clips named, {point.system}", lambda: clips_named(point, clips))


def clips_named(point: Scenario, clips) -> dict:
    """Share of the clips with an event whose event is the most probable of the whole clip, and
    among the best three; by the Torch twin of the link, which decides alike."""
    net = shared_system(point.system, point.checkpoint, point.device)
    background = len(clips.classes) - 1
    with_event = [i for i in range(len(clips)) if (clips.labels(i) != background).any()]
    told = reference.outcomes(point, net, clips, with_event)
    ranks = []
    for i, probabilities in zip(with_event, told, strict=True):
        whole = probabilities[:, :-1].mean(0)
        ranks.append(int((whole > whole[clip_event(clips, i)]).sum()))
    ranks = np.array(ranks)
    return {"first": float(np.mean(ranks < 1)), "three": float(np.mean(ranks < 3))}


def natural_rows(folder: Path, point: Scenario) -> dict:
    """What was understood of each natural clip, beside what is there: "rows", a dict each with the
    clip's class, the five best events, the number of right seconds."""
    clips = json.loads((folder / "clips.json").read_text())["clips"]
    run = run_films(point, Films([folder / clip["file"] for clip in clips]))
    return {"rows": [natural_row(*pair) for pair in zip(clips, run.windows, strict=True)]}


def natural_row(clip: dict, window) -> dict:
    truth = np.full(len(window.events), "background", dtype=object)
    for start, end in clip["segments"]:
        truth[start:end] = clip["ave_class"]
    scored = np.ones(len(truth), bool)
    scored[[s for s in clip.get("uncertain_seconds", []) if s < len(truth)]] = False
    right = np.array(window.events, object) == truth
    return {
        "file": clip["file"],
        "class": clip["ave_class"],
        "ranked": window.ranked()[:5],
        "right": int(right[scored].sum()),
        "scored": int(scored.sum()),
    }


def balanced(rows: list[dict], best: int) -> float:
    """Mean over the classes of the share of clips whose class is among the ``best`` events."""
    by_class = {}
    for row in rows:
        by_class.setdefault(row["class"], []).append(row["class"] in row["ranked"][:best])
    return float(np.mean([np.mean(hits) for hits in by_class.values()]))


def natural_table(folder: Path, system: str, runs: Path, kept: Records) -> list[str]:
    """Every natural clip, and the figures over those of trained classes."""
    places = links(system, runs)
    units = [
        recorded(key_of(f"natural {sha256(folder / 'clips.json')}", point), f"natural, {label}",
                 functools.partial(natural_rows, folder, point))
        for label, point in places.items()
    ]  # fmt: skip
    lines, table, header = [], {}, ["clip", "class"]
    for label, record in zip(places, complete("natural clips", units, kept), strict=True):
        lines.append(natural_summary(label, [r for r in record["rows"] if r["class"] in TRAINED]))
        for row in record["rows"]:
            names = ", ".join(name.split(",")[0] for name in row["ranked"][:3])
            cells = table.setdefault(row["file"], [row["class"]])
            cells += [names, f"{row['right']} of {row['scored']}"]
        header += [f"best three, {label}", "seconds right"]
    return [*lines, "", *tables.markdown(header, [[name, *cells] for name, cells in table.items()])]


def natural_summary(label: str, trained: list[dict]) -> str:
    """The figures over the clips of trained classes, beside the best constant answers."""
    seconds = sum(row["right"] for row in trained) / sum(row["scored"] for row in trained)
    classes = {row["class"] for row in trained}
    most = max(sum(row["class"] == c for row in trained) for c in classes)
    named = np.mean([row["class"] in row["ranked"][:1] for row in trained])
    return (
        f"- {label}: balanced clip accuracy {balanced(trained, 1):.2f}, among the best three "
        f"{balanced(trained, 3):.2f} (best constant answer: {1 / len(classes):.2f}, or "
        f"{min(1.0, 3 / len(classes)):.2f}); {named:.2f} of the "
        f"{len(trained)} clips (best constant answer: {most / len(trained):.2f}); "
        f"{seconds:.2f} of their scored seconds"
    )
