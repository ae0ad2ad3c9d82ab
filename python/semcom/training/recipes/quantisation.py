# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trains digital_features: the quantised features of an error-free pilot_ave_plus.

The network starts from --init, weights of pilot_ave_plus without a channel: its encoders, followed
by the principal directions of its decoders' inputs.  Everything except the attention is trained
with lost terminals; then the quantisers are fitted to the latents of the training clips.

The receiver is not trained with quantised latents.  Encoders overfit to the training clips, which
are then coded far better than others, and a receiver that is trained with these codes trusts them
too much: with training through, or after, the quantisers it is worse on validation at every rate.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ...base.errors import SemcomError
from ...nets.digital_features import STAGE_BITS, DigitalFeatures
from ...nets.layers import to_complex, to_real, unit_power
from ...systems.loading import check_sizes
from ...systems.registry import classes
from ...weights import store
from .. import losses
from ..augment import Augment
from ..job import Job
from ..options import QuantisationConfig
from . import SIZES
from .clips import ClipRecipe

BATCH = 200  # clips at a time where nothing is learnt
EXCHANGE, MISMATCH = 0.8, 0.4  # of the clips that the quantisers are fitted to
PASSES = 6  # over these, every other one with dropout
RATES = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320)  # [bits] of the figures, up to the highest
LOST = {"both": (), "audio": ("video",), "video": ("audio",), "none": ("audio", "video")}
OF_INIT = ("hidden", "attention_hidden", "heads")  # sizes that --init decides
NEITHER = 0.02  # share of clips that lose both terminals


