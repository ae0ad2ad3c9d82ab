# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The trainer: one system, one data set, random channels; what it does is its configuration."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..base.errors import SemcomError
from ..base.files import replacing
from ..base.options import option
from ..chain.link import NoRadio, TorchLink
from ..data.tensors import Features
from ..nets.attention import AGVA, CSPA, GuidedAttention
from ..nets.localisers import WEAK, Localiser
from ..phy.channel import MODELS
from . import distributed, losses
from .augment import Augment
from .evaluate import accuracy, choose_background

VALIDATION_SNR_DB = [-10.0, -5.0, 0.0, 5.0, 10.0, 20.0]


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Each batch draws a channel and a detector; each clip an SNR [dB], uniform, for the uplink and
    one for the feedback link.
    """

    variant: str = option("full", "what is trained, see --variant and --setting")
    epochs: int = option(30, "at most so many passes over the training clips")
    patience: int = option(8, "epochs without a better validation accuracy before it ends")
    batch: int = option(32, "clips a step")
    learning_rate: float = option(1e-3, "largest step of AdamW; a cosine from there to zero")
    weight_decay: float = option(1e-2, "of AdamW")
    warmup: float = option(0.05, "share of the steps in which the learning rate rises")
    clip: float = option(1.0, "largest norm of a gradient")
    auxiliary: float = option(1.0, "weight of the system's second loss; 1: the usual (losses.py)")
    unguided: float = option(0.1, "share of batches whose feedback is lost")
    snr_min: float = option(-12.0, "lowest SNR [dB]")
    snr_max: float = option(30.0, "highest SNR [dB]")
    channels: tuple[str, ...] = option(("awgn", "rayleigh", "rician"), "drawn per batch")
    detectors: tuple[str, ...] = option(("zf", "lmmse"), "drawn per batch")
    average: float = option(0.99, "weights kept per step in the running average that is tested")
    exchange: float = option(0.0, "share of clips with another clip's sound or picture, same event")
    mismatch: float = option(0.0, "share of clips with a part of another event's sound or picture")
    bfloat16: bool = option(False, "compute the attention in bfloat16")
    seed: int = option(0, "of weights, order, channels and noise")

    def __post_init__(self):
        for name in ("epochs", "patience", "batch"):
            if getattr(self, name) < 1:
                raise SemcomError(f"{name} {getattr(self, name)}: expected at least 1")
        if self.variant in WEAK and (self.exchange or self.mismatch):
            raise SemcomError(
                f"exchange, mismatch: know where an event is, which {self.variant} does not; leave "
                "them out"
            )
        for name, known in (("channels", MODELS), ("detectors", ("zf", "lmmse"))):
            for value in getattr(self, name):
                if value not in known:
                    raise SemcomError(f"{name} {value!r}: expected some of {', '.join(known)}")


class Trainer:
    """Trains ``system`` and keeps everything a resumed run needs in ``folder``."""

    def __init__(
        self, system: torch.nn.Module, config: TrainingConfig, clips: Features, folder: Path
    ):
        self.system, self.config, self.clips = system, config, clips
        self.state_file = Path(folder) / "state.pt"
        self.augment = Augment(
            clips,
            background=len(system.classes) - 1,
            exchange=config.exchange,
            mismatch=config.mismatch,
        )
        if config.variant == "no_estimation":
            for part in system.transmitters():
                part.requires_grad_(False)
        if config.bfloat16:
            for part in system.modules():
                if isinstance(part, AGVA | CSPA | GuidedAttention):
                    part.compute_dtype = torch.bfloat16
        self.averaged = AveragedModel(system, multi_avg_fn=get_ema_multi_avg_fn(config.average))
        trained = [p for p in system.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            trained, config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = config.batch * distributed.world()  # clips of all processes
        self.steps_per_epoch = -(-len(clips) // self.step)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.epoch, self.best, self.best_epoch = 0, -1.0, -1
        self.best_weights: dict[str, torch.Tensor] = {}
        self.history: list[dict] = []

    def _rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to zero."""
        total = self.config.epochs * self.steps_per_epoch
        warmup = max(1, round(self.config.warmup * total))
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))

    def finished(self) -> bool:
        """All epochs are done, or validation has not improved for ``patience`` of them."""
        stale = self.epoch - 1 - self.best_epoch
        return self.epoch >= self.config.epochs or stale >= self.config.patience

    def train_epoch(self, on_step: Callable[[float], None] = lambda loss: None) -> float:
        """One pass over the clips -> mean loss.  What it draws depends on (seed, epoch) alone."""
        seed = self.config.seed * 1_000_003 + self.epoch
        torch.manual_seed(seed)
        self.system.train()
        total, order = 0.0, torch.randperm(len(self.clips))
        if distributed.rank():
            torch.manual_seed(seed + 499_979 * distributed.rank())  # noise and dropout of its own
        for index in order.split(self.step):
            loss = self._step(distributed.share(index))
            total += loss * len(index)
            on_step(loss)
        return total / len(self.clips)

    def _step(self, index: torch.Tensor) -> float:
        loss = self._loss(index)
        self.optimizer.zero_grad()
        loss.backward()
        distributed.average_gradients(self.system)
        torch.nn.utils.clip_grad_norm_(self.system.parameters(), self.config.clip)
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update_parameters(self.system)
        return float(loss.detach())

    def _loss(self, index: torch.Tensor) -> torch.Tensor:
        """Loss of some training clips, over a link drawn for them."""
        config = self.config
        device = next(self.system.parameters()).device
        snr, sidelink_snr = config.snr_min + (config.snr_max - config.snr_min) * torch.rand(
            2, len(index), device=device
        )
        # frame numbers never repeat over a training, and evaluation's seed differs
        frame = (self.epoch * len(self.clips) + index).to(device)
        link = self._draw_link()
        audio, visual, labels = self.augment.batch(index)
        taken, labels = {"audio": audio, "video": visual}, labels.to(device)
        taken = {name: taken[name].to(device) for name in self.system.terminals}
        lost = len(self.system.terminals) == 2 and bool(torch.rand(()) < config.unguided)
        logits, extras = link.run(self.system, taken, snr, sidelink_snr, frame, lost)
        events = self.clips.events[index].to(device)
        batch = losses.Batch(logits, extras, labels, events, config.auxiliary)
        return losses.LOSSES[self.system.loss](batch)

    def _draw_link(self) -> TorchLink:
        config = self.config
        channel = config.channels[int(torch.randint(len(config.channels), ()))]
        detector = config.detectors[int(torch.randint(len(config.detectors), ()))]
        return link_of(self.system, config.variant, channel, detector, seed=config.seed + 1)

    def validate(self, clips: Features) -> float:
        """Score of the averaged weights on ``clips``; the best weights are kept."""
        system = self.averaged.module
        device = next(system.parameters()).device
        score = distributed.of_the_first(lambda: self._score(system, clips), device)
        if score > self.best:
            self.best, self.best_epoch = score, self.epoch
            self.best_weights = {k: v.clone() for k, v in system.state_dict().items()}
        return score

    def _score(self, system: torch.nn.Module, clips: Features) -> float:
        """Mean accuracy over the channels, SNRs cycling clip by clip."""
        if isinstance(system, Localiser) and system.background_score() is not None:
            return choose_background(system, clips)
        channels = self.config.channels if self.config.variant != "error_free" else ("none",)
        links = [link_of(system, self.config.variant, c, "lmmse", seed=0) for c in channels]
        scores = [accuracy(system, clips, link, VALIDATION_SNR_DB) for link in links]
        return sum(scores) / len(scores)

    def save(self) -> None:
        """Write the state after an epoch; the old one stays until the new one is whole."""
        if distributed.rank():
            return
        state = {
            "config": json.dumps(asdict(self.config)),
            "system": self.system.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": {"last_epoch": self.schedule.last_epoch},
            "best_weights": self.best_weights,
            "progress": [self.epoch, self.best, self.best_epoch],
            "history": json.dumps(self.history),
        }
        with replacing(self.state_file, RuntimeError) as temporary:
            torch.save(state, temporary)

    def resume(self) -> bool:
        """Take up the state in the folder, if there is one; it must be of the same
        configuration."""
        if not self.state_file.is_file():
            return False
        try:
            state = torch.load(self.state_file, weights_only=True)
        except (RuntimeError, EOFError, UnpicklingError) as cause:
            raise SemcomError(
                f"{self.state_file}: not a whole training state; --no-resume starts again"
            ) from cause
        if json.loads(state["config"]) != json.loads(json.dumps(asdict(self.config))):
            raise SemcomError(
                f"{self.state_file}: config differs from the one asked for; use another --out, or "
                "--no-resume to start again"
            )
        self.system.load_state_dict(state["system"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.last_epoch = state["schedule"]["last_epoch"]
        self.best_weights = state["best_weights"]
        self.epoch, self.best, self.best_epoch = state["progress"]
        self.history = json.loads(state["history"])
        return True


def link_of(system, variant: str, channel: str, detector: str, seed: int) -> TorchLink | NoRadio:
    """The link that a variant is trained and validated on; a localiser needs none."""
    if isinstance(system, Localiser):
        return NoRadio()
    if variant == "error_free":
        return TorchLink("none", seed=seed)
    csi = "none" if variant == "no_estimation" else "ls"
    return TorchLink(channel, csi, detector, seed=seed)
