# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Quality of pictures interpolated between key frames, beside holding and blending, as a table on
screen.

Every GAP-th picture of the films in CLIPS, at 16 pictures per second, is a key frame; SSIM is the
mean over the others, first of a film, then of all films.

    studies interpolation --clips DIR
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gnuradio.semcom.base import screen
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.options import at_least
from gnuradio.semcom.media.interpolation import between
from gnuradio.semcom.media.quality import structural_similarity
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.report import tables
from gnuradio.semcom.tasks.task import bootstrap
from rich.markdown import Markdown
from rich.progress import track

GAPS = (2, 4, 8, 16)  # [pictures]


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--clips", type=Path, required=True, metavar="DIR", help="folder of films, .mp4")
    add("--height", type=at_least(16), default=96, help="height of pictures [pixels] (default: 96)")


def run(args: argparse.Namespace) -> None:
    screen.console().print(Markdown("\n".join(table(films(args.clips, args.height)))))


def films(folder: Path, height: int) -> list[np.ndarray]:
    """Pictures [n, h, w, 3] uint8 of the films in a folder that have enough of them."""
    sources = [MediaSource(file, height=height) for file in sorted(folder.glob("*.mp4"))]
    found = [np.concatenate([second.pictures for second in source])
             for source in sources if source.has_picture]  # fmt: skip
    found = [pictures for pictures in found if len(pictures) > GAPS[-1]]
    if not found:
        raise SemcomError(f"{folder}: holds no .mp4 of more than {GAPS[-1]} pictures; give films")
    return found


def hold(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """The first key frame ``count`` times.  Key frames are [h, w, 3] uint8; the result is [count,
    h, w, 3]."""
    return np.stack([first] * count)


def nearest(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """The key frame that is nearer in time, for each of ``count`` pictures between; the first one
    at equal distance."""
    return np.stack([first if 2 * i <= count + 1 else last for i in range(1, count + 1)])


def blend(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """``count`` pictures between the key frames, each their mean weighted by time, uint8."""
    shares = np.arange(1, count + 1)[:, None, None, None] / (count + 1)
    return np.round((1 - shares) * first + shares * last).astype(np.uint8)


WAYS = {"hold": hold, "nearest": nearest, "blend": blend, "flow": between}


def likeness(pictures: np.ndarray, gap: int, way: Callable) -> float:
    """Mean SSIM of the pictures between key frames, made by ``way``."""
    found = []
    for at in range(0, len(pictures) - gap, gap):
        shown = way(pictures[at], pictures[at + gap], gap - 1)
        true = pictures[at + 1 : at + gap]
        found += [structural_similarity(*pair)[0] for pair in zip(true, shown, strict=True)]
    return float(np.mean(found))


def table(pictures: list[np.ndarray]) -> list[str]:
    """Mean SSIM of each method at each gap, and the lead of optical flow over blending."""
    rows = []
    for gap in track(GAPS, "gaps", console=screen.console()):
        each = {way: np.array([likeness(film, gap, make) for film in pictures])
                for way, make in WAYS.items()}  # fmt: skip
        ahead = each["flow"] - each["blend"]
        low, high = bootstrap(float, ahead / len(pictures), 0)  # the sum of a draw is its mean
        cells = [f"{values.mean():.3f}" for values in each.values()]
        rows.append([str(gap), *cells, f"{ahead.mean():+.3f}", f"{low:+.3f} to {high:+.3f}",
                     f"{(ahead > 0).sum()} of {len(pictures)}"])  # fmt: skip
    header = ["gap", *WAYS, "flow ahead of blend", "95 % range", "films"]
    return tables.markdown(header, rows)
