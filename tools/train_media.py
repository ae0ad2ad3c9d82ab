# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train everything that media need: the compact features, composed sets, the systems on them.

    tools/train_media.py --raw DIR --teachers DIR [--runs runs/media]

What is done is not done again; the same command goes on after a stop.  Checkpoints of the features
and of the full systems are put into models/.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError, exit_status
from ship import ship

from studies.plan import Plan, Run

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
SETS = {  # name: options of tools/compose.py
    "media": "--train 1800 --val 240 --test 30",
    "raw": "--only raw --train 0 --val 0 --test 300",
    "drawn": "--only drawn --train 0 --val 0 --test 200",
}
COMMON = "--epochs 10 --bfloat16 --batch 16 --exchange 0.3 --average 0.995 --weight-decay 0.05"
SMALL = (  # eleven and ten classes need less than AVE's 28
    "--audio-lstm 64 --audio-channel 96 --attention-width 128 --attention-hidden 48 "
    "--video-channel 128 --audio-decoder 128 --video-decoder 128 --common-dim 96 --recurrent 48"
)
RUNS = [
    Run(f"{system}-{variant}", f"--system {system} --variant {variant} {COMMON} {options}")
    for system, options in (("pilot_ave_plus", "--dropout 0.3"), ("pilot_ave", SMALL))
    for variant in ("full", "error_free")
]


def command(*words) -> None:
    """Run a program of the project; its failure is ours."""
    done = subprocess.run([sys.executable, *map(str, words)], cwd=ROOT)
    if done.returncode:
        raise SemcomError(f"{Path(words[0]).name}: ended with exit status {done.returncode}")


def features(raw: Path, teachers: Path) -> None:
    """The compact networks, in models/."""
    for kind, steps in (("audio", 600), ("vision", 500)):
        if not (MODELS / f"compact_{kind}.safetensors").exists():
            command("tools/train_compact.py", kind, "--raw", raw, "--teachers", teachers,
                    "--steps", steps, "--out", MODELS)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--teachers", type=Path, required=True, help="folder of .tflite files")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "media")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    args = parser.parse_args()
    features(args.raw.resolve(), args.teachers.resolve())
    for name, options in SETS.items():
        if not (args.runs / name / "labels.h5").exists():
            command("tools/compose.py", "--raw", args.raw.resolve(), *options.split(),
                    "--out", args.runs.resolve() / name)  # fmt: skip
    plan = Plan(ROOT / "apps" / "train.py", args.runs / "media", args.runs / "systems", args.jobs)
    for run, path in zip(RUNS, plan.train("systems", RUNS), strict=True):
        if run.label.endswith("-full"):
            print(f"wrote {ship(path, MODELS)}")


if __name__ == "__main__":
    sys.exit(exit_status("train_media.py", main, "the same command goes on"))
