# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train a semantic communication system over the simulated link, or a localiser without one.

    apps/train.py --out runs/full                       synthetic set, full system
    apps/train.py --data DIR --variant error_free ...   a folder in the AVE layout
    apps/train.py --variant no_estimation --init models/pilot_ave-full-synthetic.safetensors ...
    apps/train.py --system vscg --setting wsel --seeds 5 --data DIR
    torchrun --nproc-per-node 2 apps/train.py ...       two processes, GPUs or hosts, one training

Any field of the system's and its training's configuration is an option.  A run that was interrupted
goes on where it stood; one that is finished is not run again.  The weights that do best on the
validation split (of a system: over all channels and SNRs from -10 to 20 dB) are written to
OUT/<system>-<variant or setting>-<data>[-<symbols>].safetensors with figures on the test split;
with several seeds, to OUT/seed0, OUT/seed1 and so on.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from ..base.errors import SemcomError, exit_status
from ..base.options import Parser, at_least, number
from ..systems.registry import DEFAULT_SYSTEM, LOCALISERS, classes, systems
from ..training import distributed, recipes
from ..training.job import Job, train, train_seeds
from ..training.recipes.clips import OF_THE_DATA


def parse(argv):
    """Options of the recipe that the system and the setting have, and these options' owners."""
    words = [word for word in argv if word not in ("-h", "--help")]
    first = Parser(add_help=False, allow_abbrev=False)
    learned = [name for name, entry in systems().items() if entry.weights]
    system = dict(choices=[*learned, *LOCALISERS], default=DEFAULT_SYSTEM)
    first.add_argument("--system", **system)
    first.add_argument("--setting")
    chosen = first.parse_known_args(words)[0]
    recipe = recipes.find(chosen.system, chosen.setting)
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # --seed is not --seeds
    )
    parser.add_argument("--system", **system)
    add_common(parser, chosen.system)
    for title, config in (("training", recipe.Config), ("system", classes()[chosen.system].Config)):
        add_fields(parser.add_argument_group(title), config)
    args, unknown = parser.parse_known_args(argv)
    if unknown:
        refuse(parser, unknown, chosen)
    return args, recipe


def add_common(parser, system):
    """Options of all trainings of a system."""
    variants = systems()[system].variants if system in systems() else None
    parser.add_argument("--variant", choices=variants, help="of a radio system (default: full)")
    parser.add_argument("--seeds", type=at_least(1), help="train so many times, from --seed on")
    parser.add_argument("--data", help="folder in the AVE layout (default: the synthetic set)")
    parser.add_argument("--out", type=Path, default=Path("runs/train"), help="run folder")
    parser.add_argument(
        "--init", type=Path, help="checkpoint to start from (no_estimation: required)"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--limit", type=at_least(1), help="use the first so many clips of each split"
    )
    parser.add_argument(
        "--match", action="store_true", help="use the splits for cross-modal localisation (*_match)"
    )
    parser.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True)


def refuse(parser, unknown, chosen):
    """End with the one line that says why an option is none here."""
    for word in unknown:
        name = word.partition("=")[0].lstrip("-").replace("-", "_")
        kinds = recipes.having(name) if word.startswith("--") else []
        if kinds:
            parser.error(
                f"{word}: an option of trainings of {', '.join(kinds)}; {chosen.system} has "
                f"{recipes.kind_of(chosen.system, chosen.setting)}: leave it out"
            )
    parser.error(f"unrecognized arguments: {' '.join(unknown)}")


def add_fields(group, config):
    """One option per field of a configuration, unset unless given."""
    for field in dataclasses.fields(config):
        if field.name in ("variant", *OF_THE_DATA):
            continue
        option = "--" + field.name.replace("_", "-")
        help_text = f"{field.metadata['help']} (default: {field.default})"
        if isinstance(field.default, bool):
            group.add_argument(option, action=argparse.BooleanOptionalAction, help=help_text)
        elif isinstance(field.default, tuple):
            group.add_argument(option, nargs="+", help=help_text)
        else:
            kind = number if isinstance(field.default, float) else type(field.default)
            known = field.metadata.get("choices")
            group.add_argument(option, type=kind, choices=known, help=help_text)


def given(config, args):
    """The fields of a configuration that the command line names."""
    values = {field.name: getattr(args, field.name, None) for field in dataclasses.fields(config)}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if v is not None}


def command_line(argv):
    """The command as it goes into a card: of paths only the last part, machines differ."""
    return " ".join(["apps/train.py", *(Path(word).name for word in argv)])


def run(argv=None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    args, recipe = parse(argv)
    config = recipe.Config(**given(recipe.Config, args))
    variant = args.variant or "full"
    if args.system in LOCALISERS:
        if args.variant:
            raise SemcomError(f"--variant: {args.system} has no radio; give --setting instead")
        variant = args.setting or "sel"
    config = dataclasses.replace(config, variant=variant)
    job = Job(
        args.system,
        variant,
        args.out,
        network=given(classes()[args.system].Config, args),
        device=distributed.start(args.device),
        command=command_line(argv),
        **{name: getattr(args, name) for name in ("data", "match", "init", "limit", "resume")},
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
        "train.py", lambda: run(argv), "the same command goes on after the last epoch"
    )
