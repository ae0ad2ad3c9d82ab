# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Assemble the set that systems on media are trained on, in the AVE layout.

    tools/assemble.py --runs runs/world --composed runs/world/composed --out runs/world/media

Training clips are assembled of tools/train_world.py's draws and strips; features come from maps
that have not seen its material.  Validation has as many of such clips as of composed ones
(tools/compose.py --features world), test those alone.
"""

import argparse
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import torch
import train_world
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data import ave
from gnuradio.semcom.data.assembled_set import AssembledSet, Strips
from gnuradio.semcom.nets.world import WorldMaps
from gnuradio.semcom.weights import store as checkpoint
from gnuradio.semcom.weights.names import models_folder

FILMED, DRAWN = {"train": 2, "val": 1}, {"train": 2, "val": 1}  # turns of such material


class Joined:
    """Several sets as one."""

    def __init__(self, sets: list):
        self.name, self.classes = sets[0].name, sets[0].classes
        self._places = [(each, i) for each in sets for i in range(len(each))]
        self.ids = list(chain.from_iterable(each.ids for each in sets))

    def __len__(self) -> int:
        return len(self._places)

    def __getattr__(self, kind: str):
        def read(i: int):
            clips, own = self._places[i]
            return getattr(clips, kind)(own)

        if kind not in ("audio", "visual", "labels"):
            raise AttributeError(kind)
        return read


@torch.inference_mode()
def features(found: dict, kept: np.ndarray, path: Path) -> Strips:
    """The features of some strips by the maps of a file."""
    maps = WorldMaps()
    checkpoint.fill(path, maps)
    audio = maps.audio(torch.from_numpy(found["audio"][kept]).float()).numpy()
    visual = [
        maps.visual(torch.from_numpy(each).float()).half().numpy() for each in found["maps"][kept]
    ]
    return Strips(audio, np.stack(visual), found["event"][kept])


def as_strips(draws: dict, seed: int) -> dict:
    """Draws with a second behind them in which nothing is, of another draw of their fold."""
    rng, nothing = np.random.default_rng(seed), draws["event"] < 0
    own = np.flatnonzero(~nothing)
    silent = np.array(
        [rng.choice(np.flatnonzero(nothing & (draws["fold"] == f))) for f in draws["fold"][own]]
    )
    longer = {
        kind: np.concatenate([draws[kind][own], draws[kind][silent][:, :1]], 1)
        for kind in ("audio", "maps")
    }
    kept = {"event": draws["event"][own], "fold": draws["fold"][own]}
    return longer | kept | {"clean": np.zeros(len(own), bool)}


def materials(runs: Path, split: str, seed: int) -> list[Strips]:
    """Those of a split, in turn: as films have them, as they are, drawn."""
    found = {}
    for name in ("draws", "strips"):
        found[name] = train_world.read(runs / f"{name}_{split}.npz")[0]
    both = as_strips(found["draws"], seed), found["strips"]
    every = {name: np.concatenate([part[name] for part in both]) for name in both[0]}
    shipped, made = models_folder() / f"{WorldMaps.name}.safetensors", []
    for fold in sorted(set(every["fold"].tolist()) - {-1}):
        own = runs / f"fold{fold}.safetensors" if split == "train" else shipped
        for clean, turns in ((False, FILMED[split]), (True, 1)):
            kept = (every["fold"] == fold) & (every["clean"] == clean)
            made += [features(every, kept, own)] * turns
    drawn = features(every, every["fold"] == -1, shipped)
    return [*made, *[drawn] * DRAWN[split]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/world"))
    parser.add_argument("--composed", type=Path, required=True, help="folder with val and test")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=at_least(1), default=4000, help="clips (%(default)s)")
    parser.add_argument("--seed", type=at_least(0), default=0)
    args = parser.parse_args()
    name = make_folder(args.out).resolve().name
    if args.out.resolve() == args.composed.resolve():
        raise SemcomError(f"--out {args.out}: has what is read, which would be lost; give another")
    composed = {split: ave.AveSet(args.composed, split) for split in ("val", "test")}
    train, val = (
        AssembledSet(name, materials(args.runs, split, args.seed), split, size, args.seed)
        for split, size in (("train", args.train), ("val", len(composed["val"])))
    )
    ave.write(
        args.out, {"train": train, "val": Joined([val, composed["val"]]), "test": composed["test"]}
    )
    print(f"wrote {args.out}: {len(train)} clips to train on")


if __name__ == "__main__":
    sys.exit(exit_status("assemble.py", main))
