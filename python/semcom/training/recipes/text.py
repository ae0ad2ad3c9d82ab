# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trains ``deepsc`` to send sentences over a link, with the cross entropy of tokens.

The random numbers of a step depend only on (seed, step), so that a stopped run continues exactly.
The validation score is the share of correct tokens, averaged over channels and SNRs
(``deepsc.VALIDATION``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch.optim.lr_scheduler import LambdaLR

from ...base.errors import SemcomError
from ...chain.link import TorchLink
from ...data import open_set
from ...nets.deepsc import DeepSC
from ...nets.vocabulary import Vocabulary
from ...systems.loading import to_device
from ...weights import store
from .. import deepsc, precision
from ..deepsc import Tokens
from ..job import Job, JobRecipe
from ..loop import warmed_up
from ..options import DeepSCTraining

VALIDATE_EVERY = 1000  # steps


class TextOverLink(JobRecipe):
    """Sentences over a link drawn for each batch.

    net         the network that is trained, with its vocabulary
    config      options.DeepSCTraining
    tokens      the training split
    validation  the split that is scored and calibrated on
    tested      the test split; None: :meth:`test` cannot be called
    data        name of the set
    """

    Config = DeepSCTraining
    score_name = "share of tokens"

    def __init__(
        self,
        net: DeepSC,
        config: DeepSCTraining,
        tokens: Tokens,
        validation: Tokens,
        tested: Tokens | None = None,
        data: str = "",
    ):
        self.model, self.config, self.data = net, config, data
        self.tokens, self.validation, self.tested = tokens, validation, tested
        self.steps_per_epoch = min(VALIDATE_EVERY, config.steps)

    @classmethod
    def prepare(cls, job: Job, config: DeepSCTraining) -> TextOverLink:
        """A new network with a vocabulary of the training sentences, or that of --init; SemcomError
        for --match, and for options that --init decides."""
        if job.match:
            raise SemcomError(f"--match: {job.system} has no such splits; leave it out")
        if job.init:
            check_started(job, config)
        sets = {s: open_set(job.data, s, text=True) for s in ("train", "val", "test")}
        name = sets["train"].name
        torch.manual_seed(config.seed)
        if job.init:
            net = store.load(job.init, {DeepSC.name: DeepSC}, expected=job.system)[0]
            vocabulary = net.vocabulary
        else:
            vocabulary = Vocabulary.of(sets["train"], config.vocabulary, config.pieces)
            net = DeepSC(DeepSC.Config(**job.network), vocabulary.entries)
        tokens = [Tokens(some, vocabulary, job.limit) for some in sets.values()]
        return cls(to_device(net, job.device), config, *tokens, name)

    def learns_from(self) -> dict:
        """The digest of the tokens that are trained and validated on."""
        told = [each.flat.numpy().tobytes() for each in (self.tokens, self.validation)]
        return {"tokens": [hashlib.sha256(each).hexdigest() for each in told]}

    @property
    def epochs(self) -> int:
        """Epochs of VALIDATE_EVERY steps."""
        return -(-self.config.steps // VALIDATE_EVERY)

    patience = epochs  # never

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """AdamW, which lets vectors be as large as they will."""
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        rest = [p for p in self.model.parameters() if p.dim() < 2]
        return {
            "model": torch.optim.AdamW(
                [{"params": matrices}, {"params": rest, "weight_decay": 0.0}],
                self.config.learning_rate,
                betas=(0.9, 0.98),
                weight_decay=self.config.weight_decay,
                fused=True,
            )
        }

    def schedule(self, optimizer: torch.optim.Optimizer) -> LambdaLR:
        """Linear warm-up of ``config.warmup`` steps, then a cosine to zero."""
        return LambdaLR(optimizer, warmed_up(self.config.steps, self.config.warmup))

    def batches(self, epoch: int) -> Iterator[tuple[int, tuple]]:
        """Batches (step, numbers of the sentences [B] int64), of passes over them without end."""
        first = epoch * VALIDATE_EVERY
        last = min(first + VALIDATE_EVERY, self.config.steps)
        step = passes = 0
        while step < last:
            generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + passes)
            for index in deepsc.batches(self.tokens, self.config.batch, generator):
                if first <= step < last:
                    yield 1, (step, index)
                step += 1
            passes += 1

    def loss(self, batch, name: str) -> torch.Tensor:
        """Cross entropy [nat] of the received tokens, a scalar, mean over the tokens of a batch."""
        (step, index), config = batch, self.config
        generator = torch.Generator().manual_seed((config.seed + 1) * 1_000_003 + step)
        numbers, lengths = self.tokens.batch(index)
        channel, detector = (
            known[int(torch.randint(len(known), (), generator=generator))]
            for known in (config.channels, config.detectors)
        )
        snr = self._draw_snr(step, len(index), generator)
        frame = step * config.batch + torch.arange(len(index))  # never repeats
        link = TorchLink(channel, "ls", detector, num_rx=1, seed=config.seed + 1)
        with precision.autocast(config.bfloat16):
            symbols, noise = deepsc.send(self.model, link, numbers, lengths, snr, frame)
            noise = deepsc.lose(noise, lengths, config.lost, generator)
            return deepsc.loss(self.model, symbols, noise, numbers, lengths)

    def _draw_snr(self, step: int, count: int, generator: torch.Generator) -> torch.Tensor:
        """SNRs [count] in dB: half of them uniform over the whole range, half over the focus; first
        high ones, then all."""
        config = self.config
        progress = min(1.0, step / max(1.0, config.easy * config.steps))
        least = config.snr_max + (config.snr_min - config.snr_max) * progress
        place, half = torch.rand(2, count, generator=generator)
        wide = config.snr_min + (config.snr_max - config.snr_min) * place
        narrow = config.focus[0] + (config.focus[1] - config.focus[0]) * place
        return torch.where(half < 0.5, wide, narrow).clamp_min(least)

    def score(self, kept: torch.nn.Module) -> float:
        """Share of tokens, 0 to 1, that are right on validation, mean over
        ``deepsc.VALIDATION``."""
        return deepsc.validate(kept.eval(), self.validation)["mean"]

    def finish(self) -> None:
        """Calibrate the receiver's confidence on validation."""
        deepsc.calibrate(self.model.eval(), self.validation)

    def test(self) -> dict:
        """Share of tokens, 0 to 1, that are right on the test split: "mean", then at each
        "channel@snr"."""
        figures = deepsc.validate(self.model.eval(), self.tested)
        return {"mean": figures.pop("mean"), **figures}

    def data_name(self) -> str:
        """Name of the set, as given."""
        return self.data

    @staticmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        """Symbols per token, size of the vocabulary, shares of tokens."""
        metrics = header["metrics"]
        return [
            ("symbols", f"{header['config']['symbols']} complex per token"),
            ("vocabulary", f"{len(header['classes']):,} entries"),
            ("validation, share of tokens", f"{metrics['validation']:.4f} (selects the weights)"),
            ("test, share of tokens", f"{metrics['test']['mean']:.4f}"),
        ]

    @staticmethod
    def card_notes(header: dict) -> list[str]:
        """Each channel and SNR of the test."""
        points = [point for point in header["metrics"]["test"] if point != "mean"]
        figures = header["metrics"]["test"]
        return [
            "Share of correct tokens on the test split, Torch link, LS, LMMSE, one antenna:",
            "",
            "| channel, SNR [dB] | tokens |",
            "|---|---|",
            *(f"| {point.replace('@', ', ')} | {figures[point]:.4f} |" for point in points),
        ]


def check_started(job: Job, config: DeepSCTraining) -> None:
    """SemcomError for an option that the network and the vocabulary of --init decide."""
    new = DeepSCTraining()
    own = [n for n in ("vocabulary", "pieces") if getattr(config, n) != getattr(new, n)]
    for name in (*job.network, *own):
        raise SemcomError(f"--{name.replace('_', '-')}: follows from --init; leave it out")
