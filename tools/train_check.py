# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train the multi-frame check of M3E-VSC on clips composed of single pictures and sounds.

    tools/train_check.py --manifests raw/manifest.csv more/manifest_audio.csv --out runs/check

The recognisers' answers for some views of each file are computed first and kept in the folder.
Trains on the train split, selects on val, reports test.  Writes check.pt, a state dict in half
precision.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.base.files import make_folder, replacing, sha256
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.data.recordings import recordings
from gnuradio.semcom.training.job import parameters
from gnuradio.semcom.training.key_frames import VIEWS, KeyFrames, recognised
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import CheckConfig
from gnuradio.semcom.training.recipes.check import CheckRecipe, figures, held_out

CLIPS = 200  # of each length, in val and in test


def key_frames(args, split: str) -> KeyFrames:
    """Key frames of a split, read from the folder if a former run wrote them."""
    path = args.out / f"{split}.npz"
    if not path.is_file():
        print(f"recognising {split}", flush=True)
        pictures = RawMaterial(args.manifests[0].parent, split).pictures
        sounds = recordings(args.manifests, split)
        found = recognised(pictures, sounds, split, args.seed)
        tables = {f"picture {k}": v for k, v in found.pictures.items()}
        with replacing(path, OSError) as temporary, open(temporary, "wb") as file:
            np.savez(file, **tables, **{f"sound {k}": v for k, v in found.sounds.items()})
    with np.load(path) as tables:
        kinds = {"picture": {}, "sound": {}}
        for name in tables.files:
            kind, event = name.split()
            kinds[kind][int(event)] = tables[name]
    return KeyFrames(kinds["picture"], kinds["sound"])


def train(args) -> None:
    """Train, print the figures of all splits, and write check.pt, float16, into --out."""
    torch.set_num_threads(1)
    make_folder(args.out)
    config = CheckConfig(args.steps, seed=args.seed)
    torch.manual_seed(config.seed)
    frames = {split: key_frames(args, split) for split in VIEWS}
    tests = {split: held_out(frames[split], CLIPS, args.seed) for split in ("val", "test")}
    recipe = CheckRecipe(frames["train"], tests["val"], config)
    print(f"{parameters(recipe.model):,} parameters", flush=True)
    loop = Loop(recipe, args.out)
    loop.run(on_epoch=lambda line: print(json.dumps(line), flush=True))
    recipe.model.load_state_dict(loop.best_weights)
    weights = {name: value.half() for name, value in recipe.model.state_dict().items()}
    recipe.model.load_state_dict({name: value.float() for name, value in weights.items()})
    tests["train"] = held_out(frames["train"], CLIPS, args.seed)
    for split, batches in tests.items():
        for when, found in figures(recipe.model, batches).items():
            print(split, when, {name: round(value, 4) for name, value in found.items()})
    path = args.out / "check.pt"
    with replacing(path, RuntimeError) as temporary:
        torch.save(weights, temporary)
    print(f"wrote {path}: {path.stat().st_size:,} bytes, sha256 {sha256(path)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--manifests",
        type=Path,
        nargs="+",
        required=True,
        help="manifest.csv of the raw material first, then further ones",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/check"))
    parser.add_argument("--steps", type=int, default=CheckConfig.steps)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    sys.exit(exit_status("train_check.py", main))
