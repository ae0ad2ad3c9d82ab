# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The project's own system on the chain of pilot_ave, and its default.

What differs from Yu et al. (arXiv:2412.06208), found on ave28's validation split: the decision is
made for the whole clip at once (:class:`EventSpan`), from evidence for each event that each stream
gives alone and from when something happens in both; the attention has several heads; the channel
decoders know how noisy their stream is; encoders have no recurrent layers, which learn a few
thousand clips by heart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ..base.errors import SemcomError
from .attention import GuidedAttention
from .configs import PilotAvePlusConfig
from .layers import (
    bound_peak,
    dense,
    init_relu,
    limit_power,
    to_complex,
    to_real,
    unit_power,
)
from .spans import EventSpan
from .system import RadioSystem

NOISE_RANGE_DB = 40.0  # effective noise beyond it is as good as none, or as nothing received


@dataclass(frozen=True)
class PilotAvePlusSettings:
    """symbols  of a second and terminal, of those that the network can send; 0: the most."""

    symbols: int = 0


def as_inputs(symbols: torch.Tensor, config: PilotAvePlusConfig) -> torch.Tensor:
    """Heard symbols [B, T, n], limited to unit power, as a layer takes them, [B, T, numbers].

    What a shorter payload of a nested network has not, is zero, and what it has is stronger by
    L / n in power, as if the energy of a second were the same; how long it is, log2 n / L, comes
    beside.
    """
    if not config.nested:
        return to_real(limit_power(symbols))
    missing, share = config.symbols - symbols.shape[-1], symbols.shape[-1] / config.symbols
    heard = F.pad(limit_power(symbols) / math.sqrt(share), (0, missing))
    return F.pad(to_real(heard), (0, 1), value=math.log2(share))


def inputs(config: PilotAvePlusConfig) -> int:
    """Numbers of a second that :func:`as_inputs` makes of its symbols."""
    return 2 * config.symbols + config.nested


class Encoder(nn.Module):
    """Semantic and channel encoder of one stream: [B, T, d] -> symbols [B, T, L] of unit power."""

    def __init__(self, dim: int, config: PilotAvePlusConfig):
        super().__init__()
        self.semantic = dense(dim, config.hidden, dropout=config.dropout)
        self.channel = nn.Linear(config.hidden, 2 * config.symbols)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return unit_power(to_complex(self.channel(self.semantic(features))))


class AudioTerminal(Encoder):
    """The encoder of the audio features, [B, T, d_a] -> [B, T, L]."""

    def __init__(self, config: PilotAvePlusConfig):
        super().__init__(config.audio_dim, config)


