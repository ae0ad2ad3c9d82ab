# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Audio-visual event localisers without a radio, with which attention over a link is compared.

``avel``: Tian et al., ECCV 2018.  ``psp``: Zhou et al., CVPR 2021.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import nn

from ..errors import SemcomError
from ..options import option
from .layers import AGVA, PSP, BiLSTM, dense, init_xavier
from .system import FeatureSizes, check_config

SETTINGS = ("supervised",)


@dataclass(frozen=True)
class LocaliserConfig(FeatureSizes):
    """Sizes that both localisers have; the defaults are the published ones."""

    setting: str = option("supervised", "what the labels tell; supervised: each segment's class")
    attention_width: int = option(512, "shared width of the attention's embeddings M_v, M_a")
    attention_hidden: int = option(49, "hidden width of the attention's scores")
    position_axis: bool = option(
        False, "audio term of the attention along the positions, to reproduce published numbers"
    )
    recurrent: int = option(128, "units of the BiLSTMs per direction")
    classifier: int = option(64, "units of the classifier's hidden layer")
    dropout: float = option(0.1, "share of features dropped in training")

    def __post_init__(self):
        check_config(self, may_be_zero=("position_axis",))
        if self.setting not in SETTINGS:
            raise SemcomError(f"setting {self.setting!r}: expected one of {', '.join(SETTINGS)}")
        positions = self.height * self.width
        if self.position_axis and self.attention_hidden != positions:
            raise SemcomError(
                f"attention_hidden {self.attention_hidden}: position_axis needs as many as there "
                f"are positions, {positions}"
            )


@dataclass(frozen=True)
class PSPConfig(LocaliserConfig):
    """The sizes of PSP's layers before and after the attention besides."""

    projection: int = option(256, "units between the two linear layers of either modality")
    common_dim: int = option(128, "features of both modalities before the BiLSTMs")


class Localiser(nn.Module):
    """What the localisers share: audio and picture are at hand, the sound guides the attention.

    config: sizes;  classes: names of the C classes, background last
    """

    name: str
    auxiliary: str  # name of the loss on the features, see training.losses
    terminals = ("audio", "video")

    def __init__(self, config: LocaliserConfig, classes: tuple[str, ...] | list[str]):
        super().__init__()
        self.config, self.classes = config, tuple(classes)

    def attend(
        self, visual: torch.Tensor, audio: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """visual [B, T, h, w, d_v], audio [B, T, d_a] -> attended [B, T, d_v], attention [B, T, h,
        w] that sums to one over the positions."""
        return self.attention(visual, self.audio_input(audio))

    def forward(
        self, audio: torch.Tensor, visual: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """audio [B, T, d_a], visual [B, T, h, w, d_v] -> logits [B, T, C] and the features [B, T,
        2 recurrent] of audio and picture, for a loss on their similarity."""
        sound = self.audio_input(audio)
        attended = self.attention(visual, sound)[0]
        features = [self.audio_lstm(sound), self.visual_lstm(self.visual_input(attended))]
        return self.decide(*features)

    def config_dict(self) -> dict:
        """Configuration as it goes into a checkpoint's header."""
        return asdict(self.config)


class AVEL(Localiser):
    """Tian et al., ECCV 2018: attention, a BiLSTM per modality, concatenation, classifier."""

    name = "avel"
    auxiliary = ""
    Config = LocaliserConfig

    def __init__(self, config: LocaliserConfig, classes: tuple[str, ...] | list[str]):
        super().__init__(config, classes)
        self.audio_input, self.visual_input = nn.Identity(), nn.Identity()
        self.attention = attention(config, config.audio_dim)
        self.audio_lstm = BiLSTM(config.audio_dim, config.recurrent)
        self.visual_lstm = BiLSTM(config.visual_dim, config.recurrent)
        self.drop = nn.Dropout(config.dropout)
        self.classifier = dense(
            4 * config.recurrent, config.classifier, len(self.classes), last_relu=False
        )
        self.apply(init_xavier)

    def decide(self, audio: torch.Tensor, visual: torch.Tensor):
        """Recurrent features [B, T, 2 recurrent] of both -> logits, and the features."""
        return self.classifier(self.drop(torch.cat([audio, visual], -1))), [audio, visual]


class PSPLocaliser(Localiser):
    """Zhou et al., CVPR 2021: linear layers around the attention, BiLSTMs, positive sample
    propagation, mean of both modalities, classifier."""

    name = "psp"
    auxiliary = "segment_similarity"
    Config = PSPConfig

    def __init__(self, config: PSPConfig, classes: tuple[str, ...] | list[str]):
        super().__init__(config, classes)
        common = config.common_dim
        self.audio_input = linear(config.audio_dim, config.projection, common)
        self.visual_input = linear(config.visual_dim, config.projection, common)
        self.attention = attention(config, common)
        self.audio_lstm = BiLSTM(common, config.recurrent)
        self.visual_lstm = BiLSTM(common, config.recurrent)
        features = 2 * config.recurrent
        self.fusion = PSP(features, config.dropout, own_outputs=True)
        self.classifier = dense(
            features, config.classifier, len(self.classes), last_relu=False, bias=False
        )
        self.apply(init_xavier)

    def decide(self, audio: torch.Tensor, visual: torch.Tensor):
        """Recurrent features [B, T, 2 recurrent] of both -> logits, and the propagated features."""
        features = list(self.fusion(audio, visual))
        return self.classifier(torch.stack(features).mean(0)), features


def attention(config: LocaliserConfig, audio_dim: int) -> AGVA:
    """The attention of a localiser, guided by ``audio_dim`` features."""
    return AGVA(
        config.visual_dim,
        audio_dim,
        config.attention_width,
        config.attention_hidden,
        config.position_axis,
    )


def linear(*sizes: int) -> nn.Sequential:
    """Linear layers without bias, and with nothing between them."""
    return nn.Sequential(
        *(nn.Linear(a, b, bias=False) for a, b in zip(sizes[:-1], sizes[1:], strict=True))
    )
