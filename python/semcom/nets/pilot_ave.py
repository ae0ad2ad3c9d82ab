# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pilot-guided multimodal semantic communication for audio-visual event localization.

The system of Yu et al., arXiv:2412.06208 (section III): an audio terminal and a video terminal send
complex symbols to one receiver; the video terminal hears the audio terminal's symbols over a
sidelink and lets them guide its attention.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..base.errors import SemcomError
from .attention import AGVA, CSPA
from .configs import CELLS, PilotAveConfig
from .decoders import DECODERS
from .layers import (
    TemporalConv,
    dense,
    init_relu,
    limit_power,
    to_complex,
    to_real,
    unit_power,
)
from .system import RadioSystem


class AudioTerminal(nn.Module):
    """LSTM (semantic encoder) and two dense layers (channel encoder): [B, T, d_a] -> [B, T, L]."""

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.semantic = nn.LSTM(config.audio_dim, config.audio_lstm, batch_first=True)
        self.drop = nn.Dropout(config.dropout)
        self.channel = dense(
            config.audio_lstm,
            config.audio_channel,
            2 * config.symbols,
            last_relu=False,
            dropout=config.dropout,
        )

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        return unit_power(to_complex(self.channel(self.drop(self.semantic(audio)[0]))))


def video_encoder(config: PilotAveConfig, dim: int) -> TemporalConv:
    """The video terminal's channel encoder of ``dim`` features."""
    return TemporalConv(
        dim,
        config.video_channel,
        2 * config.symbols,
        kernel=config.video_kernel,
        last_relu=False,
        dropout=config.dropout,
    )


class VideoTerminal(nn.Module):
    """Attention guided by the heard audio (semantic encoder) and two Conv2D blocks (channel
    encoder).

    A channel decoder of its own turns heard symbols into the audio features a* of eq. (2).  Without
    heard symbols the attention works from zero audio features: unguided.
    """

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.hearing = dense(
            2 * config.symbols, config.audio_decoder, config.audio_decoder, config.audio_dim
        )
        self.attention = AGVA(
            config.visual_dim,
            config.audio_dim,
            config.attention_width,
            config.attention_hidden,
            product=config.attention == "product",
        )
        self.channel = video_encoder(config, config.visual_dim)

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        audio = None if heard is None else self.hearing(to_real(limit_power(heard)))
        return self.attention(visual, audio)

    def forward(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        return unit_power(to_complex(self.channel(self.attend(visual, heard)[0])))


class SpatialTerminal(VideoTerminal):
    """The spatial part of co-attention at the terminal, which hears the sound: what CSPA sees, the
    mean of the picture and what CSPA tells the sound (F^av Z) share the channel encoder."""

    def __init__(self, config: PilotAveConfig):
        super().__init__(config)
        self.attention = CSPA(
            config.visual_dim,
            config.audio_dim,
            config.attention_width,
            config.attention_hidden,
            audio_attention=False,
        )
        self.channel = video_encoder(config, 2 * config.visual_dim + config.attention_hidden)

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        if heard is None:
            audio = visual.new_zeros(*visual.shape[:2], self.hearing[0].in_features).float()
        else:
            audio = to_real(limit_power(heard))
        attended, fusion, attention = self.attention.see(self.hearing(audio), visual)
        pooled = visual.flatten(2, 3).float().mean(2)
        return torch.cat([attended, pooled, fusion], -1), attention


class MapTerminal(nn.Module):
    """A small map in the place of one vector: the mean of each of 3x3 regions, encoded alike."""

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.symbols = config.symbols
        self.channel = dense(
            config.visual_dim,
            config.video_channel,
            2 * config.symbols // CELLS**2,
            last_relu=False,
            dropout=config.dropout,
        )

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        raise SemcomError("attention: with spatial 'map' the receiver attends, to 3x3 regions")

    def forward(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        maps = visual.float().permute(0, 1, 4, 2, 3).flatten(0, 1)
        cells = F.adaptive_avg_pool2d(maps, CELLS).flatten(2).mT.unflatten(0, visual.shape[:2])
        reals = self.channel(cells).flatten(2)
        unused = 2 * self.symbols - reals.shape[-1]
        return unit_power(to_complex(F.pad(reals, (0, unused))))


class PilotAve(RadioSystem):
    """The whole system; what runs where is one method each.

    The terminals and the channel codecs are the paper's; the semantic decoder is the paper's PSP or
    that of another localiser.
    """

    name = "pilot_ave"
    Config = PilotAveConfig

    def __init__(self, config: PilotAveConfig, classes: tuple[str, ...] | list[str]):
        receiver, loss = DECODERS[config.decoder]
        video = VideoTerminal
        if config.decoder == "coattention":
            video = SpatialTerminal if config.spatial == "terminal" else MapTerminal
        super().__init__(config, classes, AudioTerminal, video, receiver)
        self.loss = loss
        self.apply(init_relu)
