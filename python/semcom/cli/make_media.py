# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Write clips of drawn pictures and synthesised sounds as mp4 files, to try the link with.

Ten events (bells, barks, engines, instruments, ...) over moving scenes, with off-screen sounds,
silent objects and background; the same seed gives the same clips.  Annotations.txt beside them says
what happens when, as AVE's does, and run_link.py --media compares with it.

examples:
  make_media.py --out out/media --clips 4
  run_link.py --media out/media/*.mp4 --snr 10 --render out/media.mp4
"""

from pathlib import Path

import numpy as np

from ..base import options
from ..base.errors import exit_status, program
from ..base.files import make_folder, replacing
from ..data import ave_text
from ..data.clipset import AVE_CLASSES, BACKGROUND
from ..run.options import RunOptions


def write(path: Path, rng) -> str:
    """Write one clip; returns its line of Annotations.txt."""
    from ..data.composition import compose, random_script, write_clip
    from ..data.material_drawn import DrawnMaterial

    material = DrawnMaterial()
    script = random_script(rng, material.events())
    write_clip(path, *compose(rng, material, script))
    seconds = [t for t, label in enumerate(script.labels) if label != BACKGROUND]
    if not seconds:
        return ave_text.write_row("background", path.stem, 0, 0)
    event = AVE_CLASSES[script.labels[seconds[0]]]
    return ave_text.write_row(event, path.stem, seconds[0], seconds[-1] + 1)


def run(argv=None) -> None:
    parser = options.Parser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/media"), help="folder to write")
    parser.add_argument("--clips", type=options.at_least(1), default=4, help="(default: 4)")
    options.add_options(parser, RunOptions, names=("seed",))
    args = parser.parse_args(argv)
    seed = options.values(args, RunOptions, ("seed",)).seed
    from ..base import screen

    folder, lines = make_folder(args.out), []
    with screen.bar("clips") as bar:
        for i in bar.track(range(args.clips), description="drawing"):
            rng = np.random.default_rng([seed, 0, i])  # 0: of no split that is trained on
            lines.append(write(folder / f"clip{i:02d}.mp4", rng))
    with replacing(folder / ave_text.FILE) as temporary:
        Path(temporary).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {args.clips} clips and Annotations.txt to {folder}")


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(program(), lambda: run(argv))
