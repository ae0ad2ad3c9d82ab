# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Fit what terminals recognise pictures by: one linear layer over frozen EfficientNet-Lite0.

    tools/train_recogniser.py --raw DIR --out models

As tools/train_judges.py, of another network: a judge must not know what a terminal goes by.
"""

import argparse
import sys
from pathlib import Path

from gnuradio.semcom.base.files import make_folder
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.nets.efficientnet import EMBEDDING, EfficientNet
from gnuradio.semcom.perception import recognition
from train_judges import PICTURE_VIEWS, train


def embed(picture):
    """The embedding [1280] of a picture."""
    return recognition.picture_maps(picture[None]).mean((2, 3))[0].numpy()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--raw", type=Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--out", type=Path, default=Path("models"))
    args = parser.parse_args()
    make_folder(args.out)
    pictures = {split: RawMaterial(args.raw, split).pictures for split in ("train", "val", "test")}
    network = (EfficientNet.name, EMBEDDING)
    train(recognition.PICTURES, pictures, PICTURE_VIEWS, embed, network, args)


if __name__ == "__main__":
    sys.exit(exit_status("train_recogniser.py", main))
