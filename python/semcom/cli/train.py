# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train a semantic communication system over the simulated link, or a localiser without one.

    apps/train.py --out runs/full                       synthetic set, full system
    apps/train.py --data DIR --variant error_free ...   a folder in the AVE layout
    apps/train.py --variant no_estimation --init models/pilot_ave-full-synthetic.safetensors ...
    apps/train.py --system vscg --setting wsel --seeds 5 --data DIR
    apps/train.py --system pilot_ave --warm-start models/vscg-sel-ave28.safetensors --frozen ...
    torchrun --nproc-per-node 2 apps/train.py ...       two processes, GPUs or hosts, one training
                                                        (not with the Torch of Debian 13)

Every field of the system's and its training's configuration is an option.  A training that was
interrupted continues after its last epoch; a finished one is not run again.  The weights that do
best on the validation split (for a radio system: over all channels and SNRs from -10 to 20 dB) are
written to OUT/<system>-<variant or setting>-<data>[-<symbols>].safetensors with their results on
the test split; with several seeds, to OUT/seed0, OUT/seed1 and so on.
"""

import sys
from argparse import BooleanOptionalAction
from pathlib import Path

from ..base import options
from ..base.errors import SemcomError
from ..base.programs import exit_status, program
from ..systems.registry import CONFIGS, DEFAULT_SYSTEM, LOCALISERS, config_of, systems
from ..training import recipes

ANYWAY = ("data", "match", "init", "limit", "resume")  # options of every training, see Job


def make_parser(system: str = DEFAULT_SYSTEM, setting: str = "") -> options.Parser:
    """The options of a system's training, or of a localiser's training in a setting."""
    kind, parser = recipes.entry(system, setting), options.Parser(description=__doc__)
    parser.add_argument("--system", **choice_of_system())
    add_common(parser, system)
    options.add_options(parser, kind.config, leave_out=("variant",))
    options.add_options(parser, config_of(system), leave_out=kind.of_the_data)
    return parser


def choice_of_system() -> dict:
    """Argparse's keywords of ``--system``, with the names of what can be trained."""
    learned = [name for name, entry in systems().items() if entry.weights]
    return dict(choices=[*learned, *LOCALISERS], default=DEFAULT_SYSTEM)


def parse(argv):
    """The arguments, and the classes of configuration (training, network) that have them as
    options."""
    first = options.Parser(add_help=False)
    first.add_argument("--system", **choice_of_system())
    first.add_argument("--setting")
    chosen = first.parse_known_args([w for w in argv if w not in ("-h", "--help")])[0]
    kind = recipes.entry(chosen.system, chosen.setting)
    parser = make_parser(chosen.system, chosen.setting)
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        refuse(parser, unknown, chosen)
    return args, kind.config, config_of(chosen.system)


def add_common(parser, system):
    """Options of all trainings of a system."""
    variants = systems()[system].variants if system in systems() else None
    count = options.at_least(1)
    parser.add_argument(
        "--variant", choices=variants, help="variant of a radio system (default: full)"
    )
    parser.add_argument(
        "--seeds", type=count, help="number of trainings, with seeds from --seed on"
    )
    parser.add_argument(
        "--data", help="folder in the AVE layout, or of text (default: the synthetic set)"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/train"), help="run folder")
    parser.add_argument(
        "--init", type=Path, help="checkpoint to start from (no_estimation: required)"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--limit", type=count, help="use only this many clips of each split, the first ones"
    )
    parser.add_argument(
        "--match",
        action="store_true",
        help="use AVE's splits for cross-modal localisation (train_order_match.h5, ...)",
    )
    parser.add_argument("--resume", action=BooleanOptionalAction, default=True)


def refuse(parser, unknown, chosen):
    """End the program with a line that says why it does not have an option."""
    kind = recipes.entry(chosen.system, chosen.setting)
    for word in unknown:
        name = word.partition("=")[0].lstrip("-").replace("-", "_")
        if not word.startswith("--"):
            continue
        if name in kind.of_the_data:
            parser.error(f"{word}: follows from the data: leave it out")
        if kinds := recipes.having(name):
            parser.error(
                f"{word}: an option of trainings of {', '.join(kinds)}; {chosen.system} has "
                f"{recipes.kind_of(chosen.system, chosen.setting)}: leave it out"
            )
        if owners := [each for each in CONFIGS if name in options.fields(config_of(each))]:
            parser.error(
                f"{word}: an option of {', '.join(owners)}, not of {chosen.system}: leave it out"
            )
    parser.error(f"unrecognized arguments: {' '.join(unknown)}")


def command_line(argv):
    """The command as the card of the weights shows it: of paths only the last part, since folders
    differ between machines."""
    return " ".join(["apps/train.py", *(Path(word).name for word in argv)])


def run(argv=None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    args, training, network = parse(argv)
    from ..training import distributed  # after parsing: loads Torch, not needed for --help
    from ..training.job import Job, train, train_seeds

    asked = options.given(args, training)
    variant = args.variant or "full"
    if args.system in LOCALISERS:
        if args.variant:
            raise SemcomError(
                f"--variant: {args.system} is a localiser, which has no variants; give --setting"
            )
        variant = getattr(args, "setting", "sel")
    if "variant" in options.fields(training):
        asked["variant"] = variant
    config = training(**asked)
    options.check_given(config, asked)
    recipe = recipes.find(args.system, getattr(args, "setting", None))
    job = Job(
        args.system,
        variant,
        args.out,
        network=options.given(args, network),
        device=distributed.start(args.device),
        command=command_line(argv),
        **{name: getattr(args, name) for name in ANYWAY},
    )
    try:
        if args.seeds is None:
            train(recipe, job, config)
        else:
            train_seeds(recipe, job, config, args.seeds)
    finally:
        distributed.stop()


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(
        program(), lambda: run(argv), lambda: "the same command continues after the last epoch"
    )
