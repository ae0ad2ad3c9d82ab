# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/attention.md: where systems look and what they decide (Fig. 7 of Yu et al.,
arXiv:2412.06208), drawn for some clips and measured over the test split; see apps/attention.py.

    studies attention --data DIR --systems runs/seed0/*-full-*.safetensors
"""

import argparse
from pathlib import Path

from gnuradio.semcom.base.files import check_writable, make_folder
from gnuradio.semcom.base.options import at_least, number
from gnuradio.semcom.data import open_set
from gnuradio.semcom.evaluation.attention import markdown
from gnuradio.semcom.phy.names import CHANNELS
from gnuradio.semcom.report.attention_page import draw, load_models, measure

from . import pages

FIGURE = "figures/attention.png"


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", metavar="DIR", help="AVE-layout folder; default: the synthetic set")
    add("--systems", metavar="CHECKPOINT", nargs="+", type=Path, required=True,
        help="rows of the figure, in this order")  # fmt: skip
    add("--clips", type=at_least(1), default=3, help="clips drawn (default: 3)")
    add("--frames", type=at_least(0), default=0, help="clips measured; 0: the split once")
    add("--snr", type=number, default=10.0, metavar="DB", help="[dB], default: 10")
    add("--channel", choices=CHANNELS, default="rayleigh", help="default: rayleigh")
    add("--seed", type=at_least(0), default=0, help="of the channel's draws")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    target = args.docs / "attention.md"
    check_writable(target)
    make_folder((args.docs / FIGURE).parent)
    clips = open_set(args.data, "test")
    models = load_models(args.systems, clips, args.channel, args.seed)
    draw(args.docs / FIGURE, models, clips, args.clips, args.snr)
    found = measure(models, clips, min(args.frames or len(clips), len(clips)), args.snr)
    pages.write(target, page(args, clips.name, markdown(found)))


def page(args: argparse.Namespace, data: str, table: str) -> str:
    """docs/attention.md."""
    words = f"--systems {' '.join(path.stem for path in args.systems)} --channel {args.channel}"
    return pages.page(
        "attention",
        data=data,
        channel=args.channel,
        snr=f"{args.snr:g}",
        command=pages.command(
            "attention", "--data <folder>", words, f"--snr {args.snr:g} --clips {args.clips}"
        ),
        clips=str(args.clips),
        figure=FIGURE,
        table=table,
    )
