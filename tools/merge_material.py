# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""One folder of raw material from several: a manifest.csv that names their files where they lie.

    tools/merge_material.py --out runs/material raw more

Each folder's manifest*.csv with a column `kind` of "audio" or "image" is read; pictures and sounds
of no class become background.  Splits stay as they are.
"""

import argparse
import csv
import sys
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import make_folder, replacing
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.material_raw import COLUMNS


def rows_of(folder: Path) -> list[dict]:
    """The sounds and pictures that a folder's manifests name, with whole paths."""
    found = []
    for manifest in sorted(folder.glob("manifest*.csv")):
        with manifest.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("kind") in ("audio", "image"):
                    known = row["class"] if row["class"] in AVE_CLASSES else AVE_CLASSES[BACKGROUND]
                    place = (folder / row["path"]).resolve()
                    found.append(row | {"path": str(place), "class": known})
    if not found:
        raise SemcomError(f"{folder}: no manifest*.csv with sounds or pictures; give raw material")
    return [{name: row[name] for name in COLUMNS} for row in found]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, help="folders with manifest*.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for the one manifest.csv")
    args = parser.parse_args()
    rows = [row for folder in args.folders for row in rows_of(folder)]
    make_folder(args.out)
    with (
        replacing(args.out / "manifest.csv") as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(f"{args.out / 'manifest.csv'}: {len(rows)} sounds and pictures")


if __name__ == "__main__":
    sys.exit(exit_status("merge_material.py", main))
