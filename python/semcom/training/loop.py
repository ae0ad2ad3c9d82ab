# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The loop of all trainings, and the interface of their recipes.

The loop has the optimisers, the running average of the weights, early stopping, and the state from
which an interrupted training resumes.  The :class:`Recipe` defines model, data and score; the loop
knows nothing of events, classes, clips or links.
"""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..base.errors import SemcomError
from ..base.files import replacing
from . import distributed
from .options import LoopConfig


class Recipe(ABC):
    """A kind of training with its data.

    config           a frozen dataclass; a state is resumed only with an equal one
    model            the network that is trained
    score_name       name of the validation score; higher is better
    steps_per_epoch  steps of an epoch, after which the loop validates and saves
    """

    config: LoopConfig
    model: torch.nn.Module
    score_name: str
    steps_per_epoch: int

    @property
    def kept(self) -> torch.nn.Module:
        """The part of the model of which a running average is kept, scored and saved."""
        return self.model

    @property
    def epochs(self) -> int:
        """Most epochs."""
        return self.config.epochs

    @property
    def patience(self) -> int:
        """Epochs without a better score after which a training ends."""
        return self.config.patience

    @property
    def clip(self) -> float | None:
        """Largest norm of an optimiser's gradients; None: any."""
        return self.config.clip

    @property
    def average(self) -> float:
        """Share of the running average that a step keeps."""
        return self.config.average

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Optimisers by the name of what they train.  Each step computes the loss of that name and
        steps with it, one optimiser after the other (a discriminator, then a generator)."""
        trained = [p for p in self.model.parameters() if p.requires_grad]
        c = self.config
        return {"model": torch.optim.AdamW(trained, c.learning_rate, weight_decay=c.weight_decay)}

    def schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Learning rate of an optimiser, step by step: linear warm-up, then a cosine to zero."""
        total = self.epochs * self.steps_per_epoch
        return LambdaLR(optimizer, warmed_up(total, max(1, round(self.config.warmup * total))))

    @abstractmethod
    def batches(self, epoch: int) -> Iterator[tuple[int, object]]:
        """The batches of an epoch: (number of examples, argument of :meth:`loss`).  They depend
        only on the seed and the epoch; Torch's global generator is seeded before."""

    @abstractmethod
    def loss(self, batch, name: str) -> torch.Tensor | None:
        """Loss of a batch for the optimiser ``name``; None: the optimiser and its schedule make no
        step."""

    @abstractmethod
    def score(self, kept: torch.nn.Module) -> float:
        """Score of averaged weights on the validation data; higher is better."""


