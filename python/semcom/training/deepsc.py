# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The recipe of ``deepsc``: sentences through the channel that is tested, cross entropy of tokens.

The steps are numbered, and what a step draws depends on (seed, step) alone, so a run that was
stopped goes on as if it had not been.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..base.errors import SemcomError
from ..base.files import replacing
from ..base.options import option
from ..chain.link import TorchLink
from ..data.text import Sentences
from ..nets.deepsc import DeepSC, parts, valid
from ..nets.vocabulary import Vocabulary
from ..phy.channel import MODELS, UPLINK
from ..phy.csi import symbol_no_eff

TEMPERATURES = tuple(round(0.5 + 0.05 * i, 2) for i in range(21))
POOL = 64  # batches that are sorted by length together
VALIDATION = tuple((channel, snr) for channel in ("awgn", "rayleigh") for snr in (-3.0, 0.0, 6.0))


@dataclass(frozen=True)
class DeepSCTraining:
    """How to train.  Each batch draws a channel and a detector, each sentence an SNR [dB]."""

    steps: int = option(20000, "steps in all; the learning rate falls to zero over them")
    batch: int = option(1536, "tokens a step, padding included")
    vocabulary: int = option(10752, "entries of the vocabulary")
    pieces: int = option(1200, "entries that continue a word")
    learning_rate: float = option(1.5e-3, "largest step of AdamW")
    weight_decay: float = option(1e-2, "of AdamW")
    warmup: int = option(500, "steps in which the learning rate rises")
    clip: float = option(1.0, "largest norm of a gradient")
    snr_min: float = option(-6.0, "lowest SNR [dB]")
    snr_max: float = option(18.0, "highest SNR [dB]")
    focus: tuple[float, ...] = option(
        (-3.0, 6.0), "SNRs [dB] between which half of the sentences are sent, where most is learnt"
    )
    easy: float = option(0.1, "share of the steps in which the lowest SNR falls from the highest")
    channels: tuple[str, ...] = option(
        ("awgn", "awgn", "rayleigh", "rician"), "drawn per batch, all equally likely"
    )
    detectors: tuple[str, ...] = option(("zf", "lmmse"), "drawn per batch")
    lost: float = option(0.1, "share of sentences of which a run of symbols is lost")
    average: float = option(0.999, "weights kept per step in the running average that is tested")
    bfloat16: bool = option(True, "compute the matrix products in bfloat16")
    seed: int = option(0, "of weights, order, channels and noise")

    def __post_init__(self):
        for name in ("steps", "batch", "warmup"):
            if getattr(self, name) < 1:
                raise SemcomError(f"{name} {getattr(self, name)}: expected at least 1")
        if not self.snr_min <= self.focus[0] <= self.focus[-1] <= self.snr_max:
            raise SemcomError(
                f"focus {self.focus}: expected two SNRs within {self.snr_min:g} to "
                f"{self.snr_max:g} dB"
            )
        for name, known in (("channels", MODELS), ("detectors", ("zf", "lmmse"))):
            for value in getattr(self, name):
                if value not in known:
                    raise SemcomError(f"{name} {value!r}: expected some of {', '.join(known)}")


class Tokens:
    """Sentences as tokens; a long one is several, see :func:`semcom.nets.deepsc.parts`."""

    def __init__(self, sentences: Sentences, vocabulary: Vocabulary):
        self.name = sentences.name
        cut = [part for sentence in sentences for part in parts(vocabulary.encode(sentence))]
        rows = [part for part in cut if part]
        self.lengths = torch.tensor([len(row) for row in rows])
        self.flat = torch.tensor([number for row in rows for number in row])
        self.starts = self.lengths.cumsum(0) - self.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """tokens [B, T] int64, zero beyond each length, and lengths [B]."""
        lengths = self.lengths[index]
        inside = valid(lengths, int(lengths.max()))
        place = self.starts[index, None] + torch.arange(inside.shape[1])
        return self.flat[place.where(inside, 0)].where(inside, 0), lengths


def make_data(train: Sentences, config: DeepSCTraining) -> tuple[Vocabulary, Tokens]:
    """The vocabulary of the training sentences, and these as tokens."""
    vocabulary = Vocabulary.of(train, config.vocabulary, config.pieces)
    return vocabulary, Tokens(train, vocabulary)


