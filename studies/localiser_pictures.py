# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Draw the figures of docs/localisers.md with apps/evaluate.py."""

import shutil
import subprocess
import sys
from pathlib import Path

from gnuradio.semcom.base.errors import SemcomError

from .pages import DOCS, ROOT

FIGURES = DOCS / "figures" / "localisers"
TITLES = {
    "Confusion of `span` (sel, seed 0)": "span-confusion",
    "Attention of `span`, over the 7x7 grid: the set has no pictures": "span-attention",
    "Features of co-attention before and after (t-SNE)": "coattention-tsne",
    "Cross-modal pairs of co-attention, generated features": "cml-pairs",
}


def draw(system: str, setting: str, data: Path, path: Path, name: str) -> None:
    """apps/evaluate.py's figures of a checkpoint, as docs/figures/localisers/NAME-*.png."""
    folder = FIGURES / name
    words = ["--system", system, "--setting", setting, "--data", str(data)]
    words += ["--checkpoint", str(path), "--figures", str(folder)]
    done = subprocess.run([sys.executable, ROOT / "apps" / "evaluate.py", *words])
    if done.returncode:
        raise SemcomError(f"apps/evaluate.py {' '.join(words)}: exit status {done.returncode}")
    for picture in folder.glob("*.png"):
        shutil.move(picture, FIGURES / f"{name}-{picture.name}")
    folder.rmdir()


def attach() -> list:
    """Markdown lines for the figures that have been drawn."""
    lines = []
    for title, name in TITLES.items():
        if (FIGURES / f"{name}.png").exists():
            lines += [f"{title}:", "", f"![{title}](figures/localisers/{name}.png)", ""]
    return lines
