# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trainings of the systems on media: material, features, sets of clips, systems and their
calibration."""

import subprocess
import sys
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import MANIFEST

from .pages import ROOT
from .trainings import Training, Trainings

MODELS = ROOT / "models"
DATA = "media"  # name of the set that systems on media are trained on
COMPOSED = {  # name: options of tools/compose.py
    "composed": "--filmed --train 0 --val 0 --test 110",
    "raw": "--only raw --train 0 --val 0 --test 120",
    "drawn": "--only drawn --train 0 --val 0 --test 80",
}
MIXTURE = "--train 4800 --val 320 --test 60"  # sizes of the training set
FOLDS = 3
EVENTLESS = 0.5  # share of clips without an event, for which the confidence is calibrated
COMMON = "--epochs 16 --bfloat16 --batch 16 --exchange 0.3 --average 0.998 --weight-decay 0.05"
OPTIONS = {"pilot_ave_plus": "--dropout 0.5 --redundancy 8", "pilot_ave": "--dropout 0.3"}
SYSTEMS = tuple(OPTIONS)
VARIANTS = {  # those that improve on validation; audio_only and video_only do not
    "pilot_ave_plus": ("full", "error_free"),
    "pilot_ave": ("full",),
}


def training(system: str, variant: str) -> Training:
    """The training of a system on media."""
    words = f"--system {system} --variant {variant} {COMMON} {OPTIONS[system]}"
    return Training(f"{system}-{variant}", words)


def trainings_in(runs: Path, jobs: int = 1) -> Trainings:
    """The trainings on the composed set."""
    return Trainings(runs / DATA, runs / "systems", jobs)


def train_all(raw: Path, more: Path, imagenet: Path, runs: Path, jobs: int) -> None:
    """Make everything that is missing; the features' maps and the systems are written into
    models/."""
    material, world = runs / "material", runs / "world"
    if not (material / MANIFEST).exists():
        tool("merge_material.py", raw, more, "--captions", more / "coco" / "captions.json",
             "--like", "Ukulele=Acoustic guitar", "--folds", FOLDS, "--out", material)  # fmt: skip
    if not (world / "fold0.safetensors").exists():
        tool("train_world.py", "--material", material, "--imagenet", imagenet, "--runs", world,
             "--out", MODELS)  # fmt: skip
    for name, options in COMPOSED.items():
        if not (runs / name / "labels.h5").exists():
            source = raw if name == "raw" else material
            tool("compose.py", "--raw", source, *options.split(), "--out", runs / name)
    if not (runs / DATA / "labels.h5").exists():
        tool("compose.py", "--raw", material, "--folds", world, *MIXTURE.split(),
             "--out", runs / DATA)  # fmt: skip
    trainings = trainings_in(runs, jobs)
    every = [training(system, v) for system in SYSTEMS for v in VARIANTS[system]]
    paths = trainings.complete("systems", every)
    tool("calibrate.py", *paths, "--data", runs / DATA, "--eventless", EVENTLESS)
    tool("ship.py", *paths, "--out", MODELS)


def tool(name: str, *words) -> None:
    """Run a program of tools/; SemcomError if it fails."""
    absolute = [str(word.resolve() if isinstance(word, Path) else word) for word in words]
    done = subprocess.run([sys.executable, f"tools/{name}", *absolute], cwd=ROOT)
    if done.returncode:
        raise SemcomError(f"tools/{name}: ended with exit status {done.returncode}")
