#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Score the object detector of docs/judges.md against the annotated boxes of COCO pictures.

    tools/score_detector.py --coco DIR

DIR has manifest_coco.csv (path, split) and coco/boxes.json: picture -> rows of class, left, top,
width, height as parts of the picture, crowd.  Prints a Markdown table.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.optional import cv2
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.material_raw import read_picture
from gnuradio.semcom.perception.detection import Box, detector, found_again
from gnuradio.semcom.report.tables import markdown
from gnuradio.semcom.training.stills import middle


class Marked(NamedTuple):
    """An annotated box of boxes.json; lengths relative to the picture's width and height."""

    name: str
    left: float
    top: float
    width: float
    height: float
    crowd: bool


SIDES = (256, 96, 64)  # [pixels]
SMALLEST = 0.05  # of the square's area


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--coco", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    pictures = marked(args.coco)
    if not sum(len(boxes) for _, boxes in pictures):
        raise SemcomError(
            f"{args.coco}: no box in a picture outside the training split; check the column split"
        )
    rows = []
    for side in SIDES:
        right = drawn = found = 0
        for square, boxes in pictures:
            seen = detector()(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA))
            right += found_again(boxes, seen)[0]
            drawn, found = drawn + len(boxes), found + len(seen)
        rows.append(
            [
                f"{side}",
                f"{right / drawn:.2f} of {drawn}",
                f"{right / max(found, 1):.2f} of {found}",
            ]
        )
    header = ["side [pixels]", "found of what was drawn", "drawn of what was found"]
    print(f"{len(pictures)} pictures\n", *markdown(header, rows), sep="\n")


def marked(folder: Path) -> list:
    """(square [h, h, 3], annotated boxes in it) of pictures outside the training split."""
    try:
        with open(folder / "manifest_coco.csv", newline="", encoding="utf-8") as file:
            kept = [row["path"] for row in csv.DictReader(file) if row["split"] != "train"]
        boxes = json.loads((folder / "coco" / "boxes.json").read_text(encoding="utf-8"))
        rows = [[Marked(*row) for row in boxes[Path(path).stem]] for path in kept]
        if not np.isfinite([row[1:5] for own in rows for row in own]).all():
            raise ValueError("boxes.json holds NaN or infinity")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SemcomError(f"{folder}: no COCO pictures with boxes ({error})") from error
    found = []
    for path, own in zip(kept, rows, strict=True):
        picture = read_picture(folder / path)
        each = [row for row in own if not row.crowd]
        found.append((middle(picture, min(picture.shape[:2])), in_middle(each, picture.shape)))
    return found


def in_middle(rows: list, shape: tuple) -> list[Box]:
    """Boxes relative to a picture of ``shape`` -> relative to the square in its middle; boxes that
    are too small there are left out."""
    height, width = shape[:2]
    side = min(height, width)
    found = []
    for name, left, top, wide, high, _ in rows:
        x = [(part * width - (width - side) // 2) / side for part in (left, left + wide)]
        y = [(part * height - (height - side) // 2) / side for part in (top, top + high)]
        (x0, x1), (y0, y1) = ((max(low, 0.0), min(up, 1.0)) for low, up in (x, y))
        if x1 > x0 and y1 > y0 and (x1 - x0) * (y1 - y0) > SMALLEST:
            found.append(Box(name, x0, y0, x1 - x0, y1 - y0))
    return found


if __name__ == "__main__":
    sys.exit(exit_status("score_detector.py", main))