class StepRecipe(Recipe):
    """A training by steps that never ends early; what a step draws depends on (seed, step) alone.

    state_every  steps after which the loop validates and saves
    """

    state_every = 100

    @property
    def steps_per_epoch(self) -> int:
        """``state_every``, or all steps if they are fewer."""
        return min(self.state_every, self.config.steps)

    @property
    def epochs(self) -> int:
        """Epochs of ``state_every`` steps; the last may be shorter."""
        return -(-self.config.steps // self.state_every)

    patience = epochs  # never

    def batches(self, epoch: int) -> Iterator[tuple[int, object]]:
        """(1, :meth:`drawn`) for each step of an epoch."""
        first = epoch * self.state_every
        for step in range(first, min(first + self.state_every, self.config.steps)):
            yield 1, self.drawn(np.random.default_rng([self.config.seed, step]))

    @abstractmethod
    def drawn(self, rng: np.random.Generator):
        """The batch of a step, argument of :meth:`loss`, by ``rng`` alone."""


class Loop:
    """Trains a recipe's model, and keeps everything that a resumed run needs in one file.

    origin  what the training starts and learns from, for JSON; a state is resumed only with an
            equal one

    epoch, best, best_epoch, best_weights, history   present state of the training
    """

    def __init__(
        self, recipe: Recipe, folder: Path, state: str = "state.pt", origin: dict | None = None
    ):
        self.recipe, self.state_file = recipe, Path(folder) / state
        self.origin = json.dumps(origin)
        self.averaged = AveragedModel(
            recipe.kept, multi_avg_fn=get_ema_multi_avg_fn(recipe.average)
        )
        self.optimizers = recipe.optimizers()
        self.schedules = {name: recipe.schedule(o) for name, o in self.optimizers.items()}
        self.epoch, self.best, self.best_epoch = 0, -math.inf, -1
        self.best_weights: dict[str, torch.Tensor] = {}
        self.history: list[dict] = []

    def run(
        self,
        on_step: Callable[[float], None] = lambda loss: None,
        on_epoch: Callable[[dict], None] = lambda line: None,
    ) -> None:
        """Epochs until it has finished; on_epoch gets each one's line of the history.

        SemcomError for a loss that is not finite; the state is then that of the epoch before.
        """
        while not self.finished():
            began = time.perf_counter()
            loss = self.train_epoch(on_step)
            took = time.perf_counter() - began
            if not math.isfinite(loss):
                raise SemcomError(
                    f"the loss of epoch {self.epoch} is {loss}: the training diverged; give a "
                    "lower --learning-rate or --clip, and --no-resume to start again"
                )
            line = {"epoch": self.epoch, "loss": loss, "validation": self.validate()}
            self.history.append(line | {"seconds": took})
            on_epoch(self.history[-1])
            self.epoch += 1
            self.save()

    def finished(self) -> bool:
        """All epochs are done, or the score has not improved for ``patience`` of them."""
        stale = self.epoch - 1 - self.best_epoch
        return self.epoch >= self.recipe.epochs or stale >= self.recipe.patience

    def train_epoch(self, on_step: Callable[[float], None] = lambda loss: None) -> float:
        """One pass over the batches -> mean loss.  What it draws depends on (seed, epoch) alone."""
        torch.manual_seed(epoch_seed(self.recipe.config.seed, self.epoch))
        self.recipe.model.train()
        total, count = 0.0, 0
        for size, batch in self.recipe.batches(self.epoch):
            loss = self.step(batch)
            total, count = total + loss * size, count + size
            on_step(loss)
        return total / count

    def step(self, batch) -> float:
        """One step of each optimiser -> the sum of their losses."""
        total = 0.0
        for name, optimizer in self.optimizers.items():
            loss = self.recipe.loss(batch, name)
            if loss is not None:
                self._lower(loss, optimizer)
                self.schedules[name].step()
                total += float(loss.detach())
        self.averaged.update_parameters(self.recipe.kept)
        return total

    def _lower(self, loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        loss.backward()
        own = [p for group in optimizer.param_groups for p in group["params"]]
        distributed.average_gradients(own)
        if self.recipe.clip is not None:
            torch.nn.utils.clip_grad_norm_(own, self.recipe.clip)
        optimizer.step()

    def validate(self) -> float:
        """Score of the averaged weights; the best weights are kept."""
        kept = self.averaged.module
        device = next(kept.parameters()).device
        score = distributed.of_the_first(lambda: self.recipe.score(kept), device)
        if score > self.best:
            self.best, self.best_epoch = score, self.epoch
            self.best_weights = {k: v.clone() for k, v in kept.state_dict().items()}
        return score

    def _parts(self) -> dict:
        """What has a state of its own, by its name in the file."""
        parts = {"model": self.recipe.model, "averaged": self.averaged}
        parts |= {f"optimizer {name}": each for name, each in self.optimizers.items()}
        return parts | {f"schedule {name}": each for name, each in self.schedules.items()}

    def save(self) -> None:
        """Write the state after an epoch; the old one stays until the new one is whole."""
        if distributed.rank():
            return
        state = {name: part.state_dict() for name, part in self._parts().items()}
        state |= {
            "config": json.dumps(asdict(self.recipe.config)),
            "origin": self.origin,
            "best_weights": self.best_weights,
            "progress": [self.epoch, self.best, self.best_epoch],
            "history": json.dumps(self.history),
        }
        with replacing(self.state_file, RuntimeError) as temporary:
            torch.save(state, temporary)

    def resume(self) -> bool:
        """Load the state in the folder, if there is one; returns whether.  SemcomError for a state
        of another configuration or origin."""
        if not self.state_file.is_file():
            return False
        state = self._read()
        config = json.loads(json.dumps(asdict(self.recipe.config)))
        # states of earlier versions have no origin
        same = state.get("origin", self.origin) == self.origin
        if not same or json.loads(state["config"]) != config:
            raise SemcomError(
                f"{self.state_file}: is of a training with other options, data or --init; use "
                "another --out, or --no-resume to start again"
            )
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.best_weights = state["best_weights"]
        self.epoch, self.best, self.best_epoch = state["progress"]
        self.history = json.loads(state["history"])
        return True

    def _read(self) -> dict:
        wanted = {*self._parts(), "config", "best_weights", "progress", "history"}
        try:
            state = torch.load(self.state_file, weights_only=True)
            whole = wanted <= set(state)
        except (RuntimeError, EOFError, UnpicklingError, TypeError) as cause:
            raise SemcomError(
                f"{self.state_file}: not a complete training state; --no-resume starts again"
            ) from cause
        if not whole:
            raise SemcomError(
                f"{self.state_file}: the state of a training of another version or recipe; use "
                "another --out, or --no-resume to start again"
            )
        return state


def warmed_up(total: int, warmup: int) -> Callable[[int], float]:
    """Share of the learning rate in each of ``total`` steps: rises over ``warmup`` of them, then
    falls to zero as a cosine."""

    def rate(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        return 0.5 * (1 + math.cos(math.pi * done))

    return rate


def epoch_seed(seed: int, epoch: int) -> int:
    """What Torch's generator is seeded with before an epoch."""
    return seed * 1_000_003 + epoch


def shuffled(count: int, batch: int, seed: int, epoch: int) -> Iterator[torch.Tensor]:
    """Numbers of ``count`` examples in random order, one step of all processes at a time; after
    the order, each process draws noise and dropout of its own."""
    order = torch.randperm(count)
    if distributed.rank():
        torch.manual_seed(epoch_seed(seed, epoch) + 499_979 * distributed.rank())
    yield from order.split(batch * distributed.world())
