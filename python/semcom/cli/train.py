# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Train a semantic communication system over the simulated link, or a localiser without one.

    apps/train.py --out runs/full                       synthetic set, full system
    apps/train.py --data DIR --variant error_free ...   a folder in the AVE layout
    apps/train.py --variant no_estimation --init models/pilot_ave-full-synthetic.safetensors ...
    apps/train.py --system vscg --setting wsel --seeds 5 --data DIR
    torchrun --nproc-per-node 2 apps/train.py ...       two processes, GPUs or hosts, one training

Any field of the system's and the trainer's configuration is an option.  A run that was interrupted
goes on where it stood; one that is finished is not run again.  The weights that do best on the
validation split (of a system: over all channels and SNRs from -10 to 20 dB) are written to
OUT/<system>-<variant or setting>-<data>[-<symbols>].safetensors with figures on the test split;
with several seeds, to OUT/seed0, OUT/seed1 and so on.
"""

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..base.errors import SemcomError, exit_status
from ..base.files import make_folder
from ..base.options import Parser, at_least, number
from ..data import open_set
from ..data.clipset import shared_ids
from ..data.tensors import read
from ..systems.loading import check_sizes, to_device
from ..systems.registry import AUDIO_VISUAL, LOCALISERS, classes, systems
from ..training import card, distributed, matching
from ..training.cost import memory
from ..training.evaluate import accuracy
from ..training.matching import MatchTrainer
from ..training.trainer import Trainer, TrainingConfig, link_of
from ..weights import store as checkpoint

OF_THE_DATA = ("terminals", "audio_dim", "visual_dim", "height", "width")  # not to be chosen
TEST_SNR_DB = (-10.0, -5.0, 0.0, 10.0, 30.0)


def parse(argv):
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # --seed is not --seeds
    )
    parser.add_argument("--system", choices=[*systems(), *LOCALISERS], default="pilot_ave_plus")
    parser.add_argument("--variant", choices=AUDIO_VISUAL, help="of a radio system (default: full)")
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
    known, _ = parser.parse_known_args([a for a in argv if a not in ("-h", "--help")])
    for title, config in (("training", TrainingConfig), ("system", classes()[known.system].Config)):
        add_fields(parser.add_argument_group(title), config)
    return parser.parse_args(argv)


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


def continued(args, clips):
    """The system of --init, with what the command line changes of its configuration; for
    cross-modal localisation all of it but the heads."""
    first = checkpoint.load(args.init, classes(), expected=args.system)[0]
    check_sizes(first, clips, args.init.name)
    system = type(first)(
        dataclasses.replace(first.config, **given(first.Config, args)), clips.classes
    )
    weights = first.state_dict()
    if getattr(args, "setting", None) == "cml":
        wanted = system.state_dict()
        weights = wanted | {name: value for name, value in weights.items() if name in wanted}
    try:
        system.load_state_dict(weights)
    except RuntimeError as cause:
        raise SemcomError(
            f"--init {args.init.name}: has other sizes than the options beside it ask for; leave "
            "those out"
        ) from cause
    return system


def build(args, clips):
    """A new system with the sizes of the data, or that of --init."""
    if args.init:
        return continued(args, clips)
    if args.variant == "no_estimation":
        raise SemcomError(
            "--init: missing, no_estimation keeps the transmitters of a full checkpoint"
        )
    _, height, width, visual_dim = clips.visual(0).shape
    sizes = {"audio_dim": clips.audio(0).shape[-1], "visual_dim": visual_dim}
    sizes |= {"height": height, "width": width}
    if args.system in systems():
        sizes["terminals"] = "+".join(AUDIO_VISUAL[args.variant or "full"])
    system = classes()[args.system]
    return system(system.Config(**sizes, **given(system.Config, args)), clips.classes)


def fit(trainer, validation, progress):
    """Epochs until the trainer has finished, a line of history each."""
    task = progress.add_task("train", total=trainer.config.epochs * trainer.steps_per_epoch)
    progress.update(task, completed=trainer.epoch * trainer.steps_per_epoch)
    while not trainer.finished():
        began = time.perf_counter()
        loss = trainer.train_epoch(lambda _: progress.advance(task))
        took = time.perf_counter() - began
        score = trainer.validate(validation)
        trainer.history.append(
            {"epoch": trainer.epoch, "loss": loss, "validation": score, "seconds": took}
        )
        progress.console.print(f"epoch {trainer.epoch}: loss {loss:.3f}, validation {score:.4f}")
        trainer.epoch += 1
        trainer.save()


def test_figures(system, config, test):
    """Accuracy on the test split: free of errors, and per channel and SNR; across the modalities,
    the mean of both directions."""
    if config.variant == "cml":
        return {"error_free": np.mean([matching.accuracy(system, test, m) for m in matching.MODES])}
    free = link_of(system, "error_free", "none", "none", seed=0)
    figures = {"error_free": accuracy(system, test, free)}
    if config.variant in AUDIO_VISUAL and config.variant != "error_free":
        for channel in config.channels:
            link = link_of(system, config.variant, channel, "lmmse", seed=0)
            figures[channel] = {
                f"{snr:g}": accuracy(system, test, link, snr) for snr in TEST_SNR_DB
            }
    return figures


def checkpoint_name(system, variant, data):
    """<system>-<variant>-<data>[-<decoder>][-<symbols>].safetensors; what is the system's default
    is not named."""
    name, default = f"{system.name}-{variant}-{data}", system.Config()
    for field in ("decoder", "symbols"):
        chosen = getattr(system.config, field, None)
        name += "" if chosen == getattr(default, field, None) else f"-{chosen}"
    return f"{name}.safetensors"


def cost_of(trainer):
    """Seconds of an epoch (median), memory [MiB], and on what."""
    seconds = float(np.median([epoch["seconds"] for epoch in trainer.history]))
    device = next(trainer.system.parameters()).device.type
    return {
        "epoch_s": round(seconds, 2),
        **memory(),
        "device": device,
        "threads": torch.get_num_threads(),
        "processes": distributed.world(),
    }


def warn(sets, clips):
    """What a user should know of the splits: clips that several have, classes never trained."""
    for (one, other), count in shared_ids(sets).items():
        print(f"train.py: warning: {count} ids of {other} are in {one}, too", file=sys.stderr)
    labels = {name: set(features.labels.unique().tolist()) for name, features in clips.items()}
    never = sorted((labels["val"] | labels["test"]) - labels["train"])
    if never:
        names = ", ".join(sets["train"].classes[c] for c in never)
        print(f"train.py: warning: never seen in training: {names}", file=sys.stderr)


def command_line(argv):
    """The command as it goes into a card: of paths only the last part, machines differ."""
    return " ".join(["apps/train.py", *(Path(word).name for word in argv)])


def train(args, config, out, sets, command):
    """One training, from its seed to its checkpoint and card -> accuracy on the test split."""
    make_folder(out)
    torch.manual_seed(config.seed)
    system = to_device(build(args, sets["train"]), args.device)
    print(f"{sum(p.numel() for p in system.parameters()):,} parameters", flush=True)
    pictures = torch.bfloat16 if config.bfloat16 else torch.float16
    clips = {
        name: read(split, args.limit, system.terminals, pictures) for name, split in sets.items()
    }
    trainer_of = MatchTrainer if config.variant == "cml" else Trainer
    trainer = trainer_of(system, config, clips["train"], out)
    if args.resume and trainer.resume():
        print(f"resumed after epoch {trainer.epoch - 1}", flush=True)
    if not (distributed.rank() or args.limit):
        warn(sets, clips)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        fit(trainer, clips["val"], progress)
    if distributed.rank():
        return None
    system.load_state_dict(trainer.best_weights)
    metrics = {"validation": trainer.best, "test": test_figures(system, config, clips["test"])}
    data = sets["train"].name
    path = out / checkpoint_name(system, config.variant, data)
    checkpoint.save(
        path,
        system,
        variant=config.variant,
        data=data,
        training=dataclasses.asdict(config),
        seed=config.seed,
        epochs=trainer.epoch,
        parameters=sum(p.numel() for p in system.parameters()),
        metrics=metrics,
        cost=cost_of(trainer),
    )
    print(json.dumps(metrics, indent=1))
    print("cost:", json.dumps(cost_of(trainer)))
    print(f"wrote {path} and {card.write(path, command)}", flush=True)
    return metrics["test"]["error_free"]


def run(argv=None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    args = parse(argv)
    config = TrainingConfig(**given(TrainingConfig, args))
    if args.system in LOCALISERS:
        if args.variant:
            raise SemcomError(f"--variant: {args.system} has no radio; give --setting instead")
        config = dataclasses.replace(config, variant=args.setting or "sel")
    args.device = distributed.start(args.device)
    splits = {name: f"{name}_match" if args.match else name for name in ("train", "val", "test")}
    sets = {name: open_set(args.data, split) for name, split in splits.items()}
    try:
        train_all(args, config, sets, command_line(argv))
    finally:
        distributed.stop()


def train_all(args, config, sets, command):
    """The training asked for, or one for each of --seeds."""
    if args.seeds is None:
        train(args, config, args.out, sets, command)
        return
    scores = []
    for seed in range(config.seed, config.seed + args.seeds):
        seeded = dataclasses.replace(config, seed=seed)
        scores.append(train(args, seeded, args.out / f"seed{seed}", sets, command))
    print(
        f"test accuracy {np.mean(scores):.4f} +- {np.std(scores, ddof=1):.4f}, {len(scores)} seeds"
    )


def main(argv=None) -> int:
    """Run the program; its exit status."""
    return exit_status(
        "train.py", lambda: run(argv), "the same command goes on after the last epoch"
    )
