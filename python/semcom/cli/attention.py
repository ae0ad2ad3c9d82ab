# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Draw the attention and the decisions of systems for some clips, and measure both over the split.

Draws the first clips whose event covers 3 to 7 segments: the truth, and for each system the
attention of each segment above its decision.  Prints how narrow the attention is over the whole
split, in event segments and in background segments, as Markdown.  Radio systems and localisers can
be compared; the header of a checkpoint says which it is.  Radio systems run over the given channel
(clip i is frame i, sidelink at the same SNR); error-free checkpoints and localisers use no channel.

examples:
  attention.py                             the shipped pilot_ave_plus on the synthetic set
  attention.py --snr=-10 --channel awgn --clips 5 --out out/attention.pdf
  attention.py --data ave28 --systems models/pilot_ave-full-ave28.safetensors runs/psp.safetensors
"""

from pathlib import Path

from ..base import options
from ..base.errors import SemcomError
from ..base.files import check_outputs
from ..base.programs import exit_status, program
from ..run.scenario import Scenario
from ..systems.registry import DEFAULT_SYSTEM

KINDS = (".png", ".pdf", ".svg")
SHARED = ("data", "split", "channel", "snr", "frames", "seed")  # options of a run, too


def make_parser() -> options.Parser:
    """The program's options."""
    parser = options.Parser(description=__doc__)
    options.add_options(parser, Scenario, names=SHARED)
    parser.add_argument(
        "--systems", metavar="CHECKPOINT", nargs="+",
        help="checkpoints, a row of the figure each, in this order: files, or the training set of "
        "shipped weights of the default system (default: the weights for --data)",
    )  # fmt: skip
    parser.add_argument(
        "--clips", type=options.at_least(1), default=3, help="number of clips to draw (default: 3)"
    )
    parser.add_argument(
        "--out", metavar="FILE", default="out/attention.png",
        help="the figure: .png, .pdf or .svg (default: out/attention.png)",
    )  # fmt: skip
    parser.add_argument(
        "--json", metavar="FILE", help="write the measures into this JSON file, too"
    )
    return parser


def parse(argv=None):
    args = make_parser().parse_args(argv)
    options.points(Scenario, options.given(args, Scenario))  # refuses options without effect
    vars(args).update(vars(options.values(args, Scenario, SHARED)))
    return args


def run(argv=None) -> None:
    args = parse(argv)
    if Path(args.out).suffix not in KINDS:
        raise SemcomError(f"--out {args.out}: its name must end in {', '.join(KINDS)}")
    from ..data import open_set, set_files  # after parsing: loads Torch
    from ..evaluation import attention
    from ..report.attention_page import draw, load_models, measure
    from ..run.records import write_json
    from ..systems.choice import named_weights

    check_outputs([args.out, args.json], [*(args.systems or ()), *set_files(args.data)])
    clips = open_set(args.data or None, args.split)
    paths = named_weights(args.systems, DEFAULT_SYSTEM, "full", clips)
    models = load_models(paths, clips, args.channel, args.seed)
    draw(args.out, models, clips, args.clips, args.snr)
    found = measure(models, clips, min(args.frames or len(clips), len(clips)), args.snr)
    setting = {"data": clips.name, "split": args.split, "channel": args.channel}
    setting |= {"snr_db": args.snr, "seed": args.seed}
    if args.json:
        write_json(args.json, [{**setting, **record} for record in found])
    title = f"Attention on {clips.name} ({args.split}), {args.channel}, {args.snr:g} dB"
    print(f"{title}\n\n{attention.markdown(found)}\n\nwrote {args.out}")


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(program(), lambda: run(argv))
