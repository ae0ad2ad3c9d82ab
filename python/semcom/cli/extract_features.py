# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Extract features of media files into a folder in the AVE layout, for --data of the other
programs.

Every file below DIR becomes rows of T seconds; the last row of a file is filled up with silence and
black pictures.  A file that cannot be read is named at the end (exit status 1) and does not stop
the
others.  If the program was stopped, the same command continues.  Labels come from
DIR/Annotations.txt, splits from DIR/trainSet.txt, valSet.txt and testSet.txt, as in AVE; without
these files all rows are background, in split test.  A film that is annotated twice becomes two
clips; categories that are not AVE's become further classes.

examples:
  extract_features.py videos --out features
  extract_features.py AVE/AVE --annotations AVE --out ave-vgg --features vgg --weights vgg
  run_link.py --data features --checkpoint models/pilot_ave-full-media.safetensors
"""

from pathlib import Path

from ..base import options
from ..base.errors import SemcomError
from ..base.files import make_folder
from ..base.programs import exit_status, program
from ..data.options import VGG, SetOptions

SHARED = ("features", "weights")  # options of run_link.py for media, too


def make_parser() -> options.Parser:
    """The program's options."""
    parser = options.Parser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with media files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the features into")
    parser.add_argument(
        "--annotations",
        type=Path,
        help="folder with Annotations.txt and the lists of splits (default: DIR)",
    )
    options.add_options(parser, SetOptions, names=SHARED)
    parser.add_argument(
        "--seconds", type=options.at_least(1), default=10, help="T, seconds of a row (default: 10)"
    )
    parser.add_argument(
        "--workers", type=options.at_least(1),
        help="number of files at a time (default: the number of cores)",
    )  # fmt: skip
    return parser


def parse(argv=None):
    args = make_parser().parse_args(argv)
    vars(args).update(vars(options.values(args, SetOptions, SHARED)))
    args.weights = Path(args.weights) if args.weights else None
    return args


def extract(jobs, workers: int) -> list[str]:
    """Extract the files that are not extracted yet; returns a line for each file that failed."""
    from ..base import screen
    from ..data import extraction

    failures, done = [], sum(job.part.exists() for job in jobs)
    with screen.bar("files") as bar:
        task = bar.add_task("extracting", total=len(jobs), completed=done)
        for _, failure in extraction.extract_all(jobs, workers):
            failures += [failure] if failure else []
            bar.advance(task)
    return failures


def write(args, jobs, texts, failures) -> None:
    """Write the folder in the AVE layout and print the number of rows of each split."""
    from ..data import ave
    from ..data.extracted_set import ExtractedSet, clips_of

    clips, late = clips_of([job for job in jobs if job.part.exists()], texts)
    if not clips:
        raise SemcomError(
            f"{args.folder}: no file could be extracted ({failures[0]})"
            if failures
            else f"{args.folder}: no file is in a split; see trainSet.txt, valSet.txt, testSet.txt"
        )
    name = args.out.resolve().name
    ave.write(args.out, {split: ExtractedSet(name, c, texts.classes) for split, c in clips.items()})
    shown = ", ".join(f"{len(own)} of {split}" for split, own in clips.items())
    print(f"wrote {args.out}: rows: {shown}")
    for line in [texts.note] * bool(texts.note) + late:
        print(line)


def run(argv=None) -> int:
    """Extract a folder; returns the exit status, 1 if files failed."""
    args = parse(argv)
    if args.weights and not VGG.holds(args):
        raise SemcomError(f"--weights: has an effect only {VGG.words}; leave it out")
    from ..data import extraction  # after parsing: it loads Torch, not needed for --help
    from ..data.extracted_set import read_texts, rows_of, without_film
    from ..perception.features import extractor

    extractor(args.features, args.weights)  # wrong weights are an error before the first file
    paths, others = extraction.media_files(args.folder)
    make_folder(args.out)
    if args.out.resolve() in {p.resolve() for p in (args.folder, args.annotations) if p}:
        raise SemcomError(
            f"--out {args.out}: holds files that are read, which would be lost; give another folder"
        )
    jobs = extraction.jobs(args.folder, paths, args.out, args.features, args.weights, args.seconds)
    texts = read_texts(args.annotations or args.folder, bool(args.annotations))
    # errors of the text files come before the long work
    lost = without_film(rows_of(jobs, texts.rows), texts.rows)
    failures = extract(jobs, args.workers or extraction.workers_by_default())
    write(args, jobs, texts, failures)
    if lost:
        print(lost)
    if others:
        print("not read:", *others, sep="\n  ")
    if failures:
        print(f"{len(failures)} of {len(jobs)} files were left out:", *failures, sep="\n  ")
        return 1
    extraction.remove_parts(args.out)
    return 0


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(
        program(),
        lambda: run(argv),
        lambda: "the same command continues with the remaining files",
    )
