# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Compose clips from single sounds and pictures, and write their features in the AVE layout.

tools/compose.py --raw DIR --out raw     real recordings and photographs, with manifest.csv
tools/compose.py --out drawn             drawn pictures and synthesised sounds
tools/compose.py --raw DIR --filmed --out media   real ones as films have them, things of no class
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
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
    """A clip set whose features are in memory."""

    def __init__(self, clips: ComposedSet, workers: int):
        self.name, self.classes, self.ids, self.labels = (
            clips.name, clips.classes, clips.ids, clips.labels,
        )  # fmt: skip

        def features(i: int):
            return clips.audio(i), clips.visual(i)

        with ThreadPoolExecutor(workers) as pool:
            done = pool.map(features, range(len(clips)))
            with screen.bar("clips") as bar:
                self._features = list(bar.track(done, len(clips), description=clips.split))

    def __len__(self) -> int:
        return len(self._features)

    def audio(self, i: int):
        return self._features[i][0]

    def visual(self, i: int):
        return self._features[i][1]


def materials(args, split: str) -> list:
    """What the clips of a split are composed from, in turn."""
    if args.only == "drawn":
        return [DrawnMaterial()]
    if args.raw is None:
        raise SemcomError("--raw: missing; give the folder of recordings, or --only drawn")
    raw = (FilmedMaterial if args.filmed else RawMaterial)(args.raw, split)
    return [raw] if args.only == "raw" else [raw, raw, DrawnMaterial()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw", type=Path, help="folder with manifest.csv")
    parser.add_argument("--only", choices=("raw", "drawn"), help="compose from one kind alone")
    parser.add_argument("--filmed", action="store_true", help="as films have it, and with things "
                        "that are none of the events")  # fmt: skip
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
    torch.set_num_threads(1)
    features, sets = extractor(args.features, args.weights), {}
    for split in SPLITS:
        if not getattr(args, split):
            continue
        name, size = make_folder(args.out).resolve().name, getattr(args, split)
        clips = ComposedSet(name, materials(args, split), features, split, size, args.seed)
        sets[split] = Held(clips, args.workers)
    ave.write(args.out, sets)


if __name__ == "__main__":
    sys.exit(exit_status("compose.py", main))
