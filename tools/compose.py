# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Compose clips from single sounds and pictures, and write their features in the AVE layout.

tools/compose.py --raw DIR --out raw     real recordings and photographs, with manifest.csv
tools/compose.py --out drawn             drawn pictures and synthesised sounds
tools/compose.py --raw DIR --filmed --out films   real ones in motion, with distractors
tools/compose.py --raw DIR --folds RUNS --out media   training set of the systems on media

--folds RUNS  of four clips two are as of --filmed, with more distractors, one is of single
              recordings and photographs and one drawn.  Training clips are made of each folder
              fold0 and so on of --raw in equal parts (tools/merge_material.py --folds), and their
              features by RUNS/fold0.safetensors and so on (tools/train_world.py), classifiers that
              have not seen the fold
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import torch
from gnuradio.semcom.base import screen
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data import ave
from gnuradio.semcom.data.clipset import SPLITS
from gnuradio.semcom.data.composed_set import ComposedSet
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.data.material_filmed import FilmedMaterial
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.perception.features import FEATURES, extractor

SIZES = {"train": 1600, "val": 250, "test": 300}


class Held:
    """Several clip sets concatenated to one, with all features in memory.

    parts    sets of one split
    workers  threads that compute the features
    """

    def __init__(self, parts: list[ComposedSet], workers: int):
        self.name, self.classes = parts[0].name, parts[0].classes
        self.ids = list(chain.from_iterable(clips.ids for clips in parts))
        places = [(clips, i) for clips in parts for i in range(len(clips))]
        self._labels = [clips.labels(i) for clips, i in places]

        def features(place: tuple[ComposedSet, int]):
            clips, i = place
            return clips.audio(i), clips.visual(i)

        with ThreadPoolExecutor(workers) as pool:
            done = pool.map(features, places)
            with screen.bar("clips") as bar:
                self._features = list(bar.track(done, len(places), description=parts[0].split))

    def __len__(self) -> int:
        return len(self._features)

    def audio(self, i: int):
        """Audio features [T, d_a] float32 of clip ``i``."""
        return self._features[i][0]

    def visual(self, i: int):
        """Visual features [T, h, w, d_v] float32 of clip ``i``."""
        return self._features[i][1]

    def labels(self, i: int):
        """Classes [T] of the seconds of clip ``i``."""
        return self._labels[i]


def materials(args, folder: Path | None, split: str) -> list:
    """The material that the clips of a split are composed from, in turn."""
    if args.only == "drawn":
        return [DrawnMaterial()]
    if folder is None:
        raise SemcomError("--raw: missing; give the folder of recordings, or --only drawn")
    if args.folds:
        filmed = FilmedMaterial(folder, split, exposed=True)
        return [filmed, filmed, RawMaterial(folder, split), DrawnMaterial()]
    raw = (FilmedMaterial if args.filmed else RawMaterial)(folder, split)
    return [raw] if args.only == "raw" else [raw, raw, DrawnMaterial()]


def parts(args, name: str, split: str) -> list[ComposedSet]:
    """The sets that make up a split: one, or one for each fold that training clips are made of."""
    size = getattr(args, split)
    if not args.folds or split != "train":
        features = extractor(args.features, args.weights)
        material = materials(args, args.raw, split)
        return [ComposedSet(name, material, features, split, size, args.seed)]
    maps = sorted(args.folds.glob("fold*[0-9].safetensors"))
    if not maps:
        raise SemcomError(f"--folds {args.folds}: no fold0.safetensors; run tools/train_world.py")
    return [
        ComposedSet(name, materials(args, args.raw / own.stem, split), extractor("world", own),
                    split, size // len(maps), args.seed + fold)
        for fold, own in enumerate(maps)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw", type=Path, help="folder with manifest.csv")
    parser.add_argument(
        "--only",
        choices=("raw", "drawn"),
        help="material of one kind alone (default: two thirds raw)",
    )
    parser.add_argument(
        "--filmed",
        action="store_true",
        help="material with the motion, noise and cuts of films, and distractors: objects and "
        "sounds of no class",
    )
    parser.add_argument(
        "--folds",
        type=Path,
        metavar="RUNS",
        help="compose the training set of the systems on media, see above",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--features", choices=FEATURES, default="world")
    parser.add_argument(
        "--weights", type=Path, help="folder of the weights of vgg, or file of the maps of world"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    for split, size in SIZES.items():
        parser.add_argument(f"--{split}", type=int, default=size, help="clips (%(default)s)")
    args = parser.parse_args()
    other = (
        args.only or args.filmed or args.weights or args.features != parser.get_default("features")
    )
    if args.folds and (other or args.raw is None):
        raise SemcomError(
            "--folds: needs --raw, and excludes --only, --filmed, --features and --weights"
        )
    torch.set_num_threads(1)
    name = make_folder(args.out).resolve().name
    sets = {
        split: Held(parts(args, name, split), args.workers)
        for split in SPLITS
        if getattr(args, split)
    }
    ave.write(args.out, sets)


if __name__ == "__main__":
    sys.exit(exit_status("compose.py", main))
