# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Features of an error-free pilot_ave_plus, quantised: the recipe of digital_features.

The network starts from --init, weights of pilot_ave_plus without a channel: its encoders, followed
by the directions in which its decoders see most of what they send.  Before each epoch, and at the
end, the quantisers are fitted anew to the latents of the training clips; in between all but the
attention is trained on quantised latents.
"""

from __future__ import annotations

import torch

from ...base.errors import SemcomError
from ...nets.digital_features import STAGE_BITS, DigitalFeatures
from ...nets.layers import to_complex, to_real, unit_power
from ...systems.loading import check_sizes
from ...weights import store
from .. import losses
from ..augment import Augment
from ..job import Job
from ..options import QuantisationConfig
from .clips import ClipRecipe

BATCH = 200  # clips at a time where nothing is learnt
MISMATCH = 0.2  # of the clips that the quantisers are fitted to
RATES = (8, 16, 24, 32, 48, 64, 96, 128)  # [bits] of the figures, as far as there are
LOST = {"both": (), "audio": ("video",), "video": ("audio",), "none": ("audio", "video")}
NEITHER = 0.02  # share of clips that lose both terminals


class Quantisation(ClipRecipe):
    """Every second's label, from quantised features."""

    Config = QuantisationConfig

    def __init__(self, net: DigitalFeatures, config: QuantisationConfig, features, sets=None):
        super().__init__(net, config, features, sets)
        net.attention.requires_grad_(False)
        for clips in features.values():  # the attention stands still: once is enough
            clips.visual = attended(net, clips.visual)
        background = len(net.classes) - 1
        self.augment = Augment(self.clips, background, config.exchange, config.mismatch)
        self.fitting = Augment(self.clips, background, 0.5, MISMATCH)

    @classmethod
    def build(cls, job: Job, clips) -> DigitalFeatures:
        if not job.init:
            raise SemcomError(
                "--init: missing, give weights of pilot_ave_plus, variant error_free, of this set"
            )
        return super().build(job, clips)

    @classmethod
    def continued(cls, job: Job, clips) -> DigitalFeatures:
        """A new network with the parts of pilot_ave_plus."""
        first = store.load(job.init, cls.known(), expected="pilot_ave_plus")[0]
        check_sizes(first, clips, str(job.init))
        same = ("audio_dim", "visual_dim", "height", "width", "hidden", "attention_hidden", "heads")
        sizes = {name: getattr(first.config, name) for name in same}
        sizes["seconds"] = len(clips.labels(0))
        net = DigitalFeatures(DigitalFeatures.Config(**sizes | job.network), clips.classes)
        net.attention.load_state_dict(first.video_terminal.attention.state_dict())
        net.first = [first]  # in a list: no part of the network
        return net

    @staticmethod
    def known() -> dict:
        from ...systems.registry import system

        return {"pilot_ave_plus": system("pilot_ave_plus").cls}

    @classmethod
    def prepare(cls, job: Job, config) -> Quantisation:
        made = super().prepare(job, config)
        take_over(made.model, made.model.first[0], made.clips)
        del made.model.first
        return made

    def batches(self, epoch: int):
        """Before each epoch the quantisers are fitted to what the encoders say now."""
        self.fit(self.model)
        yield from super().batches(epoch)

    @torch.no_grad()
    def fit(self, net: DigitalFeatures) -> None:
        """Fit the quantisers of a network to its latents of augmented training clips, with and
        without dropout."""
        found = {place: [] for place in net.encoders}
        for dropped in (False, True):
            net.train(dropped)
            for index in torch.arange(len(self.clips)).split(BATCH):
                audio, visual, _ = self.fitting.batch(index)
                for place, features in (("audio", audio), ("video", visual)):
                    found[place].append(net.encoders[place](features.float()))
        for place, latents in found.items():
            net.quantisers[place].fit(torch.cat(latents))
        net.train()

    def loss(self, batch, name: str) -> torch.Tensor:
        _, index = batch
        net, config = self.model, self.config
        audio, visual, labels = self.augment.batch(index)
        count, most = len(index), net.config.stages
        stages = most ** torch.rand(count)  # log-uniform
        stages = stages.floor().long().clamp(1, most)
        stages[torch.rand(count) < config.whole] = most + 1
        drawn = torch.rand(count)
        low, high = config.erased, 2 * config.erased
        neither = (drawn >= high) & (drawn < high + NEITHER)
        came = {
            "audio": (drawn >= low) & ~neither,
            "video": ((drawn < low) | (drawn >= high)) & ~neither,
        }
        latents = {
            place: net.quantisers[place](net.encoders[place](features.float()), stages)
            for place, features in (("audio", audio), ("video", visual))
        }
        logits, extras = net.decide(latents, dict.fromkeys(latents, stages), came)
        events = self.clips.events[index]
        return losses.LOSSES[net.loss](
            losses.Batch(logits, extras, labels, events, config.auxiliary)
        )

    def score(self, kept: DigitalFeatures) -> float:
        """Mean accuracy over the rates, with quantisers fitted to the average's own latents."""
        self.fit(kept)
        kept.eval()
        figures = [self.accuracy(kept, "val", bits) for bits in self.rates()]
        return sum(figures) / len(figures)

    def rates(self) -> list[int]:
        """[bits] of the figures."""
        most = STAGE_BITS * self.model.config.stages
        return [bits for bits in RATES if bits <= most]

    @torch.no_grad()
    def accuracy(self, net: DigitalFeatures, split: str, bits: int, lost: tuple = ()) -> float:
        """Accuracy of a split at a rate, with some terminals lost."""
        clips, right = self.features[split], 0
        for index in torch.arange(len(clips)).split(BATCH):
            stages = torch.full((len(index),), bits // STAGE_BITS)
            latents = {
                place: net.quantisers[place](net.encoders[place](features[index].float()), stages)
                for place, features in (("audio", clips.audio), ("video", clips.visual))
            }
            came = {place: torch.full((len(index),), place not in lost) for place in latents}
            said, _ = net.decide(latents, dict.fromkeys(latents, stages), came)
            right += int((said.argmax(-1) == clips.labels[index]).sum())
        return right / clips.labels.numel()

    def header(self) -> dict:
        """``rate_accuracy``: what each rate is worth on validation, of both terminals, of each
        alone and of none."""
        net = self.kept.eval()
        return {
            "rate_accuracy": [
                {"bits": bits}
                | {name: round(self.accuracy(net, "val", bits, lost), 4)
                   for name, lost in LOST.items()}
                for bits in self.rates()
            ]
        }  # fmt: skip

    def test(self) -> dict:
        """Accuracy without errors at the highest rate, then at each."""
        net = self.kept.eval()
        figures = {f"{bits}": self.accuracy(net, "test", bits) for bits in self.rates()}
        return {"error_free": figures[f"{self.rates()[-1]}"], "bits": figures}

    @staticmethod
    def card_rows(header: dict) -> list[tuple[str, str]]:
        rows = ClipRecipe.card_rows(header)
        rates = ", ".join(str(row["bits"]) for row in header["rate_accuracy"])
        validation = f"{header['metrics']['validation']:.4f} (mean over {rates} bits; selects)"
        return [("validation accuracy", validation), rows[1]]

    @staticmethod
    def card_notes(header: dict) -> list[str]:
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


@torch.no_grad()
def attended(net: DigitalFeatures, visual: torch.Tensor) -> torch.Tensor:
    """Maps [N, T, h, w, d_v] -> [N, T, heads d_v] float16."""
    parts = [net.attend(part).half() for part in visual.split(64)]
    return torch.cat(parts)


@torch.no_grad()
def take_over(net: DigitalFeatures, first, clips) -> None:
    """Begin with the parts of a pilot_ave_plus.

    A decoder's first layer sees W x of the symbols x that its encoder sends; of that the directions
    of most variance are the latent, so that as little as possible is lost by sending fewer numbers.
    clips  the training split, its pictures attended
    """
    receiver = first.receiver.eval()
    terminals = {"audio": first.audio_terminal, "video": first.video_terminal.encoder}
    taken = {"audio": clips.audio, "video": clips.visual}
    for k, (place, encoder) in enumerate(terminals.items()):
        semantic = net.encoders[place].semantic
        semantic.load_state_dict(encoder.semantic.state_dict())
        semantic.eval()
        features = semantic(taken[place].float())
        _start(net, place, encoder, receiver.decoders[k], features)
        decoder, evidence = net.decoders[place], receiver.evidence[k]
        decoder.events.load_state_dict(evidence.events.state_dict())
        decoder.gain[0] = evidence.gain[0] - evidence.gain[1]  # of a stream without noise
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
    layer.weight[:, :-1], layer.weight[:, -1] = axes * size, 0
    layer.bias.copy_(old.layer[0].bias - noise + mean)