class VideoTerminal(nn.Module):
    """Attention guided by the heard audio symbols, then the encoder; nothing heard: zeros guide."""

    def __init__(self, config: PilotAvePlusConfig):
        super().__init__()
        self.config = config
        self.hearing = dense(inputs(config), config.attention_hidden)
        self.attention = GuidedAttention(
            config.visual_dim,
            config.attention_hidden,
            config.attention_hidden,
            config.heads,
            product=config.attention == "product",
        )
        self.encoder = Encoder(config.heads * config.visual_dim, config)

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        """-> attended [B, T, heads d_v], attention [B, T, h, w], the mean of the heads."""
        guide = None if heard is None else self.hearing(as_inputs(heard, self.config))
        return self.attention(visual, guide)

    def forward(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        return self.encoder(self.attend(visual, heard)[0])


def noise_level(no_eff: torch.Tensor) -> torch.Tensor:
    """Effective noise variance in dB, limited to and divided by NOISE_RANGE_DB: -1 to 1."""
    low, high = 10 ** (-NOISE_RANGE_DB / 10), 10 ** (NOISE_RANGE_DB / 10)
    return 10 * no_eff.clamp(low, high).log10() / NOISE_RANGE_DB


class Evidence(nn.Module):
    """What the features of one stream say for each event, weighed by how noisy it is.

    exp(a + b noise) (W features + c): a log-likelihood ratio is proportional to the SNR, which a
    layer with ReLU hardly learns.
    """

    def __init__(self, dim: int, events: int):
        super().__init__()
        self.events = nn.Linear(dim, events)
        self.gain = nn.Parameter(torch.zeros(2))

    def forward(self, features: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
        """features [B, T, dim], no_eff [B] -> [B, T, events]."""
        weight = (self.gain[0] + self.gain[1] * noise_level(no_eff)).exp()
        return weight[:, None, None] * self.events(features)


class Decoder(nn.Module):
    """Channel decoder of one stream: detected symbols and their noise to features.

    The stream is limited to unit power, and its effective noise enters beside it.  (Shrinking to
    the MMSE estimate instead, as pilot_ave does, leaves so little of a stream at low SNR that
    training does not find it.)  A stream that was not received is silence.
    """

    def __init__(self, config: PilotAvePlusConfig):
        super().__init__()
        self.config = config
        self.layer = dense(inputs(config) + 1, config.hidden, dropout=config.dropout)

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
        """symbols [B, T, n], no_eff [B] -> [B, T, hidden]."""
        heard = as_inputs(symbols, self.config)
        heard = heard.masked_fill(no_eff.isinf()[:, None, None], 0.0)
        noise = noise_level(no_eff)[:, None, None].expand(*heard.shape[:2], 1)
        return self.layer(torch.cat([heard, noise], -1))


class Presence(nn.Module):
    """Whether an event, no matter which, happens: from all streams and over time, [B, T, d] -> [B,
    T].

    What comes and goes together, and where it changes, tells; a bidirectional GRU hears it.
    """

    def __init__(self, dim: int, config: PilotAvePlusConfig):
        super().__init__()
        self.gru = nn.GRU(dim, config.hidden // 2, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(config.dropout)
        self.layer = dense(dim + 2 * (config.hidden // 2), config.hidden, dropout=config.dropout)
        self.score = nn.Linear(config.hidden, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        context = self.drop(self.gru(features)[0])
        return self.score(self.layer(torch.cat([features, context], -1)))[..., 0]


class Receiver(nn.Module):
    """A decoder and evidence of each stream, presence from all, joined over the clip."""

    def __init__(self, config: PilotAvePlusConfig, classes: int):
        super().__init__()
        terminals = len(config.terminals.split("+"))
        self.symbols = config.symbols
        self.decoders = nn.ModuleList(Decoder(config) for _ in range(terminals))
        self.evidence = nn.ModuleList(
            Evidence(config.hidden, classes - 1) for _ in range(terminals)
        )
        self.presence = Presence(terminals * config.hidden, config)
        self.span = EventSpan(terminals, config.redundancy)

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """symbols [B, K, T, n], no_eff [B, K] -> log probabilities [B, T, C]; extras "evidence":
        that of each stream, [B, T, C - 1]."""
        noises = (no_eff * (self.symbols / symbols.shape[-1])).unbind(1)  # as strong as the symbols
        streams = zip(self.decoders, symbols.unbind(1), noises, strict=True)
        features = [decoder(x, noise) for decoder, x, noise in streams]
        weighed = zip(self.evidence, features, noises, strict=True)
        evidence = [layer(x, noise) for layer, x, noise in weighed]
        logits = self.span(evidence, self.presence(torch.cat(features, -1)))
        return logits, {"evidence": evidence}


class PilotAvePlus(RadioSystem):
    """The whole system; what runs where is one method each.

    A ``nested`` network sends the first n of a second's L symbols, at unit power, for any n of
    ``rates``: which, :meth:`configure` says.
    """

    name = "pilot_ave_plus"
    loss = "single_stream"
    Config = PilotAvePlusConfig
    Settings = PilotAvePlusSettings

    def __init__(self, config: PilotAvePlusConfig, classes: tuple[str, ...] | list[str]):
        super().__init__(config, classes, AudioTerminal, VideoTerminal, Receiver)
        self.apply(init_relu)
        undecided = [stream.events for stream in self.receiver.evidence]
        for layer in (*undecided, self.receiver.presence.score):
            nn.init.normal_(layer.weight, std=0.02)  # the receiver starts out undecided

    def configure(self, settings: PilotAvePlusSettings) -> None:
        """Take settings; SemcomError for a length that the network cannot send."""
        if settings.symbols not in (0, *self.rates):
            raise SemcomError(
                f"symbols {settings.symbols}: these weights send "
                f"{' or '.join(map(str, self.rates))} symbols a second"
            )
        self.symbols = settings.symbols or self.rates[-1]

    def encode_audio(self, audio: torch.Tensor) -> torch.Tensor:
        return self._payload(super().encode_audio(audio))

    def encode_video(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        return self._payload(super().encode_video(visual, heard))

    def _payload(self, symbols: torch.Tensor) -> torch.Tensor:
        """What goes on the air of a terminal's symbols [B, T, L]: [B, T, n]."""
        if self.symbols < symbols.shape[-1]:
            symbols = unit_power(symbols[..., : self.symbols])
        return bound_peak(symbols, 10 ** (self.config.peak / 10)) if self.config.peak else symbols
