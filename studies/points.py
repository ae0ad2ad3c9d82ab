# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Points of the link as units of work: each runs once for every folder of checkpoints (one training
seed each), even if several experiments share it.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from gnuradio.semcom.base import options
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import check_writable
from gnuradio.semcom.data import open_set
from gnuradio.semcom.run.identity import identity, key
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario, check
from gnuradio.semcom.systems.choice import weights_for
from gnuradio.semcom.systems.registry import system as entry_of
from gnuradio.semcom.weights.names import models_folder, name_of
from gnuradio.semcom.weights.store import read_header

from .work import Records, Unit, complete

SHARED = ("data", "frames", "seed")  # with the options of a run


def store(folder: Path) -> Records:
    """The finished points in a folder's points.json."""
    path = folder / "points.json"
    check_writable(path)
    return Records(path, key)


def unit(point: Scenario, clips, weights: str) -> Unit:
    """The unit of work of a point whose weights are known."""
    label = f"{point.system} {point.variant}, {point.where()}"
    known = identity(point, clips, weights)
    return Unit(key(known), label, lambda advance: run_point(point, clips), link=(point, clips))


@dataclass(frozen=True)
class Setup:
    """Settings that all points of a study share."""

    data: str = ""  # folder in the AVE layout; '': the synthetic set
    models: list = ()  # folders of checkpoints, one per training seed; (): the shipped one
    frames: int = 0  # clips per point; 0: the split once
    seed: int = 0  # of the channel draws

    def folders(self) -> list:
        """The folders of checkpoints, one per training seed."""
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


def add_options(parser: argparse.ArgumentParser, system: str, out: str) -> None:
    """Add the options of a Setup; ``out`` is the default folder of --out."""
    add = parser.add_argument
    add("--system", default=system, help="system under test (default: %(default)s)")
    add("--models", nargs="+", default=[], metavar="DIR",
        help="folders of checkpoints, one per training seed; default: the shipped one")  # fmt: skip
    add("--out", type=Path, default=Path(out), metavar="DIR", help="(default: %(default)s)")
    options.add_options(parser, Scenario, names=SHARED)


def setup_of(args: argparse.Namespace) -> Setup:
    """The Setup that the options name."""
    shared = options.values(args, Scenario, SHARED)
    return Setup(shared.data, args.models, shared.frames, shared.seed)


def checkpoint_path(point: Scenario, folder: Path, data_name: str) -> Path:
    """<system>-<variant>-<data>[-<symbols>].safetensors in ``folder``.

    The file without a number of symbols is that of the default number.
    """
    entry, name = entry_of(point.system), (point.system, point.variant, data_name)
    path = folder / name_of(*name)
    config = entry.cls.Config(**(read_header(path)["config"] if path.is_file() else {}))
    return (
        path
        if point.symbols in (0, *config.rates)
        else folder / name_of(*name, symbols=point.symbols)
    )


def check_models(wanted: list, setup: Setup, data_name: str) -> None:
    """SemcomError if checkpoints are missing, with the first one and the command that trains it.

    wanted  pairs (point, path of its checkpoint)
    """
    missing = {path: point for point, path in reversed(wanted) if not path.is_file()}
    if missing:
        path, point = list(missing.items())[-1]
        more = f" (as are {len(missing) - 1} others)" if len(missing) > 1 else ""
        command = training_command(point, path, setup, data_name)
        raise SemcomError(
            f"{path}: is missing{more}; train it with `{command}` and put it there by that name"
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
    """(point, path of its checkpoint) of all points of the experiments ``chosen``, by folder."""
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
    """All points of ``chosen`` that run with the ``number``-th folder of models, without
    duplicates."""
    return list(dict.fromkeys(point for e in chosen for point in e.points(number)))


def run_all(chosen: list, setup: Setup, kept: Records) -> dict:
    """Point -> records, one per folder of models; points in ``kept`` are not run again."""
    clips = setup.clips()
    check_models(required(chosen, setup, clips.name), setup, clips.name)
    placed = []
    for number, folder in enumerate(setup.folders()):
        here = [(p, setup.place(p, folder, clips.name)) for p in points_of(chosen, number)]
        placed += sorted(here, key=lambda pair: pair[1].checkpoint)  # each is loaded once
    for _, point in placed:
        check(point)
    units = [unit(point, clips, weights_for(point, clips)) for _, point in placed]
    results = {}
    for (point, _), record in zip(placed, complete("link", units, kept), strict=True):
        results.setdefault(point, []).append(record)
    return results