class Quantisation(ClipRecipe):
    """Every second's label, from features that are quantised in the end.

    Arguments are those of :class:`~semcom.training.recipes.clips.ClipRecipe`, with an
    options.QuantisationConfig.  The attention does not change: the pictures in ``features`` are
    attended here, once.
    """

    Config = QuantisationConfig

    def __init__(self, net: DigitalFeatures, config: QuantisationConfig, features, sets=None):
        super().__init__(net, config, features, sets)
        net.attention.requires_grad_(False)
        for clips in features.values():  # the attention stands still: once is enough
            clips.visual = attended(net, clips.visual)
        background = len(net.classes) - 1
        self.augment = Augment(self.clips, background, config.exchange, config.mismatch)
        self.fitting = Augment(self.clips, background, EXCHANGE, MISMATCH)

    @classmethod
    def build(cls, job: Job, clips) -> DigitalFeatures:
        """The network of --init, see :meth:`continued`; SemcomError without --init."""
        if not job.init:
            raise SemcomError(
                "--init: missing, give weights of pilot_ave_plus, variant error_free, of this set"
            )
        return super().build(job, clips)

    @classmethod
    def continued(cls, job: Job, clips) -> DigitalFeatures:
        """A new network with the sizes and the attention of a pilot_ave_plus; SemcomError for one
        with other terminals, sizes or attention, and for sizes that --init decides."""
        first = store.load(job.init, classes(), expected="pilot_ave_plus")[0]
        if first.config.terminals != "audio+video":
            raise SemcomError(
                f"--init {Path(job.init).name}: sends {first.config.terminals} alone, expected "
                "audio+video"
            )
        check_sizes(first, clips, Path(job.init).name)
        if first.config.attention != "additive":
            raise SemcomError(
                f"--init {Path(job.init).name}: its attention is {first.config.attention}, "
                "expected additive"
            )
        for name in set(OF_INIT) & set(job.network):
            raise SemcomError(f"--{name.replace('_', '-')}: follows from --init; leave it out")
        sizes = {name: getattr(first.config, name) for name in (*SIZES, *OF_INIT)}
        sizes["seconds"] = len(clips.labels(0))
        net = DigitalFeatures(DigitalFeatures.Config(**sizes | job.network), clips.classes)
        net.attention.load_state_dict(first.video_terminal.attention.state_dict())
        net.first = [first]  # in a list: no part of the network
        return net

    @classmethod
    def prepare(cls, job: Job, config) -> Quantisation:
        """As of ClipRecipe; the network begins with the parts of --init (:func:`take_over`)."""
        made = super().prepare(job, config)
        take_over(made.model, made.model.first[0], made.clips)
        del made.model.first
        return made

    def loss(self, batch, name: str) -> torch.Tensor:
        """The network's loss of a batch, a scalar, from latents that are not quantised and
        terminals some of which are lost."""
        _, index = batch
        audio, visual, labels = self.augment.batch(index)
        latents = self.latents(self.model, audio, visual)
        logits, extras = self.model.decide(latents, self._came(len(index)))
        device = logits.device
        labels, events = labels.to(device), self.clips.events[index].to(device)
        return losses.LOSSES[self.model.loss](
            losses.Batch(logits, extras, labels, events, self.config.auxiliary)
        )

    def _came(self, count: int) -> dict:
        """Which terminals of ``count`` clips are not lost."""
        drawn, one = torch.rand(count), self.config.erased
        lost = {"audio": drawn < one, "video": (drawn >= one) & (drawn < 2 * one)}
        neither = drawn >= 1 - NEITHER
        device = next(self.model.parameters()).device
        return {place: ~(own | neither).to(device) for place, own in lost.items()}

    @staticmethod
    def latents(net: DigitalFeatures, audio: torch.Tensor, visual: torch.Tensor) -> dict:
        """Latents [B, T h] float32 by terminal, of audio [B, T, d_a] and attended pictures [B, T,
        heads d_v]."""
        device = next(net.parameters()).device
        taken = {"audio": audio, "video": visual}
        return {k: net.encoders[k](taken[k].to(device).float()) for k in net.terminals}

    def score(self, kept: DigitalFeatures) -> float:
        """Share of segments, 0 to 1, that are right on val, not quantised."""
        return self.accuracy(kept, "val")

    @torch.no_grad()
    def finish(self) -> None:
        """Fit the quantisers to latents of augmented training clips, PASSES over them."""
        net = self.model
        torch.manual_seed(self.config.seed)
        found = {place: [] for place in net.terminals}
        for number in range(PASSES):
            net.train(number % 2 == 1)
            for index in torch.arange(len(self.clips)).split(BATCH):
                audio, visual, _ = self.fitting.batch(index)
                for place, latents in self.latents(net, audio, visual).items():
                    found[place].append(latents)
        for place, latents in found.items():
            net.quantisers[place].fit(torch.cat(latents))
        net.eval()

    def rates(self) -> list[int]:
        """Bits of a clip and terminal for which figures are measured: those of RATES that the
        network can send."""
        most = STAGE_BITS * self.model.config.stages
        return [bits for bits in RATES if bits <= most]

    @torch.no_grad()
    def accuracy(
        self, net: DigitalFeatures, split: str, bits: int | None = None, lost: tuple = ()
    ) -> float:
        """Share of segments, 0 to 1, that are right in a split at ``bits`` bits of a clip and
        terminal (None: not quantised), with the terminals ``lost``."""
        clips, right = self.features[split], 0
        net.eval()
        for index in torch.arange(len(clips)).split(BATCH):
            latents = self.latents(net, clips.audio[index], clips.visual[index])
            if bits is not None:
                latents = {k: arrived(net.quantisers[k], x, bits) for k, x in latents.items()}
            came = {
                k: torch.full((len(index),), k not in lost, device=x.device)
                for k, x in latents.items()
            }
            said, _ = net.decide(latents, came)
            right += int((said.argmax(-1).cpu() == clips.labels[index]).sum())
        return right / clips.labels.numel()

    def header(self) -> dict:
        """As of ClipRecipe, and ``rate_accuracy``: what each rate is worth on validation, of both
        terminals, of each alone and of none."""
        return super().header() | {
            "rate_accuracy": [
                {"bits": bits}
                | {name: round(self.accuracy(self.kept, "val", bits, lost), 4)
                   for name, lost in LOST.items()}
                for bits in self.rates()
            ]
        }  # fmt: skip

    def test(self) -> dict:
        """Accuracy without errors at the highest rate, then at each."""
        figures = {f"{bits}": self.accuracy(self.kept, "test", bits) for bits in self.rates()}
        return {"error_free": figures[f"{self.rates()[-1]}"], "bits": figures}

    @staticmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        """Validation accuracy without quantisation, and test accuracy at the highest rate."""
        rows = ClipRecipe.card_rows(header)
        validation = f"{header['metrics']['validation']:.4f} (not quantised; selects the epoch)"
        most = f"{rows[1][1]} ({header['rate_accuracy'][-1]['bits']} bits)"
        return [("validation accuracy", validation), (rows[1][0], most)]

    @staticmethod
    def card_notes(header: dict) -> list[str]:
        """Accuracy over the bits of a clip and terminal, as a table."""
        test = header["metrics"]["test"]["bits"]
        lines = ["Accuracy over the bits of a clip that each terminal sends, without errors:", "",
                 "| bits | test | validation | audio alone | video alone | neither |",
                 "|---|---|---|---|---|---|"]  # fmt: skip
        for row in header["rate_accuracy"]:
            figures = [test[str(row["bits"])], *(row[name] for name in LOST)]
            lines.append(
                f"| {row['bits']} | " + " | ".join(f"{figure:.4f}" for figure in figures) + " |"
            )
        return lines


