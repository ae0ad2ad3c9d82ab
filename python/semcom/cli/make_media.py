# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Write clips of drawn pictures and synthesised sounds as mp4 files, for trying out the link.

The clips have ten events (bells, barks, engines, instruments, ...) over moving scenes, off-screen
sounds, silent objects and background; the same seed gives the same clips.  Annotations.txt beside
them holds the true events and their times in AVE's format; run_link.py --media compares with it.

examples:
  make_media.py --out out/media --clips 4
  run_link.py --media out/media/*.mp4 --snr 10 --render out/media.mp4
"""

import re
from pathlib import Path

import numpy as np

from ..base import options
from ..base.errors import SemcomError
from ..base.files import make_folder, replacing
from ..base.programs import exit_status, program
from ..data import ave_text
from ..data.clipset import AVE_CLASSES, BACKGROUND
from ..run.options import RunOptions

OURS = re.compile(r"clip\d+")  # names of clips


def draw(name: str, rng) -> tuple[str, tuple]:
    """A random clip: its line of Annotations.txt, and the arguments of composition.write_clip."""
    from ..data.composition import compose, random_script
    from ..data.material_drawn import DrawnMaterial

    material = DrawnMaterial()
    script = random_script(rng, material.events())
    clip = compose(rng, material, script)
    seconds = [t for t, label in enumerate(script.labels) if label != BACKGROUND]
    if not seconds:
        return ave_text.write_row("background", name, 0, 0), clip
    event = AVE_CLASSES[script.labels[seconds[0]]]
    return ave_text.write_row(event, name, seconds[0], seconds[-1] + 1), clip


def make_parser() -> options.Parser:
    """The program's options."""
    parser = options.Parser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("out/media"), help="folder to write the clips into"
    )
    parser.add_argument("--clips", type=options.at_least(1), default=4, help="(default: 4)")
    options.add_options(parser, RunOptions, names=("seed",))
    return parser


def run(argv=None) -> None:
    args = make_parser().parse_args(argv)
    seed = options.values(args, RunOptions, ("seed",)).seed
    from ..base import screen
    from ..data.composition import write_clip

    path = make_folder(args.out) / ave_text.FILE
    lines = known(path)
    try:
        with screen.bar("clips") as bar:
            for i in bar.track(range(args.clips), description="drawing"):
                name = f"clip{i:02d}"
                rng = np.random.default_rng([seed, 0, i])  # 0: no training split uses it
                film = args.out / f"{name}.mp4"
                film.unlink(missing_ok=True)  # if stopped here, no row of an older film remains
                lines[name], clip = draw(name, rng)
                write_clip(film, *clip)
    finally:
        there = [name for name in sorted(lines) if (args.out / f"{name}.mp4").exists()]
        if not there:
            path.unlink(missing_ok=True)
        else:
            with replacing(path) as temporary:
                text = "\n".join(lines[name] for name in there) + "\n"
                Path(temporary).write_text(text, encoding="utf-8")
    print(f"wrote {args.clips} clips and Annotations.txt to {args.out}")


def known(path: Path) -> dict[str, str]:
    """{clip: line} of an Annotations.txt of this program; SemcomError if it has other films."""
    rows = ave_text.read(path) if path.is_file() else []
    others = [row.film for row in rows if not OURS.fullmatch(row.film)]
    if others:
        raise SemcomError(f"{path}: has rows of other films ({others[0]}); give another --out")
    return {row.film: ave_text.write_row(*row.key) for row in rows}


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(program(), lambda: run(argv))
