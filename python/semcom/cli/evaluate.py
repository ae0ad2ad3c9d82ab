# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Evaluate an event localiser on one split of a set: accuracy with its confidence interval.

Settings: sel, wsel and wsel_proportions name the event of each second.  a2v and v2a find the
seconds of an event in the other modality; both need a checkpoint of setting cml and use AVE's
splits for
it.  Several checkpoints count as training seeds: the mean and the standard deviation are printed.

examples:
  evaluate.py --system span --setting sel --data ave28 --split test --json out/span.json
  evaluate.py --system vscg --setting wsel --data ave28 --checkpoint runs/*/vscg-wsel-*.safetensors
  evaluate.py --system coattention --setting a2v --data DIR --checkpoint cml.safetensors \\
      --figures out/figures --table out/table.tex
"""

import contextlib
from pathlib import Path

from ..base import options
from ..base.errors import SemcomError
from ..base.files import check_outputs, make_folder
from ..base.programs import exit_status, program
from ..nets.names import EVALUATED
from ..run.scenario import Scenario
from ..sweep.cluster import opened, options_of
from ..sweep.options import ClusterOptions
from ..systems.registry import LOCALISERS

SHARED = ("split", "device")  # options of a run, too


def make_parser() -> options.Parser:
    """The program's options."""
    parser = options.Parser(description=__doc__)
    parser.add_argument("--system", choices=list(LOCALISERS), default="span")
    parser.add_argument("--setting", choices=EVALUATED, default="sel")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder in the AVE layout")
    options.add_options(parser, Scenario, names=SHARED)
    parser.add_argument(
        "--checkpoint", nargs="+", metavar="CHECKPOINT",
        help="one or several training seeds: files, or the training set of shipped weights "
        "(ave28); default: the weights shipped for the set",
    )  # fmt: skip
    options.add_options(parser, ClusterOptions)
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="write the results and the command, set and weights behind them (JSON)",
    )
    parser.add_argument("--table", metavar="FILE", help="write the results as a table: .tex or .md")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw figures into this folder")
    return parser


def parse(argv=None):
    args = make_parser().parse_args(argv)
    shared = options.values(args, Scenario, SHARED)
    args.split, args.device = shared.split, shared.device
    return args


def run(argv=None) -> None:
    args = parse(argv)
    if args.table and Path(args.table).suffix not in (".tex", ".md"):
        raise SemcomError(f"--table {args.table}: its name must end in .tex or .md")
    import torch  # imported after parsing: --help does not need it

    from ..data import open_set, set_files
    from ..evaluation import localisation
    from ..report import tables
    from ..report.evaluation import draw, evaluate, rows_of, split_of, write_table
    from ..run.records import write_json
    from ..systems.choice import named_weights

    check_outputs([args.json, args.table], [*(args.checkpoint or ()), *set_files(args.data)])
    if args.figures:
        make_folder(args.figures)
    localisation.check_setting(args.system, args.setting)
    torch.manual_seed(0)
    clips = open_set(args.data, split_of(args))
    trained = localisation.trained_in(args.setting)
    paths = named_weights(args.checkpoint, args.system, trained, clips)
    with opened(options_of(args)) or contextlib.nullcontext() as cluster:
        nets, records = evaluate(args, clips, paths, cluster)
    total = localisation.summary(records)
    header, rows = rows_of(args, records, total)
    print("\n".join(tables.markdown(header, rows)))
    if args.json:
        write_json(args.json, records, **total)
    if args.table:
        write_table(args.table, header, rows)
    if args.figures:
        draw(args, clips, nets, records)
        print(f"drew into {args.figures}")


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(program(), lambda: run(argv))
