# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Runs one training, from its options to its checkpoint and card."""

from __future__ import annotations

import dataclasses
import json
from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from ..base import screen
from ..base.files import make_folder
from ..base.options import used
from ..weights import names, store
from . import card, distributed
from .cost import memory
from .loop import Loop, Recipe


@dataclass(frozen=True)
class Job:
    """The options of a training, besides those of its recipe.

    system   name of a system or localiser
    variant  variant of a system, or setting of a localiser
    network  {field: value} of the network's configuration that differ from their defaults
    data     folder of the set; None: the synthetic set
    match    True: its splits for cross-modal localisation
    init     checkpoint to start from
    limit    number of clips of each split
    command  command for the card
    """

    system: str
    variant: str
    out: Path
    network: dict = field(default_factory=dict)
    data: str | None = None
    match: bool = False
    init: Path | None = None
    device: str = "cpu"
    limit: int | None = None
    resume: bool = True
    command: str = ""


class JobRecipe(Recipe):
    """Base of the recipes of jobs: also the data, and the content of checkpoint and card."""

    @classmethod
    @abstractmethod
    def prepare(cls, job: Job, config) -> JobRecipe:
        """The recipe of a job: its splits, and a new network or that of --init."""

    @classmethod
    def stages(cls, job: Job, config) -> list[tuple[Job, object]]:
        """Trainings that make up a job, one after the other, each from the weights of the one
        before."""
        return [(job, config)]

    @abstractmethod
    def data_name(self) -> str:
        """Name of the set, as it goes into the checkpoint's name."""

    def learns_from(self) -> dict:
        """What identifies the data, and other networks that the training starts from, for JSON."""
        return {"name": self.data_name()}

    def warn(self) -> None:  # noqa: B027
        """Print what a user should know of the splits before the training starts."""

    def finish(self) -> None:  # noqa: B027
        """What is left to do with the best weights, which the model has now."""

    @abstractmethod
    def test(self) -> dict:
        """Results of the model on the test split, {name: number} or {name: {point: number}}; the
        first one, a number, is printed for each seed."""

    def header(self) -> dict:
        """Further keys of the checkpoint's header."""
        return {}

    @staticmethod
    @abstractmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        """Rows of the card with results: (name, value)."""

    @staticmethod
    def card_notes(header: dict) -> list[str]:
        """Lines of the card below its table."""
        return []


def train_seeds(recipe: type[JobRecipe], job: Job, config, seeds: int) -> None:
    """Train with ``seeds`` seeds, from the configuration's on, each in a folder OUT/seedN."""
    scores = []
    for seed in range(config.seed, config.seed + seeds):
        own = dataclasses.replace(job, out=job.out / f"seed{seed}")
        scores.append(train(recipe, own, dataclasses.replace(config, seed=seed)))
    if not distributed.rank():
        spread = f" +- {np.std(scores, ddof=1):.4f}" if seeds > 1 else ""
        print(f"test figure {np.mean(scores):.4f}{spread}, {seeds} seeds")


def train(recipe: type[JobRecipe], job: Job, config) -> float | None:
    """Run a job to its checkpoint and card; returns the first result on the test split, or None in
    all processes but the first."""
    figure, init, network = None, job.init, job.network
    for own, stage in recipe.stages(job, config):
        own = dataclasses.replace(own, init=init, network=network)
        figure, init = _train(recipe, own, stage)
        network = {}  # it is that of --init from now on
    return figure


def _train(recipe: type[JobRecipe], job: Job, config) -> tuple[float | None, Path | None]:
    """One training -> the first of its figures, and its checkpoint."""
    make_folder(job.out)
    made = recipe.prepare(job, config)
    print(f"{parameters(made.model):,} parameters", flush=True)
    loop = Loop(made, job.out, origin=origin_of(made, job))
    if job.resume and loop.resume():
        print(f"resumed after epoch {loop.epoch - 1}", flush=True)
    if not (distributed.rank() or job.limit):
        made.warn()
    run_shown(loop)
    if distributed.rank():
        return None, None
    made.kept.load_state_dict(loop.best_weights)
    made.finish()
    metrics = {"validation": loop.best, "test": made.test()}
    path = write(made, loop, job, metrics)
    print(json.dumps(metrics, indent=1))
    print("cost:", json.dumps(cost_of(loop)))
    print(f"wrote {path} and {card.write(path, job.command, made)}", flush=True)
    return next(iter(metrics["test"].values())), path


def origin_of(recipe: JobRecipe, job: Job) -> dict:
    """What a job's training starts and learns from, besides its recipe's configuration."""
    return {
        "system": [job.system, job.variant, recipe.kept.config_dict(), *recipe.kept.classes],
        "init": store.tensors_sha256(job.init) if job.init else None,
        "limit": job.limit,
        "data": recipe.learns_from(),
    }


def run_shown(loop: Loop) -> None:
    """Run a loop with a bar, and a line for each epoch."""
    with screen.bar(stderr=False) as bar:
        done, total = (n * loop.recipe.steps_per_epoch for n in (loop.epoch, loop.recipe.epochs))
        task = bar.add_task("train", total=total, completed=done)

        def told(line: dict) -> None:
            bar.console.print(
                f"epoch {line['epoch']}: loss {line['loss']:.3f}, "
                f"validation {line['validation']:.4f}"
            )

        loop.run(lambda _: bar.advance(task), told)


def write(recipe, loop: Loop, job: Job, metrics: dict) -> Path:
    """The checkpoint, named by ``weights.names``; its path."""
    net, config = recipe.kept, recipe.config
    path = job.out / file_name(net, job.variant, recipe.data_name())
    store.save(
        path,
        net,
        variant=job.variant,
        data=recipe.data_name(),
        training=used(config),
        seed=config.seed,
        epochs=loop.epoch,
        parameters=parameters(net),
        metrics=metrics,
        cost=cost_of(loop),
        **recipe.header(),
    )
    return path


def file_name(net, variant: str, data: str) -> str:
    """Name of a network's checkpoint; what is the system's default is not named."""
    default, more = net.Config(), {}
    for name in ("decoder", "symbols"):
        chosen = getattr(net.config, name, None)
        if chosen != getattr(default, name, None):
            more[name] = chosen
    if "decoder" in more:
        more["setting"] = net.config.setting
    return names.name_of(net.name, variant, data, **more)


def parameters(net: torch.nn.Module) -> int:
    """Number of trained parameters of a network."""
    return sum(p.numel() for p in net.parameters())


def cost_of(loop: Loop) -> dict:
    """Seconds of an epoch (median), memory [MiB], and on what."""
    seconds = float(np.median([line["seconds"] for line in loop.history]))
    device = next(loop.recipe.model.parameters()).device.type
    return {
        "epoch_s": round(seconds, 2),
        **memory(),
        "device": device,
        "threads": torch.get_num_threads(),
        "processes": distributed.world(),
    }