def arrived(quantiser, latents: torch.Tensor, bits: int) -> torch.Tensor:
    """Latents [B, T h] as the receiver decodes them from ``bits`` bits of each, without errors."""
    stages = bits // STAGE_BITS
    came = torch.full((len(latents),), stages, device=latents.device)
    return quantiser.decode(quantiser.encode(latents, stages), came)


@torch.no_grad()
def attended(net: DigitalFeatures, visual: torch.Tensor) -> torch.Tensor:
    """Maps [N, T, h, w, d_v] -> [N, T, heads d_v] float16."""
    device = next(net.parameters()).device
    return torch.cat([net.attend(part.to(device)).half().cpu() for part in visual.split(64)])


@torch.no_grad()
def take_over(net: DigitalFeatures, first, clips) -> None:
    """Begin with the parts of a pilot_ave_plus.

    A decoder's first layer sees W x of the symbols x that its encoder sends; of that the directions
    of most variance are the latent, so that as little as possible is lost by sending fewer numbers.

    net    the new network
    first  the pilot_ave_plus
    clips  the training split, its pictures attended
    """
    first = first.to(next(net.parameters()).device).eval()
    receiver = first.receiver
    terminals = {"audio": first.audio_terminal, "video": first.video_terminal.encoder}
    taken = {"audio": clips.audio, "video": clips.visual}
    for k, (place, encoder) in enumerate(terminals.items()):
        semantic = net.encoders[place].semantic
        semantic.load_state_dict(encoder.semantic.state_dict())
        semantic.eval()
        device = next(semantic.parameters()).device
        features = semantic(taken[place].to(device).float())
        _start(net, place, encoder, receiver.decoders[k], features)
        events, evidence = net.decoders[place].events, receiver.evidence[k]
        gain = (evidence.gain[0] - evidence.gain[1]).exp()  # of a stream without noise
        events.weight.copy_(evidence.events.weight * gain)
        events.bias.copy_(evidence.events.bias * gain)
    net.presence.load_state_dict(receiver.presence.state_dict())
    net.span.load_state_dict(receiver.span.state_dict())
    net.train()


def _start(net: DigitalFeatures, place: str, encoder, old, features: torch.Tensor) -> None:
    """Latent and first layer of a terminal's decoder from the symbols and the old decoder."""
    raw = encoder.channel(features)
    symbols = to_real(unit_power(to_complex(raw)))
    weight, noise = old.layer[0].weight[:, :-1], old.layer[0].weight[:, -1]
    seen = (symbols @ weight.T).flatten(0, 1)
    mean = seen.mean(0)
    axes = torch.linalg.eigh((seen - mean).T @ (seen - mean))[1][:, -net.config.latent :]
    scale = (symbols.square().mean() / raw.square().mean()).sqrt()
    project = axes.T @ weight * scale
    latent, layer = net.encoders[place].latent, net.decoders[place].layer[0]
    latent.weight.copy_(project @ encoder.channel.weight)
    latent.bias.copy_(project @ encoder.channel.bias - axes.T @ mean)
    size = latent(features).square().mean().sqrt()
    latent.weight.div_(size)
    latent.bias.div_(size)
    layer.weight.copy_(axes * size)
    layer.bias.copy_(old.layer[0].bias - noise + mean)
