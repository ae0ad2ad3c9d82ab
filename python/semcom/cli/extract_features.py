# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Media files to features, in the layout of AVE's: what --data takes everywhere else.

Every file below DIR becomes rows of T seconds; what is left of a file at its end is filled with
silence and black.  A file that cannot be read does not stop the others, and is named at the end.
The same command goes on where it was stopped.  Labels come from DIR/Annotations.txt, splits from
DIR/trainSet.txt, valSet.txt and testSet.txt, as in AVE; without, all is background in test.  A film
that is annotated twice becomes two clips; categories that AVE does not know become classes.

examples:
  extract_features.py videos --out features
  extract_features.py AVE/AVE --annotations AVE --out ave-vgg --features vgg --weights vgg
  run_link.py --data features --checkpoint models/pilot_ave-full-media.safetensors
"""

import argparse
import shutil
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ..base.errors import SemcomError, exit_status
from ..base.files import make_folder
from ..base.options import at_least
from ..data import ave, extraction
from ..data.extracted_set import ExtractedSet, Texts, clips_of, read_texts, rows_of
from ..perception.features import FEATURES, extractor


def parse(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with media files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--annotations", type=Path, help="folder of AVE's text files (DIR)")
    parser.add_argument("--features", choices=FEATURES, default="compact")
    parser.add_argument("--weights", type=Path, help="folder of the weights of vgg")
    parser.add_argument("--seconds", type=at_least(1), default=10, help="T (default: 10)")
    parser.add_argument(
        "--workers", type=at_least(1), default=extraction.workers_by_default(),
        help="files at a time (default: as many as there are cores)",
    )  # fmt: skip
    return parser.parse_args(argv)


def extract(args, jobs) -> list[str]:
    """Do what is not done; returns a line for each file that went wrong."""
    columns = ("extracting", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    failures, done = [], sum(job.part.exists() for job in jobs)
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("files", total=len(jobs), completed=done)
        for _, failure in extraction.extract_all(jobs, args.workers):
            failures += [failure] if failure else []
            bar.advance(task)
    return failures


def write(args, jobs, texts: Texts) -> None:
    """The folder in the AVE layout; says what is in it."""
    clips, late = clips_of([job for job in jobs if job.part.exists()], texts)
    if not clips:
        raise SemcomError(f"{args.folder}: no file could be read, or none is in a split")
    name = args.out.resolve().name
    ave.write(args.out, {split: ExtractedSet(name, c, texts.classes) for split, c in clips.items()})
    shown = ", ".join(f"{len(own)} of {split}" for split, own in clips.items())
    print(f"wrote {args.out}: rows: {shown}")
    for line in [texts.note] * bool(texts.note) + late:
        print(line)


def run(argv=None) -> None:
    args = parse(argv)
    extractor(args.features, args.weights)  # what is wrong with the weights is wrong for all files
    make_folder(args.out)
    jobs = extraction.jobs(args.folder, args.out, args.features, args.weights, args.seconds)
    texts = read_texts(args.annotations or args.folder)
    rows_of(jobs, texts.rows)  # what is wrong with them is told before hours are spent
    failures = extract(args, jobs)
    write(args, jobs, texts)
    if failures:
        print(f"{len(failures)} of {len(jobs)} files were left out:", *failures, sep="\n  ")
    else:
        shutil.rmtree(args.out / extraction.PARTS)


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(
        "extract_features.py",
        lambda: run(argv),
        "the same command goes on with the files that are left",
    )
