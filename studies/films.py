# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Render natural clips with the receiver's answers as films, and a page that shows them.

The films must not be published: most clips' licences forbid it.

    studies films --clips DIR ...       out/films/index.html
"""

import argparse
import html
import shutil
import tempfile
from pathlib import Path

from gnuradio.semcom.base import screen
from gnuradio.semcom.base.files import make_folder, replacing
from gnuradio.semcom.data.films import Films
from gnuradio.semcom.media.timeline import UNSURE
from gnuradio.semcom.report.film import render
from gnuradio.semcom.run.films import run_films

from . import media_clips, pages
from .media import over_the_air

SIZE = (640, 360)
SYSTEM = "pilot_ave_plus"
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>What a receiver understood</title>
<style>body {{ font-family: sans-serif; margin: 2em; }}
figure {{ display: inline-block; width: 640px; margin: 0.5em; vertical-align: top; }}
.wrong {{ color: #b30000; }} .right {{ color: #006644; }}
</style>
<h1>What a receiver understood</h1>
<p>{system}, {where}. Below {unsure:.0%} it is unsure.</p>
{figures}
</html>
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clips", type=Path, nargs="+", required=True, metavar="DIR",
                        help="folders with clips.json")  # fmt: skip
    parser.add_argument("--out", type=Path, default=pages.ROOT / "out" / "films", metavar="DIR",
                        help="folder to write (default: out/films)")  # fmt: skip


def run(args: argparse.Namespace) -> None:
    point, out, figures = over_the_air(SYSTEM), make_folder(args.out), []
    clips = media_clips.read(args.clips)
    with screen.bar("films") as bar:
        for clip in bar.track(clips, len(clips), description="rendering"):
            figures.append(figure(clip, point, out))
    text = PAGE.format(
        system=SYSTEM, where=point.where(), unsure=UNSURE, figures="\n".join(figures)
    )
    with replacing(out / "index.html") as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
    print(f"wrote {out / 'index.html'}: {len(clips)} films")


def figure(clip: dict, point, out: Path) -> str:
    """Render one clip; returns its part of the page (HTML)."""
    films = Films([clip["path"]])
    done = run_films(point, films)
    (window,) = media_clips.windows_of([clip], done)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        made = Path(folder) / f"{Path(clip['file']).stem}.mp4"
        render(made, done, point, films, SIZE)
        shutil.move(made, out / made.name)
    row = media_clips.row(clip, window)
    kind = "right" if row["said"] == row["class"] else "wrong"
    words = (
        f"<b>{html.escape(clip['file'])}</b>: {html.escape(row['class'])}; said "
        f'<span class="{kind}">{html.escape(media_clips.spoken(row))}</span>, {row["right"]} of '
        f"{row['scored']} seconds right. {html.escape(clip.get('note', ''))}"
    )
    return (
        f'<figure><video src="{made.name}" controls preload="none" width="640"></video>'
        f"<figcaption>{words}</figcaption></figure>"
    )
