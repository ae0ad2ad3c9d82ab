# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Audio-visual event localisers: they decide the event, or background, of each second.

``avel``: Tian et al., ECCV 2018.  ``psp``: Zhou et al., CVPR 2021.  ``vscg``: Jiang et al. (VSCG).
All three are a chain of attention, a BiLSTM for each modality, their fusion, and a head; they
differ in the parts, and the setting of the training is an argument.  ``coattention`` and ``span``
have modules of their own.
"""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import nn

from ..base.errors import SemcomError
from .attention import AGVA
from .configs import AVELConfig, LocaliserConfig, PSPConfig, VSCGConfig
from .heads import EventHead, SegmentHead, VideoHead
from .layers import (
    ESCM,
    PSP,
    BiLSTM,
    init_xavier,
)
from .matching import MatchHeads
from .names import WEAK
from .system import feature_sizes


class Localiser(nn.Module):
    """Base of the localisers: audio and visual features are available, and the sound guides the
    attention.

    config   sizes and setting
    classes  names of the C classes, background last
    """

    name: str
    Config: type
    losses: dict[str, str]  # setting -> name of the loss, see training.losses
    terminals = ("audio", "video")

    def __init__(self, config: LocaliserConfig, classes: tuple[str, ...] | list[str]):
        super().__init__()
        if config.setting not in self.losses:
            raise SemcomError(
                f"--setting {config.setting}: {self.name} does not have it; expected one of "
                f"{', '.join(self.losses)}"
            )
        self.config, self.classes = config, tuple(classes)
        self.loss = config.loss or self.losses[config.setting]

    def sizes(self) -> dict:
        """{quantity: its required value} of a set of clips, see System.sizes."""
        c = self.config
        return {
            "classes": len(self.classes),
            "audio features": (c.audio_dim,),
            "visual features": (c.height, c.width, c.visual_dim),
        }

    def sizes_of(self, clips) -> dict:
        """The same quantities of the set ``clips``."""
        return feature_sizes(clips)

    def attend(
        self, visual: torch.Tensor, audio: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """visual [B, T, h, w, d_v], audio [B, T, d_a] -> attended [B, T, d_v], attention [B, T, h,
        w] with sum 1 over the positions."""
        raise TypeError(f"{type(self).__name__} must define attend()")

    def given(self, audio: torch.Tensor, visual: torch.Tensor) -> list[torch.Tensor]:
        """The features [B, T, d] at which a link can divide this network: those of the sound (the
        first) and of the picture (the others) that the rest of it needs."""
        raise SemcomError(f"{self.name}: cannot be divided by a link; give another localiser")

    def streams(
        self, audio: torch.Tensor, visual: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Features of sound and picture after the recurrent layers, [B, T, d]; a pair for each
        stream of the network."""
        raise TypeError(f"{type(self).__name__} must define streams()")

    def match(
        self, audio: torch.Tensor, visual: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Embeddings [B, T, 64] of sound and picture, a pair for each stream (setting cml)."""
        return self.matching(self.streams(audio, visual))

    def forward(self, audio: torch.Tensor, visual: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """audio [B, T, d_a], visual [B, T, h, w, d_v] -> logits [B, T, C] and the extras of the
        loss."""
        return self.decide(self.streams(audio, visual))

    def config_dict(self) -> dict:
        """The configuration as a dict for a checkpoint's header."""
        return asdict(self.config)


class Fusion(nn.Module):
    """Recurrent features of both modalities [B, T, d] -> logits [B, T, C] and extras.

    Joined by PSP (``propagate``), ESCM (``consistency``), both, or else concatenated; then the head
    of the loss.  Extras "features": the pair whose similarity may be trained.
    """

    def __init__(self, config: AVELConfig, loss: str, classes: int, dim: int):
        super().__init__()
        self.propagation = PSP(dim, config.dropout, own_outputs=True) if config.propagate else None
        self.consistency = None
        if config.consistency:
            self.consistency = ESCM(dim, config.late_dropout, config.consistency)
        self.joined = config.propagate or bool(config.consistency)
        self.drop = nn.Dropout(config.dropout)
        self.head = head(config, loss, classes, dim if self.joined else 2 * dim, not self.joined)

    def forward(self, audio: torch.Tensor, visual: torch.Tensor) -> tuple[torch.Tensor, dict]:
        if self.propagation is not None:
            audio, visual = self.propagation(audio, visual)
        features = [audio, visual]
        if self.consistency is not None:
            audio, visual, *features = self.consistency(audio, visual)
        fused = (audio + visual) / 2 if self.joined else self.drop(torch.cat([audio, visual], -1))
        logits, extras = self.head(fused)
        return logits, {"features": features, **extras}


def head(config: AVELConfig, loss: str, classes: int, dim: int, bias: bool) -> nn.Module:
    """The head for a loss."""
    if loss in ("negative_pair_filter", "event_category"):
        return EventHead(dim, classes)
    if config.setting in WEAK:
        return VideoHead(
            dim,
            config.classifier,
            classes,
            bias=bias,
            gated=config.propagate or bool(config.consistency),
            proportions=config.setting == "wsel_proportions",
        )
    return SegmentHead(dim, config.classifier, classes, bias)


class RecurrentLocaliser(Localiser):
    """A localiser with attention, a BiLSTM for each modality and :class:`Fusion`."""

    def __init__(
        self,
        config: AVELConfig,
        classes: tuple[str, ...] | list[str],
        audio_input: nn.Module,
        visual_input: nn.Module,
        audio_dim: int,
        visual_dim: int,
    ):
        super().__init__(config, classes)
        self.audio_input, self.visual_input = audio_input, visual_input
        self.attention = AGVA(
            config.visual_dim,
            audio_dim,
            config.attention_width,
            config.attention_hidden,
            config.position_axis,
        )
        self.audio_lstm = BiLSTM(audio_dim, config.recurrent)
        self.visual_lstm = BiLSTM(visual_dim, config.recurrent)
        self.weights = (1.0,)  # weight of the only stream
        features = 2 * config.recurrent
        if config.setting == "cml":
            self.matching = MatchHeads(1, features)
        else:
            self.fusion = Fusion(config, self.loss, len(self.classes), features)
        self.apply(init_xavier)

    def attend(self, visual, audio):
        """visual [B, T, h, w, d_v], audio [B, T, d_a] -> attended [B, T, d_v] and attention [B, T,
        h, w], which sums to one."""
        return self.attention(visual, self.audio_input(audio))

    def given(self, audio, visual):
        """The inputs of the BiLSTMs: sound [B, T, audio_dim] and picture [B, T, visual_dim]."""
        sound = self.audio_input(audio)
        return [sound, self.visual_input(self.attention(visual, sound)[0])]

    def streams(self, audio, visual):
        """Recurrent features of sound and picture, [B, T, 2 recurrent] each, as the only pair."""
        sound, picture = self.given(audio, visual)
        return [(self.audio_lstm(sound), self.visual_lstm(picture))]

    def decide(self, streams) -> tuple[torch.Tensor, dict]:
        """Logits [B, T, C] and the extras of the loss, from the result of :meth:`streams`."""
        return self.fusion(*streams[0])


class AVEL(RecurrentLocaliser):
    """Tian et al., ECCV 2018: attention, a BiLSTM per modality, concatenation, classifier."""

    name = "avel"
    losses = {
        "sel": "cross_entropy",
        "wsel": "video",
        "wsel_proportions": "video_proportions",
        "cml": "contrastive",
    }
    Config = AVELConfig

    def __init__(self, config: AVELConfig, classes: tuple[str, ...] | list[str]):
        inputs = nn.Identity(), nn.Identity()
        super().__init__(config, classes, *inputs, config.audio_dim, config.visual_dim)


class PSPLocaliser(RecurrentLocaliser):
    """Zhou et al., CVPR 2021: linear layers around the attention, BiLSTMs, positive sample
    propagation, mean of both modalities, classifier.

    In weak supervision it has one linear layer for the picture, and none for the sound.
    """

    name = "psp"
    losses = {
        "sel": "segment_similarity",
        "wsel": "video",
        "wsel_proportions": "video_proportions",
    }
    Config = PSPConfig

    def __init__(self, config: PSPConfig, classes: tuple[str, ...] | list[str]):
        common, audio_dim = config.common_dim, config.audio_dim
        if config.setting in WEAK:
            sound, picture = nn.Identity(), linear(config.visual_dim, common)
        else:
            sound = linear(config.audio_dim, config.projection, common)
            picture = linear(config.visual_dim, config.projection, common)
            audio_dim = common
        super().__init__(config, classes, sound, picture, audio_dim, common)


class VSCG(PSPLocaliser):
    """Jiang et al. (VSCG): PSP, followed by a model of the whole clip (:class:`ESCM`)."""

    name = "vscg"
    losses = {
        "sel": "negative_pair_filter",
        "wsel": "smooth",
        "wsel_proportions": "smooth_proportions",
    }
    Config = VSCGConfig


def linear(*sizes: int) -> nn.Sequential:
    """Linear layers without bias and without activations."""
    return nn.Sequential(
        *(nn.Linear(a, b, bias=False) for a, b in zip(sizes[:-1], sizes[1:], strict=True))
    )
