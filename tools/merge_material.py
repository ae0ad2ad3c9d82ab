# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Merge folders of raw material: one manifest.csv that names the files of all at their places.

    tools/merge_material.py --out runs/material raw more
    tools/merge_material.py --out runs/world raw more --captions more/coco/captions.json \\
        --like "Ukulele=Acoustic guitar" --folds 3

Each folder's manifest*.csv with a column `kind` of "audio" or "image" is read; pictures and sounds
of no class become background.  Splits stay as they are.

--captions  pictures of people must not be background: a picture of no class with subclass
            "person" gets the class of a man's or a woman's speech if its captions name one, else is
            left out
--like      pictures of one class stand for another that has none
--folds N   N more folders, fold0 and so on in OUT, with an N-th each of the train split's groups
            (column `group`, else the path)
"""

import argparse
import csv
import re
import sys
import zlib
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import make_folder, read_json, replacing
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.data import MANIFEST
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.material_raw import COLUMNS

PERSON = "person"
MAN, WOMAN = "Male speech, man speaking", "Female speech, woman speaking"
WORDS = {
    MAN: re.compile(r"\b(man|men|boy|boys|guy|male)\b", re.IGNORECASE),
    WOMAN: re.compile(r"\b(woman|women|girl|girls|lady|female)\b", re.IGNORECASE),
}


def rows_of(folder: Path) -> list[dict]:
    """The sounds and pictures in a folder's manifests, with absolute paths."""
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
    return found


def person(sentences: list[str]) -> str:
    """Class of speech (male or female) of the person in captions; '' where they name both or
    none."""
    named = [name for name, word in WORDS.items() if any(map(word.search, sentences))]
    return named[0] if len(named) == 1 else ""


def with_people(rows: list[dict], captions: dict) -> list[dict]:
    """Rows in which pictures of people have the class of their speech, or are removed."""
    found = []
    for row in rows:
        people = row["class"] == AVE_CLASSES[BACKGROUND] and row.get("subclass") == PERSON
        name = person(captions.get(Path(row["path"]).stem, [])) if people else row["class"]
        found += [row | {"class": name}] * bool(name)
    return found


def like(rows: list[dict], words: list[str]) -> list[dict]:
    """The pictures that represent another class, for each NEW=OLD."""
    found = []
    for word in words:
        new, _, old = word.partition("=")
        for name in (new, old):
            if name not in AVE_CLASSES:
                raise SemcomError(f"--like {word}: {name!r} is none of AVE's classes; give NEW=OLD")
        pictures = [row for row in rows if row["kind"] == "image" and row["class"] == old]
        found += [row | {"class": new} for row in pictures]
    return found


def fold_of(row: dict, folds: int) -> int:
    """Fold of a row: that of its group."""
    return zlib.crc32((row.get("group") or row["path"]).encode()) % folds


def write(out: Path, rows: list[dict]) -> None:
    """Write manifest.csv with ``rows`` into the folder ``out``, and print how many they are."""
    make_folder(out)
    with (
        replacing(out / MANIFEST) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{out / 'manifest.csv'}: {len(rows)} sounds and pictures")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, help="folders with manifest*.csv")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the merged manifest.csv"
    )
    parser.add_argument("--captions", type=Path, help="JSON: stem of a picture's file -> sentences")
    parser.add_argument("--like", action="append", default=[], metavar="NEW=OLD")
    parser.add_argument("--folds", type=int, default=0, metavar="N")
    args = parser.parse_args()
    rows = [row for folder in args.folders for row in rows_of(folder)]
    if args.captions:
        rows = with_people(rows, read_json(args.captions))
    rows += like(rows, args.like)
    write(args.out, rows)
    train = [row for row in rows if row["split"] == "train"]
    for fold in range(args.folds):
        write(args.out / f"fold{fold}", [row for row in train if fold_of(row, args.folds) == fold])


if __name__ == "__main__":
    sys.exit(exit_status("merge_material.py", main))
