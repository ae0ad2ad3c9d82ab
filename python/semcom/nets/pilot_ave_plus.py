# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The project's own system on the chain of pilot_ave, and its default.

Differences from Yu et al. (arXiv:2412.06208), found on ave28's validation split: the decision is
made for the whole clip at once (:class:`EventSpan`), from the evidence of each stream for each
event and from the presence of any event in both; the attention has several heads; the channel
decoders know the noise of their stream; the encoders have no recurrent layers, which overfit to a
few thousand clips.
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

NOISE_RANGE_DB = 40.0  # effective noise is limited to plus or minus this


@dataclass(frozen=True)
class PilotAvePlusSettings:
    """symbols  symbols per second and terminal, one of the network's ``rates``; 0: the most"""

    symbols: int = 0


def as_inputs(symbols: torch.Tensor, config: PilotAvePlusConfig) -> torch.Tensor:
    """Received symbols [B, T, n], limited to unit power, as real inputs of a layer, [B, T,
    numbers].

    A shorter payload of a nested network is padded with zeros and scaled by L / n in power, so that
    a second has the same energy; its length, log2(n / L), is a further input.
    """
    if not config.nested:
        return to_real(limit_power(symbols))
    missing, share = config.symbols - symbols.shape[-1], symbols.shape[-1] / config.symbols
    heard = F.pad(limit_power(symbols) / math.sqrt(share), (0, missing))
    return F.pad(to_real(heard), (0, 1), value=math.log2(share))


def inputs(config: PilotAvePlusConfig) -> int:
    """Number of inputs per second that :func:`as_inputs` makes of the symbols."""
    return 2 * config.symbols + config.nested


class Encoder(nn.Module):
    """Semantic and channel encoder of one stream: [B, T, d] -> symbols [B, T, L] of unit power."""

    def __init__(self, dim: int, config: PilotAvePlusConfig):
        super().__init__()
        self.semantic = dense(dim, config.hidden, dropout=config.dropout)
        self.channel = nn.Linear(config.hidden, 2 * config.symbols)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, T, d] -> symbols [B, T, L] complex64, unit average power per clip."""
        return unit_power(to_complex(self.channel(self.semantic(features))))


class AudioTerminal(Encoder):
    """The encoder of the audio features, [B, T, d_a] -> [B, T, L]."""

    def __init__(self, config: PilotAvePlusConfig):
        super().__init__(config.audio_dim, config)


class VideoTerminal(nn.Module):
    """Attention guided by the received audio symbols (zeros without any), then the encoder."""

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
        """visual [B, T, h, w, d_v], heard symbols [B, T, n] or None -> attended [B, T, heads d_v]
        and attention [B, T, h, w], the mean of the heads."""
        guide = None if heard is None else self.hearing(as_inputs(heard, self.config))
        return self.attention(visual, guide)

    def forward(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """visual [B, T, h, w, d_v], heard symbols [B, T, n] or None -> symbols [B, T, L] complex64,
        unit average power per clip."""
        return self.encoder(self.attend(visual, heard)[0])


def noise_level(no_eff: torch.Tensor) -> torch.Tensor:
    """Effective noise variance in dB, limited to and divided by NOISE_RANGE_DB: -1 to 1."""
    low, high = 10 ** (-NOISE_RANGE_DB / 10), 10 ** (NOISE_RANGE_DB / 10)
    return 10 * no_eff.clamp(low, high).log10() / NOISE_RANGE_DB


class Evidence(nn.Module):
    """Evidence of one stream's features for each event, weighted by the stream's noise.

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

    The stream is limited to unit power, and its effective noise is a further input.  (With the MMSE
    estimate, as in pilot_ave, a stream at low SNR is so weak that training does not learn to use
    it.)  A stream that was not received is silence.
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
    """Evidence for the presence of any event from all streams over time, [B, T, d] -> [B, T].

    A bidirectional GRU detects simultaneous changes in the streams.
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
    """The receiver: decoder and evidence of each stream, presence from all, joined by
    :class:`EventSpan`."""

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
        noises = (no_eff * (self.symbols / symbols.shape[-1])).unbind(1)  # scaled like the symbols
        streams = zip(self.decoders, symbols.unbind(1), noises, strict=True)
        features = [decoder(x, noise) for decoder, x, noise in streams]
        weighed = zip(self.evidence, features, noises, strict=True)
        evidence = [layer(x, noise) for layer, x, noise in weighed]
        logits = self.span(evidence, self.presence(torch.cat(features, -1)))
        return logits, {"evidence": evidence}


class PilotAvePlus(RadioSystem):
    """The whole system, with a method for each terminal and the receiver.

    A ``nested`` network sends the first n of a second's L symbols, at unit power, for any n in
    ``rates``; :meth:`configure` sets n.
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
            nn.init.normal_(layer.weight, std=0.02)  # initially all events are equally likely

    def configure(self, settings: PilotAvePlusSettings) -> None:
        """Set the settings; SemcomError for a number of symbols that the network cannot send."""
        if settings.symbols not in (0, *self.rates):
            raise SemcomError(
                f"symbols {settings.symbols}: these weights send "
                f"{' or '.join(map(str, self.rates))} symbols per second"
            )
        self.symbols = settings.symbols or self.rates[-1]

    def encode_audio(self, audio: torch.Tensor) -> torch.Tensor:
        """audio [B, T, d_a] -> symbols [B, T, n] complex64, unit average power per clip; with a
        limit of the peak in the configuration, no larger peak."""
        return self._payload(super().encode_audio(audio))

    def encode_video(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """visual [B, T, h, w, d_v], heard symbols [B, T, n] or None -> symbols [B, T, n] as of
        :meth:`encode_audio`."""
        return self._payload(super().encode_video(visual, heard))

    def _payload(self, symbols: torch.Tensor) -> torch.Tensor:
        """The symbols [B, T, n] that are sent of a terminal's symbols [B, T, L]."""
        if self.symbols < symbols.shape[-1]:
            symbols = unit_power(symbols[..., : self.symbols])
        return bound_peak(symbols, 10 ** (self.config.peak / 10)) if self.config.peak else symbols
