# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pilot-guided multimodal semantic communication for audio-visual event localization.

The system of Yu et al., arXiv:2412.06208 (section III): an audio terminal and a video terminal send
complex symbols to one receiver; the video terminal hears the audio terminal's symbols over a
feedback link and lets them guide its attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ..options import option
from .attention import AGVA
from .layers import (
    PSP,
    TemporalConv,
    dense,
    init_relu,
    limit_power,
    shrink,
    to_complex,
    to_real,
    unit_power,
)
from .system import RadioConfig, RadioSystem, check_config


@dataclass(frozen=True)
class PilotAveConfig(RadioConfig):
    """Sizes; the defaults follow the paper where it states them."""

    audio_lstm: int = option(512, "units of the audio semantic encoder's LSTM")
    audio_channel: int = option(256, "units of the audio channel encoder's first dense layer")
    attention_width: int = option(512, "shared width of the attention's embeddings M_v, M_a")
    attention_hidden: int = option(49, "hidden width of the attention's scores")
    video_channel: int = option(256, "channels of the video channel encoder's first Conv2D")
    audio_decoder: int = option(256, "units of the audio channel decoder")
    video_decoder: int = option(512, "channels of the video channel decoder")
    common_dim: int = option(256, "features of both modalities before PSP")
    video_kernel: int = option(1, "kernel of the Conv2D blocks in time [segments]")
    recurrent: int = option(0, "units of BiLSTMs before PSP per direction; 0: none, as the paper")
    classifier: int = option(64, "units of the classifier's hidden layer")
    dropout: float = option(0.1, "share of features dropped in training")

    def __post_init__(self):
        check_config(self, may_be_zero=("recurrent",))


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
            config.visual_dim, config.audio_dim, config.attention_width, config.attention_hidden
        )
        self.channel = TemporalConv(
            config.visual_dim,
            config.video_channel,
            2 * config.symbols,
            kernel=config.video_kernel,
            last_relu=False,
            dropout=config.dropout,
        )

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        audio = None if heard is None else self.hearing(to_real(limit_power(heard)))
        return self.attention(visual, audio)

    def forward(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        return unit_power(to_complex(self.channel(self.attend(visual, heard)[0])))


class Recurrent(nn.Module):
    """BiLSTM over the segments, [B, T, common_dim] -> [B, T, 2 recurrent]; recurrent 0:
    identity."""

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.lstm = None
        if config.recurrent:
            self.lstm = nn.LSTM(
                config.common_dim, config.recurrent, batch_first=True, bidirectional=True
            )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features if self.lstm is None else self.lstm(features)[0]


class Receiver(nn.Module):
    """Channel decoders per terminal, a common dimension, BiLSTMs, PSP and the classifier.

    Before the decoders each stream is shrunk by its effective noise and limited to unit power.
    With one terminal there is nothing to propagate: its recurrent features go to the classifier.
    """

    def __init__(self, config: PilotAveConfig, classes: int):
        super().__init__()
        self.terminals = config.terminals.split("+")
        self.decoders, self.recurrent = nn.ModuleDict(), nn.ModuleDict()
        for name in self.terminals:
            sizes = 2 * config.symbols, *[getattr(config, f"{name}_decoder")] * 2
            drop, kernel = config.dropout, config.video_kernel
            if name == "audio":
                decoder = dense(*sizes, dropout=drop)
            else:
                decoder = TemporalConv(*sizes, kernel=kernel, dropout=drop)
            common = nn.Linear(sizes[-1], config.common_dim, bias=False)
            self.decoders[name] = nn.Sequential(decoder, common)
            self.recurrent[name] = Recurrent(config)
        features = 2 * config.recurrent or config.common_dim
        self.fusion = PSP(features, config.dropout) if len(self.terminals) == 2 else None
        self.drop = nn.Dropout(config.dropout)
        self.classifier = dense(features, config.classifier, classes, last_relu=False)

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """-> logits [B, T, C]; extras "features": the semantic ones of each terminal, [B, T, d]."""
        clean = to_real(limit_power(shrink(symbols, no_eff)))
        features = [
            self.recurrent[name](self.drop(self.decoders[name](clean[:, k])))
            for k, name in enumerate(self.terminals)
        ]
        if self.fusion is not None:
            features = list(self.fusion(*features))
        fused = torch.stack(features).mean(0)
        return self.classifier(self.drop(fused)), {"features": features}


class PilotAve(RadioSystem):
    """The whole system; what runs where is one method each."""

    name = "pilot_ave"
    loss = "segment_similarity"
    Config = PilotAveConfig

    def __init__(self, config: PilotAveConfig, classes: tuple[str, ...] | list[str]):
        super().__init__(config, classes, AudioTerminal, VideoTerminal, Receiver)
        self.apply(init_relu)
