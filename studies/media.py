# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/media.md: accuracy and speed of the systems on pictures and sound.

With RAW, MORE (single sounds and pictures) and IMAGENET missing trainings are done (hours); without
them the checkpoints in RUNS and models/ are measured.  CLIPS hold natural clips with clips.json.
Composed sets are measured on their test splits.  Points run through the GNU Radio flowgraph;
finished ones are kept in RUNS/measured.

    studies media --raw DIR --more DIR --imagenet FILE --clips DIR ...
    studies media --clips DIR ...
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
from gnuradio.semcom.data.clipset import clip_event, digest
from gnuradio.semcom.report import tables
from gnuradio.semcom.run.scenario import Scenario, settings
from gnuradio.semcom.systems.loading import shared_system
from gnuradio.semcom.weights.names import shipped

from . import media_clips, pages, points
from . import media_trainings as plan
from .media_confidence import confidence_table, diagram
from .media_speed import figure, speed
from .work import Records, complete, recorded

SNR = 10.0


def add_options(parser: argparse.ArgumentParser) -> None:
    add, root = parser.add_argument, pages.ROOT
    add("--raw", type=Path, metavar="DIR", help="folder with manifest.csv")
    add("--more", type=Path, metavar="DIR", help="another, also with coco/captions.json")
    add("--imagenet", type=Path, metavar="FILE", help="EfficientNet-Lite0 as published (.pth)")
    add("--clips", type=Path, nargs="+", required=True, metavar="DIR",
        help="folders with clips.json")  # fmt: skip
    add("--runs", type=Path, default=root / "runs" / "media", metavar="DIR",
        help="folder of trainings and results")  # fmt: skip
    add("--jobs", type=at_least(1), default=2, help="trainings in parallel")


def run(args: argparse.Namespace) -> None:
    given = [args.raw, args.more, args.imagenet]
    if None in given and any(given):
        raise SemcomError("--raw, --more, --imagenet: give all of them to train, or none")
    if args.raw:
        plan.train_all(*given, args.runs, args.jobs)
    pages.write(pages.DOCS / "media.md", page(args.clips, args.runs))


def page(clips: list[Path], runs: Path) -> str:
    """docs/media.md."""
    files = [Path(clip["path"]) for clip in media_clips.read(clips)]
    kept = Records(runs / "measured" / "records.json")
    figure(over_the_air("pilot_ave_plus"), pages.DOCS / "figures" / "media.png")
    time, live = speed(over_the_air("pilot_ave_plus"), files)
    natural = []
    for system in plan.SYSTEMS:
        natural += [f"## Natural clips, `{system}`", ""]
        natural += [*natural_table(clips, system, kept), ""]
    shipped_ones = {system: Path(over_the_air(system).checkpoint) for system in plan.SYSTEMS}
    confidence, every = confidence_table(shipped_ones, composed_sets(runs))
    diagram(pages.DOCS / "figures" / "media-confidence.png", every, plan.SYSTEMS[0])
    return pages.page(
        "media",
        composed=composed_table(runs, kept),
        natural=natural,
        confidence=confidence,
        clips=str(len(files)),
        cores=str(os.cpu_count()),
        machine=platform.machine(),
        time=time,
        live=live,
    )


def links(system: str) -> dict[str, Scenario]:
    """Points of a system: without a channel, with weights trained without one if they are shipped,
    and over a channel."""
    free = shipped(system, "error_free", plan.DATA)
    own = free if free.exists() else shipped(system, "full", plan.DATA)
    return {
        "error-free": Scenario(system=system, channel="none", checkpoint=str(own)),
        "10 dB Rayleigh": over_the_air(system),
    }


def over_the_air(system: str) -> Scenario:
    """The shipped system at 10 dB."""
    own = str(shipped(system, "full", plan.DATA))
    return Scenario(system=system, channel="rayleigh", snr=SNR, checkpoint=own)


def key_of(what: str, point: Scenario) -> str:
    """Key of a measurement of a point: digest of its weights, and its options."""
    options = json.dumps({**settings(point), "checkpoint": ""}, sort_keys=True)
    return f"{what} {sha256(point.checkpoint)} {options}"


def composed_sets(runs: Path) -> list:
    """The measured test splits: filmed, raw and drawn material."""
    return [open_set(runs / name, "test") for name in plan.COMPOSED]


def composed_table(runs: Path, kept: Records) -> list[str]:
    """Accuracy on the test splits of composed sets."""
    rows, linked = [], points.store(runs / "measured")
    for clips in composed_sets(runs):
        for system in plan.SYSTEMS:
            places = links(system)
            units = [points.unit(p, clips, p.checkpoint) for p in places.values()]
            records = complete(f"{clips.name}, {system}", units, linked)
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
    key = key_of(f"named {digest(clips)}", point)
    return recorded(key, f"clips named, {point.system}", lambda: clips_named(point, clips))


def clips_named(point: Scenario, clips) -> dict:
    """Share of the clips with an event whose event is the most probable over the whole clip, and
    among the best three; by the Torch version of the link, which decides alike."""
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


def natural_table(folders: list[Path], system: str, kept: Records) -> list[str]:
    """The figures over natural clips, and the answer for each."""
    places, clips = links(system), media_clips.read(folders)
    digest = " ".join(sha256(folder / "clips.json") for folder in folders)
    units = [
        recorded(key_of(f"natural clips {digest}", point), f"natural, {label}",
                 functools.partial(media_clips.rows_of, clips, point))
        for label, point in places.items()
    ]  # fmt: skip
    records = complete("natural clips", units, kept)
    found = {label: record["rows"] for label, record in zip(places, records, strict=True)}
    lines = [media_clips.summary(label, rows) for label, rows in found.items()]
    return [*lines, "", *media_clips.table(found)]