def batches(tokens: Tokens, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Indices of one pass in random order, sentences of like length together, at most ``size``
    tokens with padding."""
    order = torch.randperm(len(tokens), generator=generator)
    pool = POOL * max(1, size // max(1, int(tokens.lengths.float().mean())))
    for some in order.split(pool):
        some = some[tokens.lengths[some].argsort(stable=True)]
        made, start = [], 0
        for end in range(1, len(some) + 1):
            full = end == len(some)
            if full or (end + 1 - start) * int(tokens.lengths[some[end]]) > size:
                made.append(some[start:end])
                start = end
        for number in torch.randperm(len(made), generator=generator).tolist():
            yield made[number]


def send(net: DeepSC, link: TorchLink, tokens, lengths, snr_db, frame):
    """Payload through pilots, channel, estimation and detection at 1x1 -> symbols [B, n] and
    their noise variance [B, n]."""
    payload = net.encode(tokens, lengths)
    detected, no_eff = link.transfer(payload[:, None], snr_db, frame, link=UPLINK, num_rx=1)
    return detected[:, 0], symbol_no_eff(no_eff, payload.shape[1])[:, 0]


def lose(noise: torch.Tensor, lengths, share: float, generator) -> torch.Tensor:
    """Noise variances [B, n] with a run of up to half the payload, at any place, at infinity in a
    ``share`` of the rows: what a lost fragment looks like."""
    count = noise.shape[1]
    draw = torch.rand(3, len(noise), 1, generator=generator)
    sent = (lengths * (count // int(lengths.max())))[:, None]
    size = draw[0] * sent / 2 * (draw[1] < share)
    start = draw[2] * (sent - size)
    place = torch.arange(count)
    return noise.masked_fill((place >= start) & (place < start + size), math.inf)


class TiedCrossEntropy(torch.autograd.Function):
    """Mean cross entropy [nat] of ``features @ weight.T + bias``, features [N, d], weight [V, d],
    bias [V], target [N] int64.

    Equal to ``F.cross_entropy`` of the logits, without ever holding N x V of them: the gradient is
    made chunk by chunk with the loss.  Of a vocabulary of ten thousand words that saves half of a
    step's time.
    """

    CHUNK = 512

    @staticmethod
    def forward(ctx, features, weight, bias, target, dtype):
        wide, small = weight.to(dtype), features.to(dtype)
        total = features.new_zeros((), dtype=torch.float32)
        by_features, by_weight = torch.empty_like(small), torch.zeros_like(weight)
        by_bias = torch.zeros_like(bias)
        for some in torch.arange(len(target)).split(TiedCrossEntropy.CHUNK):
            part = slice(int(some[0]), int(some[-1]) + 1)
            share = (small[part] @ wide.T).float().add_(bias)
            total += F.nll_loss(share.sub_(share.logsumexp(1, True)), target[part], reduction="sum")
            share.exp_()[some - some[0], target[part]] -= 1
            by_bias += share.sum(0)
            share = share.to(dtype)
            by_features[part] = share @ wide
            by_weight += share.T @ small[part]
        ctx.save_for_backward(by_features, by_weight, by_bias)
        ctx.count = len(target)
        return total / ctx.count

    @staticmethod
    def backward(ctx, grad):
        features, weight, bias = (g * (grad / ctx.count) for g in ctx.saved_tensors)
        return features.float(), weight, bias, None, None


def loss(net: DeepSC, symbols, noise, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Cross entropy [nat], mean over the tokens of a batch, of received symbols."""
    inside = valid(lengths, tokens.shape[1])
    features = net.features(symbols, noise, lengths)[inside].float()
    dtype = torch.bfloat16 if torch.is_autocast_enabled("cpu") else torch.float32
    with torch.autocast("cpu", enabled=False):
        return TiedCrossEntropy.apply(
            features, net.embedding.weight, net.bias, tokens[inside], dtype
        )


def received(net: DeepSC, tokens: Tokens, channel: str, snr: float, batch: int = 256):
    """What the receiver makes of all sentences at one SNR [dB]; yields a batch's tokens and logits
    within the sentences, [N] and [N, V]."""
    link = TorchLink(channel, "ls", "lmmse", num_rx=1, seed=0)
    for index in torch.arange(len(tokens)).split(batch):
        numbers, lengths = tokens.batch(index)
        inside = valid(lengths, numbers.shape[1])
        symbols = send(net, link, numbers, lengths, torch.full((len(index),), snr), index)
        yield numbers[inside], net.decode(*symbols, lengths)[inside]


@torch.no_grad()
def validate(net: DeepSC, tokens: Tokens) -> dict[str, float]:
    """Share of tokens that are right, per ``channel@snr`` of VALIDATION, and their mean."""
    right = {}
    for channel, snr in VALIDATION:
        found = [logits.argmax(-1) == n for n, logits in received(net, tokens, channel, snr)]
        right[f"{channel}@{snr:g}"] = float(torch.cat(found).double().mean())
    right["mean"] = sum(right.values()) / len(right)
    return right


@torch.no_grad()
def calibrate(net: DeepSC, tokens: Tokens) -> float:
    """Set the temperature of the receiver's confidence to the one of TEMPERATURES that has the
    least cross entropy over VALIDATION; returns it."""
    total = torch.zeros(len(TEMPERATURES), dtype=torch.float64)
    for channel, snr in VALIDATION:
        for numbers, logits in received(net, tokens, channel, snr):
            for place, temperature in enumerate(TEMPERATURES):
                total[place] += F.cross_entropy(logits / temperature, numbers, reduction="sum")
    net.temperature.fill_(TEMPERATURES[int(total.argmin())])
    return float(net.temperature)


class Trainer:
    """Steps, their running average, and all that a resumed run needs, in ``folder``."""

    def __init__(self, net: DeepSC, config: DeepSCTraining, tokens: Tokens, folder: Path):
        self.net, self.config, self.tokens = net, config, tokens
        self.state_file = Path(folder) / "state.pt"
        self.averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(config.average))
        matrices = [p for p in net.parameters() if p.dim() > 1]
        rest = [p for p in net.parameters() if p.dim() < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices}, {"params": rest, "weight_decay": 0.0}],
            config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.step, self.best, self.best_weights = 0, -1.0, {}

    def run(self) -> Iterator[float]:
        """Train until the last step; yields each step's loss."""
        epoch, passed = 0, 0
        while self.step < self.config.steps:
            generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + epoch)
            for index in batches(self.tokens, self.config.batch, generator):
                passed += 1
                if passed > self.step and self.step < self.config.steps:
                    yield self._step(index)
            epoch += 1

    def _step(self, index: torch.Tensor) -> float:
        config = self.config
        generator = torch.Generator().manual_seed((config.seed + 1) * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * self._rate()
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            value = self._loss(index, generator)
        self.optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), config.clip)
        self.optimizer.step()
        self.averaged.update_parameters(self.net)
        self.step += 1
        return float(value.detach())

    def _rate(self) -> float:
        """Linear warm-up, then a cosine to zero."""
        config = self.config
        if self.step < config.warmup:
            return (self.step + 1) / config.warmup
        left = (config.steps - self.step) / max(1, config.steps - config.warmup)
        return 0.5 * (1 - math.cos(math.pi * left))

    def _loss(self, index: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        config = self.config
        numbers, lengths = self.tokens.batch(index)
        channel, detector = (
            known[int(torch.randint(len(known), (), generator=generator))]
            for known in (config.channels, config.detectors)
        )
        snr = self._draw_snr(len(index), generator)
        frame = self.step * config.batch + torch.arange(len(index))  # never repeats
        link = TorchLink(channel, "ls", detector, num_rx=1, seed=config.seed + 1)
        symbols, noise = send(self.net, link, numbers, lengths, snr, frame)
        noise = lose(noise, lengths, config.lost, generator)
        return loss(self.net, symbols, noise, numbers, lengths)

    def _draw_snr(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """SNRs [count] in dB: half of them uniform over the whole range, half over the focus; first
        high ones, then all."""
        config = self.config
        progress = min(1.0, self.step / max(1.0, config.easy * config.steps))
        least = config.snr_max + (config.snr_min - config.snr_max) * progress
        place, half = torch.rand(2, count, generator=generator)
        wide = config.snr_min + (config.snr_max - config.snr_min) * place
        narrow = config.focus[0] + (config.focus[1] - config.focus[0]) * place
        return torch.where(half < 0.5, wide, narrow).clamp_min(least)

    def validate(self, tokens: Tokens) -> dict[str, float]:
        """Figures of the averaged weights; the best are kept."""
        net = self.averaged.module.eval()
        figures = validate(net, tokens)
        if figures["mean"] > self.best:
            self.best = figures["mean"]
            self.best_weights = {k: v.clone() for k, v in net.state_dict().items()}
        return figures

    def save(self) -> None:
        """Write the state; the old one stays until the new one is whole."""
        state = {
            "config": json.dumps([asdict(self.config), self.net.config_dict()]),
            "vocabulary": json.dumps(self.net.classes),
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": [self.step, self.best],
            "best_weights": self.best_weights,
        }
        with replacing(self.state_file, RuntimeError) as temporary:
            torch.save(state, temporary)

    def resume(self) -> bool:
        """Take up the state in the folder, if there is one; it must be of the same
        configuration."""
        if not self.state_file.is_file():
            return False
        state = torch.load(self.state_file, weights_only=True)
        same = json.dumps([asdict(self.config), self.net.config_dict()])
        if state["config"] != same or state["vocabulary"] != json.dumps(self.net.classes):
            raise SemcomError(
                f"{self.state_file}: config or vocabulary differs from the one asked for; use "
                "another --out, or --no-resume to start again"
            )
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.best = state["progress"]
        self.best_weights = state["best_weights"]
        return True
