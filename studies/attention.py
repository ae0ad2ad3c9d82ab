# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/attention.md: spatial attention and decisions of systems (Fig. 7 of Yu et al.,
arXiv:2412.06208), drawn for some clips and measured over the test split; see apps/attention.py.

    studies attention --data DIR --systems runs/seed0/*-full-*.safetensors
"""

import argparse
from pathlib import Path

from gnuradio.semcom.base import options
from gnuradio.semcom.base.files import check_writable, make_folder
from gnuradio.semcom.data import open_set
from gnuradio.semcom.evaluation.attention import markdown
from gnuradio.semcom.report.attention_page import draw, load_models, measure
from gnuradio.semcom.run.scenario import Scenario

from . import pages

FIGURE = "figures/attention.png"
SHARED = ("data", "channel", "snr", "frames", "seed")  # with the options of a run


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    options.add_options(parser, Scenario, names=SHARED)
    add("--systems", metavar="CHECKPOINT", nargs="+", type=Path, required=True,
        help="rows of the figure, in this order")  # fmt: skip
    add("--clips", type=options.at_least(1), default=3, help="clips drawn (default: 3)")
    add("--docs", type=Path, default=pages.DOCS, help="folder of the page")


def run(args: argparse.Namespace) -> None:
    vars(args).update(vars(options.values(args, Scenario, SHARED)))
    target = args.docs / "attention.md"
    check_writable(target)
    make_folder((args.docs / FIGURE).parent)
    clips = open_set(args.data or None, "test")
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
