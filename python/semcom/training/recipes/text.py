# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Sentences over a link: a text system, trained through channels drawn at random with the cross
entropy of its tokens.

The vocabulary is that of the training sentences.  The validation score is the mean share of right
tokens over AWGN and Rayleigh at -3, 0 and 6 dB (``training.text.VALIDATION``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch

from ...base.errors import SemcomError
from ...chain.link import TorchLink
from ...data import open_set
from ...data.text import Sentences
from ...nets.vocabulary import Vocabulary
from ...systems.loading import to_device
from ...systems.registry import classes
from ...tasks.text import Text, TextTask
from ...weights import store
from .. import distributed
from ..job import Job
from ..loop import Recipe, epoch_seed
from ..options import TextConfig
from ..text import Tokens, batches, calibrate, lose, loss, send, validate

SPLITS = ("train", "val", "test")
VALIDATED, TESTED = 600, 1000  # sentences, taken evenly from the split
TEST_SNR_DB = (-6.0, 0.0, 6.0, 12.0, 18.0)
FIGURES = ("bleu_1", "bleu_4", "exact")


class TextOverLink(Recipe):
    """Tokens of sentences, over an uplink drawn for each batch."""

    Config = TextConfig
    score_name = "share of right tokens"

    def __init__(self, net, config: TextConfig, sets: dict[str, Sentences]):
        self.model, self.config, self.sets = net, config, sets
        self.steps_per_epoch = config.steps
        self.tokens = Tokens(sets["train"], net.vocabulary)
        self.validation = Tokens(some(sets["val"], VALIDATED), net.vocabulary)

    @classmethod
    def prepare(cls, job: Job, config: TextConfig) -> TextOverLink:
        """A new network with the vocabulary of the training sentences, or that of --init."""
        if job.match:
            raise SemcomError("--match: sentences have no such splits; leave it out")
        sets = {split: open_set(job.data, split, text=True) for split in SPLITS}
        if job.limit:
            sets = {split: some(sentences, job.limit) for split, sentences in sets.items()}
        torch.manual_seed(config.seed)
        return cls(to_device(cls.build(job, config, sets["train"]), job.device), config, sets)

    @staticmethod
    def build(job: Job, config: TextConfig, train: Sentences):
        if job.init:
            if job.network:
                raise SemcomError(
                    f"{', '.join(job.network)}: --init has its own sizes; leave them out"
                )
            return store.load(job.init, classes(), expected=job.system)[0]
        net = classes()[job.system]
        vocabulary = Vocabulary.of(train, config.vocabulary, config.pieces)
        return net(net.Config(**job.network), vocabulary.entries)

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Vectors (biases, norms) do not decay."""
        config = self.config
        matrices = [p for p in self.model.parameters() if p.dim() > 1]
        rest = [p for p in self.model.parameters() if p.dim() < 2]
        groups = [{"params": matrices}, {"params": rest, "weight_decay": 0.0}]
        decay = config.weight_decay
        return {
            "model": torch.optim.AdamW(
                groups, config.learning_rate, betas=(0.9, 0.98), weight_decay=decay, fused=True
            )
        }

    def batches(self, epoch: int) -> Iterator[tuple[int, tuple]]:
        """Batches (step of all, numbers of the sentences); passes begin anew with each epoch."""
        generator = torch.Generator().manual_seed(epoch_seed(self.config.seed, epoch))
        passes = (batches(self.tokens, self.config.batch, generator) for _ in itertools.count())
        every = itertools.chain.from_iterable(passes)
        share = itertools.islice(every, distributed.rank(), None, distributed.world())
        for step, index in enumerate(itertools.islice(share, self.config.steps)):
            yield len(index), (epoch * self.config.steps + step, index)

    def loss(self, batch, name: str) -> torch.Tensor:
        (step, index), config, net = batch, self.config, self.model
        device = net.bias.device
        numbers, lengths = (part.to(device) for part in self.tokens.batch(index))
        # frame numbers never repeat over a training, and evaluation's seed differs
        first = (step * distributed.world() + distributed.rank()) * config.batch
        frame = first + torch.arange(len(index), device=device)
        link = self._draw_link()
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bfloat16):
            snr = self.draw_snr(step, len(index)).to(device)
            symbols, noise = send(net, link, numbers, lengths, snr, frame)
            noise = lose(noise, lengths, net.config.symbols, config.lost)
            return loss(net, symbols, noise, numbers, lengths)

    def _draw_link(self) -> TorchLink:
        channel, detector = (
            known[int(torch.randint(len(known), ()))]
            for known in (self.config.channels, self.config.detectors)
        )
        return TorchLink(channel, "ls", detector, num_rx=1, seed=self.config.seed + 1)

    def draw_snr(self, step: int, count: int) -> torch.Tensor:
        """SNRs [count] in dB; the lowest falls from the highest in the first steps."""
        config = self.config
        progress = min(1.0, step / max(1.0, config.easy * config.steps * config.epochs))
        least = config.snr_max + (config.snr_min - config.snr_max) * progress
        place, half = torch.rand(2, count)
        wide = config.snr_min + (config.snr_max - config.snr_min) * place
        narrow = config.focus_min + (config.focus_max - config.focus_min) * place
        return torch.where(half < 0.5, wide, narrow).clamp_min(least)

    def score(self, kept: torch.nn.Module) -> float:
        return validate(kept, self.validation)["mean"]

    def test(self) -> dict:
        """BLEU-1, BLEU-4 and exact sentences on test sentences, free of errors (BLEU-1 alone) and
        per channel and SNR; sets the temperature of the receiver's confidence on validation."""
        net, sentences = self.model, some(self.sets["test"], TESTED)
        calibrate(net, self.validation)
        figures = {"error_free": tested(net, sentences, TorchLink("none", num_rx=1), 0.0)["bleu_1"]}
        for channel in dict.fromkeys(self.config.channels):
            link = TorchLink(channel, "ls", "lmmse", num_rx=1, seed=0)
            figures[channel] = {
                f"{snr:g}": tested(net, sentences, link, snr) for snr in TEST_SNR_DB
            }
        return figures

    def data_name(self) -> str:
        """Name of the set, as it goes into the checkpoint's name."""
        return self.sets["train"].name

    def warn(self) -> None:
        """Nothing: a sentence may well stand in two splits."""

    @staticmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        """What the card says of the figures: (what, value)."""
        metrics = header["metrics"]
        return [
            ("symbols", f"{header['config']['symbols']} complex per token, 16 per 63 tokens"),
            ("vocabulary", f"{len(header['classes']):,} words and pieces"),
            (
                "validation",
                f"{metrics['validation']:.4f} of the tokens right (selects the epoch; mean over "
                "AWGN and Rayleigh at -3, 0 and 6 dB)",
            ),
            ("test BLEU-1, error-free", f"{metrics['test']['error_free']:.4f}"),
        ]

    @staticmethod
    def card_notes(header: dict) -> list[str]:
        """Lines of the card below its table."""
        test = header["metrics"]["test"]
        channels = [name for name in test if name != "error_free"]
        levels = list(test[channels[0]])
        lines = [
            "BLEU-1 / BLEU-4 / share of exact sentences on the test split, in lower case, marks",
            "counted; Torch link, one receive antenna, LS, LMMSE:",
            "",
            f"| SNR [dB] | {' | '.join(levels)} |",
            f"|---|{'---|' * len(levels)}",
        ]
        for name in channels:
            cells = (
                " / ".join(f"{test[name][level][figure]:.3f}" for figure in FIGURES)
                for level in levels
            )
            lines.append(f"| {name} | {' | '.join(cells)} |")
        return lines


def some(sentences: Sentences, count: int) -> Sentences:
    """At most ``count`` sentences, taken evenly."""
    place = np.unique(np.linspace(0, len(sentences) - 1, count).astype(int))
    chosen = [(sentences.sentences[i], sentences.sources[i]) for i in place]
    return Sentences(sentences.name, *zip(*chosen, strict=True))


@torch.inference_mode()
def tested(net, sentences: Sentences, link: TorchLink, snr: float) -> dict[str, float]:
    """FIGURES of sentences at one SNR [dB], a frame each, lengths read from the headers."""
    task, scores = TextTask(compare=None), []
    for i, sentence in enumerate(sentences):
        frame = net.transmit([net.vocabulary.encode(sentence)])[0]
        number = torch.tensor([i], device=frame.device)
        snrs = torch.tensor([snr], device=frame.device)
        symbols, noise = link.uplink(frame[None, None], snrs, number)
        said = bytes(net.outcome(symbols, noise)[0].cpu().numpy()).decode()
        scores.append(task.score(sentence, Text(said)))
    return {name: task.figures(np.array(scores), 0)[name] for name in FIGURES}
