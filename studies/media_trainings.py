# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What media need: the compact features, composed sets, the systems trained on them."""

import subprocess
import sys
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError

from .pages import ROOT
from .trainings import Training, Trainings

MODELS = ROOT / "models"
DATA = "media"  # the set that systems on media are trained on, as it stands in their names
SETS = {  # name: options of tools/compose.py
    DATA: "--train 1800 --val 240 --test 30",
    "raw": "--only raw --train 0 --val 0 --test 300",
    "drawn": "--only drawn --train 0 --val 0 --test 200",
}
COMMON = "--epochs 10 --bfloat16 --batch 16 --exchange 0.3 --average 0.995 --weight-decay 0.05"
SMALL = (  # eleven and ten classes need less than AVE's 28
    "--audio-lstm 64 --audio-channel 96 --attention-width 128 --attention-hidden 48 "
    "--video-channel 128 --audio-decoder 128 --video-decoder 128 --common-dim 96 --recurrent 48"
)
OPTIONS = {"pilot_ave_plus": "--dropout 0.3", "pilot_ave": SMALL}
SYSTEMS = tuple(OPTIONS)


def training(system: str, variant: str) -> Training:
    """The training of a system on media."""
    words = f"--system {system} --variant {variant} {COMMON} {OPTIONS[system]}"
    return Training(f"{system}-{variant}", words)


def trainings_in(runs: Path, jobs: int = 1) -> Trainings:
    """The trainings on the composed set."""
    return Trainings(runs / DATA, runs / "systems", jobs)


def train_all(raw: Path, teachers: Path, runs: Path, jobs: int) -> None:
    """Make what is missing; features and full systems come to lie in models/."""
    for kind, steps in (("audio", 600), ("vision", 500)):
        if not (MODELS / f"compact_{kind}.safetensors").exists():
            tool("train_compact.py", kind, "--raw", raw, "--teachers", teachers,
                 "--steps", steps, "--out", MODELS)  # fmt: skip
    for name, options in SETS.items():
        if not (runs / name / "labels.h5").exists():
            tool("compose.py", "--raw", raw, *options.split(), "--out", runs / name)
    every = [training(system, v) for system in SYSTEMS for v in ("full", "error_free")]
    paths = trainings_in(runs, jobs).complete("systems", every)
    full = [path for each, path in zip(every, paths, strict=True) if each.label.endswith("-full")]
    tool("ship.py", *full, "--out", MODELS)


def tool(name: str, *words) -> None:
    """Run a program of tools/; its failure is ours."""
    absolute = [str(word.resolve() if isinstance(word, Path) else word) for word in words]
    done = subprocess.run([sys.executable, f"tools/{name}", *absolute], cwd=ROOT)
    if done.returncode:
        raise SemcomError(f"tools/{name}: ended with exit status {done.returncode}")
