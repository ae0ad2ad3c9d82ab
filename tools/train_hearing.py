# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train the classifier of sounds (hearing) from labels alone.

    tools/train_hearing.py --manifests raw/manifest.csv more/manifest_audio.csv --out runs/hearing

Trains on the train splits of all manifests, selects on val and reports test, each on the second in
the middle of recordings.  Writes hearing.safetensors; the same command resumes a stopped training.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.base import screen
from gnuradio.semcom.base.files import make_folder, sha256
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.recordings import recordings
from gnuradio.semcom.media.phase import seconds_of
from gnuradio.semcom.nets.hearing import Hearing
from gnuradio.semcom.tasks.scores import clip_bootstrap
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import HearingConfig
from gnuradio.semcom.training.recipes.hearing import HearingRecipe, named
from gnuradio.semcom.training.sounds import Seconds, middles
from gnuradio.semcom.weights import store as checkpoint


def examples(manifests: list[Path], split: str) -> tuple[np.ndarray, np.ndarray]:
    """Log-mel [n, 100, 64] of the second in the middle of each recording, and its class [n]."""
    sounds, events = middles(recordings(manifests, split))
    return np.stack([seconds_of(sound)[0] for sound in sounds]), events


def report(net: Hearing, manifests: list[Path], split: str) -> dict:
    """Print the accuracy in all, by manifest and by class; returns the accuracies."""
    shares = {}
    for group in (manifests, *([one] for one in manifests[1:] and manifests)):
        spectra, events = examples(group, split)
        right = named(net, spectra) == events
        low, high = clip_bootstrap(right)
        name = " + ".join(path.parent.name for path in group)
        shares[name] = round(float(right.mean()), 4)
        print(f"{split}, {name}: {right.mean():.3f} ({low:.3f} to {high:.3f}) of {len(right)}")
        for event in np.unique(events) if group is manifests else ():
            own = right[events == event]
            print(f"  {AVE_CLASSES[event]}: {own.sum()} of {len(own)}")
    return shares


def train(args) -> None:
    """Train, write the checkpoint into --out, and print its figures on val and test; a stopped
    training is resumed."""
    config = HearingConfig(args.steps, args.batch, args.learning_rate, seed=args.seed)
    torch.manual_seed(config.seed)
    seconds = Seconds(recordings(args.manifests, "train"))
    recipe = HearingRecipe(seconds, examples(args.manifests, "val"), config)
    loop = Loop(recipe, make_folder(args.out), "hearing.state.pt")
    if loop.resume():
        print(f"resumed after step {loop.schedules['model'].last_epoch}", flush=True)
    with screen.bar(stderr=False) as bar:
        done = loop.schedules["model"].last_epoch
        task = bar.add_task("train", total=args.steps, completed=done)
        loop.run(lambda _: bar.advance(task), lambda line: told(bar.console, loop, line))
    data = "+".join(path.parent.name for path in args.manifests)
    metrics = {"validation": loop.history[-1]["validation"]}
    path = recipe.write(args.out, loop.averaged.module, metrics, data)
    net = Hearing(len(AVE_CLASSES))
    checkpoint.fill(path, net)
    metrics |= {split: report(net, args.manifests, split) for split in ("val", "test")}
    print(json.dumps(metrics))
    print(f"wrote {path}: {path.stat().st_size:,} bytes, sha256 {sha256(path)}")


def told(console, loop: Loop, line: dict) -> None:
    """Print a line with the mean loss every hundred steps."""
    step = loop.schedules["model"].last_epoch
    console.print(f"step {step}: loss {line['loss']:.3f}, validation {line['validation']:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--manifests", type=Path, nargs="+", required=True, help="manifest.csv files with sounds"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/hearing"))
    parser.add_argument("--steps", type=int, default=HearingConfig.steps)
    parser.add_argument("--batch", type=int, default=HearingConfig.batch)
    parser.add_argument("--learning-rate", type=float, default=HearingConfig.learning_rate)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    sys.exit(exit_status("train_hearing.py", main))
