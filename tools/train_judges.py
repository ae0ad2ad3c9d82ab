# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fit the judges of received pictures and sounds: one linear layer each over frozen embeddings.

    tools/train_judges.py --raw DIR --out models

Fits on the train split of RAW, chooses between ridge and logistic regression and their penalties on
val, and reports test with 95 % bootstrap intervals over files.  Judges see whole pictures and
squares of 96 and 64 pixels, whole sounds and the second in their middle, all uncoded: they must
recognise the small pictures and short sounds that systems send.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from gnuradio.semcom.base.files import make_folder, sha256
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.nets.mobilenet import EMBEDDING, MobileNet, YAMNet
from gnuradio.semcom.perception import judges
from gnuradio.semcom.perception.embeddings import picture_embedding, sound_embedding
from gnuradio.semcom.tasks.scores import clip_bootstrap
from gnuradio.semcom.weights import store as checkpoint
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier

RIDGES = tuple(RidgeClassifier(alpha=alpha) for alpha in np.logspace(0, 5, 11))
LOGISTIC = tuple(LogisticRegression(C=inverse, max_iter=1000) for inverse in np.logspace(-4, -1, 7))


def square(picture: np.ndarray, side: int) -> np.ndarray:
    """The middle of a picture, [side, side, 3]."""
    short = min(picture.shape[:2])
    top, left = ((n - short) // 2 for n in picture.shape[:2])
    how = cv2.INTER_AREA if short > side else cv2.INTER_LINEAR
    middle = picture[top : top + short, left : left + short]
    return cv2.resize(middle, (side, side), interpolation=how)


def middle_second(sound: np.ndarray) -> np.ndarray:
    """The middle second [at most 16000] of a recording at 16 kHz."""
    start = max(0, (len(sound) - RATE) // 2)
    return sound[start : start + RATE]


PICTURE_VIEWS = {
    "whole": lambda picture: picture,
    "96 px": lambda picture: square(picture, 96),
    "64 px": lambda picture: square(picture, 64),
}
SOUND_VIEWS = {"whole": lambda sound: sound, "one second": middle_second}


def embedded(files: dict, views: dict, embed: Callable) -> tuple[dict, np.ndarray]:
    """(view -> embeddings [n, 1024] of files (class -> list), class of each file [n])."""
    pairs = [(event, file) for event, group in files.items() for file in group]
    found = {
        name: np.stack([embed(view(file)) for _, file in pairs]) for name, view in views.items()
    }
    return found, np.array([event for event, _ in pairs])


def right(layer, views: dict, classes: np.ndarray) -> dict:
    """View -> whether each file is classified correctly, [n]."""
    return {name: layer.predict(each) == classes for name, each in views.items()}


def score(layer, views: dict, classes: np.ndarray) -> float:
    """Accuracy over all views."""
    return float(np.mean([named.mean() for named in right(layer, views, classes).values()]))


def write(path: Path, layer, network: tuple[str, int], data: str) -> None:
    """Write a judge as a checkpoint, float32.

    path     file to write; its name is the judge's
    layer    fitted linear layer, with the attributes of scikit-learn's LogisticRegression
    network  name of the network below it, and size of its embedding
    data     name of what it was fitted to
    """
    header = {
        "format": checkpoint.FORMAT, "system": path.stem, "variant": "judge",
        "config": {"inputs": network[1], "network": network[0]},
        "classes": [AVE_CLASSES[event] for event in layer.classes_], "data": data,
    }  # fmt: skip
    tensors = {
        "weight": torch.tensor(np.ascontiguousarray(layer.coef_, np.float32)),
        "bias": torch.tensor(layer.intercept_).float(),
    }
    checkpoint.write(path, tensors, {checkpoint.KEY: json.dumps(header)})
    print(f"wrote {path}: {path.stat().st_size:,} bytes, sha256 {sha256(path)}")


def train(kind: str, files: dict, views: dict, embed: Callable, network: tuple, args) -> None:
    """Fit one judge, write it and print its figures.

    files  split -> class -> list of pictures or sounds;  network  name and size of its embedding
    """
    train_set, val, test = (embedded(files[s], views, embed) for s in ("train", "val", "test"))
    seen, classes = np.concatenate(list(train_set[0].values())), np.tile(train_set[1], len(views))
    layers = [clone(layer).fit(seen, classes) for layer in (*RIDGES, *LOGISTIC)]
    best = max(layers, key=lambda layer: score(layer, *val))
    write(args.out / f"{kind}.safetensors", best, network, args.raw.resolve().name)
    print(f"{kind}: {best}, val {score(best, *val):.3f}")
    report("test", best, *test)


def report(split: str, layer, views: dict, classes: np.ndarray) -> None:
    """Print the accuracy of each view with its 95 % interval."""
    for view, named in right(layer, views, classes).items():
        low, high = clip_bootstrap(named)
        print(f"  {split}, {view}: {named.mean():.3f} ({low:.3f} to {high:.3f}) of {len(named)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("models"))
    args = parser.parse_args()
    make_folder(args.out)
    material = {split: RawMaterial(args.raw, split) for split in ("train", "val", "test")}
    see, hear = picture_embedding(), sound_embedding()
    pictures = {split: raw.pictures for split, raw in material.items()}
    sounds = {split: raw.sounds for split, raw in material.items()}
    heard, seen = (YAMNet.name, EMBEDDING), (MobileNet.name, EMBEDDING)
    train(judges.SOUNDS, sounds, SOUND_VIEWS, lambda s: hear(s)[0].mean(0), heard, args)
    train(judges.PICTURES, pictures, PICTURE_VIEWS, lambda p: see(p[None])[0], seen, args)


if __name__ == "__main__":
    sys.exit(exit_status("train_judges.py", main))
