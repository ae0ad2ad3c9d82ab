# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/gallery.md and its films: one film as sent and as received over several links.

The film pans over free photographs from scikit-image (a cat, an astronaut, a cup); its sounds are
synthesised.  With --clips your own films are sent instead and written only into --out, as they may
not be free to publish.

    studies gallery
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gnuradio.semcom.base import screen
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import check_writable, make_folder
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.media.video import write_video
from gnuradio.semcom.report import tables
from rich.progress import track
from skimage import data

from . import pages

RUN_LINK = pages.ROOT / "apps" / "run_link.py"
SHOWN = {"chelsea": "Flute", "astronaut": "Helicopter", "coffee": "Clock"}  # and sounds
SECONDS, FPS, SIDE = 3, 16, 256  # of each photograph; pictures a second; [pixels]
H265 = (  # as many channel uses as m3e_vsc with sound
    "--system digital --task media --variant video_only --source h265 --quality 30 --size 64 "
    "--picture-rate 16 --modulation 16qam --antennas 1"
)


@dataclass(frozen=True)
class Link:
    """A link: its title, options of ``apps/run_link.py``, name of its film."""

    name: str
    options: str
    file: str


LINKS = (
    Link("`m3e_vsc`", "--system m3e_vsc --antennas 1 --snr 8", "m3e-8"),
    Link("`m3e_vsc`", "--system m3e_vsc --antennas 1 --snr 0", "m3e-0"),
    Link("`m3e_vsc`", "--system m3e_vsc --antennas 1 --snr=-5", "m3e-minus5"),
    Link("H.265, LDPC 3/4, 16QAM", f"{H265} --snr 16", "h265-16"),
    Link("H.265, LDPC 3/4, 16QAM", f"{H265} --snr 8", "h265-8"),
    Link("`pilot_ave_plus`, what happens", "--snr 10", "events"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--clips", type=Path, nargs="+", metavar="FILE", help="send these films instead")
    add("--out", type=Path, default=Path("out/films"), metavar="DIR", help="folder for the films")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    if args.clips:
        sent, kept, page = args.clips, make_folder(args.out), args.out / "gallery.md"
    else:
        kept, page = make_folder(args.docs / "films"), args.docs / "gallery.md"
        sent = [photographs(make_folder(args.out) / "photographs.mp4")]
    check_writable(page)
    if len({film.stem for film in sent}) < len(sent):
        raise SemcomError("--clips: two films have the same name; rename one")
    jobs = [(film, link) for film in sent for link in LINKS]
    rows = []
    for film, link in track(jobs, "films", console=screen.console()):
        name = link.file if not args.clips else f"{film.stem}-{link.file}"
        rows.append([film.name, link.name, *over(film, link, kept / f"{name}.mp4", page)])
    header = ["sent", "link", "SNR [dB]", "uses a second", "SSIM", "sentences or events", "film"]
    words = ["--clips", *args.clips] if args.clips else []
    text = pages.page("gallery", command=pages.command("gallery", *words),
                      table=tables.markdown(header, rows))  # fmt: skip
    pages.write(page, text)


def over(film: Path, link: Link, shown: Path, page: Path) -> list[str]:
    """Send a film over a link; returns the other cells of its row."""
    record = shown.with_suffix(".json")
    words = [*link.options.split(), "--channel", "awgn", "--media", film, "--render", shown,
             "--json", record]  # fmt: skip
    done = subprocess.run([sys.executable, RUN_LINK, *words], capture_output=True, text=True)
    if done.returncode:
        raise SemcomError(f"{film}: {done.stderr.strip().splitlines()[-1]}")
    point = json.loads(record.read_text(encoding="utf-8"))["records"][0]
    record.unlink()
    uses = sum(point["channel_uses"].values())
    ssim = "-" if point.get("ssim") is None else f"{point['ssim']:.2f}"
    place = shown.relative_to(page.parent)
    return [f"{point['snr_db']:g}", f"{uses:,.0f}", ssim, said(point["media"]),
            f"[{shown.name}]({place})"]  # fmt: skip


def said(windows: list[dict]) -> str:
    """The receiver's answers second by second, with repeated ones once."""
    found = []
    for window in windows:
        seconds = window.get("said") or [second["event"] for second in window.get("events", ())]
        found += seconds
    changes = [one for i, one in enumerate(found) if not i or one != found[i - 1]]
    return "; ".join(changes) or "-"


def photographs(path: Path) -> Path:
    """Write the film of photographs."""
    rng, material = np.random.default_rng(0), DrawnMaterial()
    sounds = [
        np.resize(material.sound(rng, AVE_CLASSES.index(event)), SECONDS * RATE)
        for event in SHOWN.values()
    ]
    write_video(path, pan(), FPS, np.concatenate(sounds).astype(np.float32))
    return path


def pan() -> Iterator[np.ndarray]:
    """Pictures [SIDE, SIDE, 3] uint8 that move over each photograph."""
    for name in SHOWN:
        photo = getattr(data, name)()
        room = [n - SIDE for n in photo.shape[:2]]
        for i in range(SECONDS * FPS):
            part = 0.35 + 0.3 * i / (SECONDS * FPS)
            top, left = (round(part * n) for n in room)
            yield np.ascontiguousarray(photo[top : top + SIDE, left : left + SIDE])
