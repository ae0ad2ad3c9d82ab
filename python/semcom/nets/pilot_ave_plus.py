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

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ..base.errors import SemcomError
from ..phy.csi import mean_no_eff
from .attention import GuidedAttention
from .by_content import Gate, LengthsByContent
from .configs import TIMES, PilotAvePlusConfig
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
    """symbols     symbols per second and terminal, one of the network's ``rates``; 0: the most
    by_content  share of a clip's seconds, chosen by their content, that get TIMES as many symbols;
                0: none
    """

    symbols: int = 0
    by_content: float = 0.0


def as_inputs(
    symbols: torch.Tensor, config: PilotAvePlusConfig, lengths: torch.Tensor | None = None
) -> torch.Tensor:
    """Received symbols [B, T, n], limited to unit power, as real inputs of a layer, [B, T,
    numbers].

    A second of a nested network with n of L symbols is padded with zeros and scaled by L / n in
    power, so that it has the same energy; its length, log2(n / L), is a further input.  With
    ``lengths`` [B, T], n of each second, the symbols have been limited and padded.
    """
    if lengths is None:
        lengths = symbols.real.new_full(symbols.shape[:-1], symbols.shape[-1])
        symbols = limit_power(symbols)
    if not config.nested:
        return to_real(symbols)
    share = (lengths / config.symbols)[..., None]
    heard = F.pad(symbols, (0, config.symbols - symbols.shape[-1]))
    return torch.cat([to_real(heard) / share.sqrt(), share.log2()], -1)


def inputs(config: PilotAvePlusConfig) -> int:
    """Number of inputs per second that :func:`as_inputs` makes of the symbols."""
    return 2 * config.symbols + config.nested


class Encoder(nn.Module):
    """Semantic and channel encoder of one stream: [B, T, d] -> symbols [B, T, L] of unit power; of
    a ``gated`` network with a gate."""

    def __init__(self, dim: int, config: PilotAvePlusConfig):
        super().__init__()
        self.semantic = dense(dim, config.hidden, dropout=config.dropout)
        self.channel = nn.Linear(config.hidden, 2 * config.symbols)
        self.gate = Gate(config.hidden) if config.gated else None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, T, d] -> symbols [B, T, L] complex64, unit average power per clip."""
        return unit_power(to_complex(self.channel(self.semantic(features))))

    def scored(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Symbols as of :meth:`forward`, and the scores [B, T] of the gate."""
        found = self.semantic(features)
        return unit_power(to_complex(self.channel(found))), self.gate(found)


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

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None, lengths=None):
        """visual [B, T, h, w, d_v], heard symbols [B, T, n] or None, and their lengths as of
        :func:`as_inputs` -> attended [B, T, heads d_v] and attention [B, T, h, w], the mean of the
        heads."""
        guide = None if heard is None else self.hearing(as_inputs(heard, self.config, lengths))
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
        """features [B, T, dim], no_eff [B, T] -> [B, T, events]."""
        weight = (self.gain[0] + self.gain[1] * noise_level(no_eff)).exp()
        return weight[..., None] * self.events(features)


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

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor, lengths=None) -> torch.Tensor:
        """symbols [B, T, n] and their lengths as of :func:`as_inputs`, no_eff [B, T] -> [B, T,
        hidden]."""
        heard = as_inputs(symbols, self.config, lengths)
        heard = heard.masked_fill(no_eff.isinf()[..., None], 0.0)
        return self.layer(torch.cat([heard, noise_level(no_eff)[..., None]], -1))


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

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor, lengths=None):
        """symbols [B, K, T, n] and their lengths as of :func:`as_inputs`, no_eff [B, K] -> log
        probabilities [B, T, C]; extras "evidence": that of each stream, [B, T, C - 1]."""
        each = [None] * symbols.shape[1] if lengths is None else lengths.unbind(1)
        if lengths is None:
            lengths = no_eff.new_full(symbols.shape[:-1], symbols.shape[-1])
        noises = (no_eff[..., None] * (self.symbols / lengths)).unbind(1)  # scaled like the symbols
        streams = zip(self.decoders, symbols.unbind(1), noises, each, strict=True)
        features = [decoder(x, noise, own) for decoder, x, noise, own in streams]
        weighed = zip(self.evidence, features, noises, strict=True)
        evidence = [layer(x, noise) for layer, x, noise in weighed]
        logits = self.span(evidence, self.presence(torch.cat(features, -1)))
        return logits, {"evidence": evidence}


class PilotAvePlus(RadioSystem):
    """The whole system, with a method for each terminal and the receiver.

    A ``nested`` network sends the first n of a second's L symbols, at unit power, for any n in
    ``rates``, or lengths by content (:class:`LengthsByContent`); :meth:`configure` sets them.
    """

    name = "pilot_ave_plus"
    loss = "single_stream"
    Config = PilotAvePlusConfig
    Settings = PilotAvePlusSettings
    lengths: LengthsByContent | None = None  # None: all seconds have ``symbols``

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
        self.lengths = self._lengths(settings.by_content) if settings.by_content else None

    def _lengths(self, share: float) -> LengthsByContent:
        if not 0 < share <= 1:
            raise SemcomError(f"by_content {share:g}: expected a share, 0 to 1")
        if not self.config.gated:
            raise SemcomError(
                f"by_content {share:g}: these weights have no gates; train some with --nested "
                "--gated"
            )
        if TIMES * self.symbols > self.rates[-1]:
            raise SemcomError(
                f"by_content {share:g}: chosen seconds have {TIMES} times {self.symbols} symbols, "
                f"but these weights send at most {self.rates[-1]}; give fewer --symbols"
            )
        return LengthsByContent(self.symbols, share, self._peak())

    def payload(self, terminal: str, items: int) -> int:
        """Symbols of a clip of ``items`` seconds, with the head of lengths by content."""
        return self.lengths.size(items) if self.lengths else super().payload(terminal, items)

    def unit(self, terminal: str) -> int:
        """As of the base class; 1 for lengths by content."""
        return 1 if self.lengths else super().unit(terminal)

    def send(self, terminal: str, taken: torch.Tensor, heard: dict) -> torch.Tensor:
        """As of the base class, with the lengths that are set."""
        if not self.lengths:
            return super().send(terminal, taken, heard)
        if terminal == "audio":
            symbols, scores = self.audio_terminal.scored(taken)
        else:
            seen = self.video_terminal.attend(self.grid(taken), *self._guide(heard))[0]
            symbols, scores = self.video_terminal.encoder.scored(seen)
        return self.lengths.pack(symbols, scores, self.training)

    def look(self, taken: torch.Tensor, heard: dict) -> torch.Tensor:
        """As of the base class, with the lengths that are set."""
        if not self.lengths:
            return super().look(taken, heard)
        return self.video_terminal.attend(self.grid(taken), *self._guide(heard))[1]

    def understand(self, symbols: torch.Tensor, noise: torch.Tensor):
        """As of the base class, with the lengths that are set."""
        if not self.lengths:
            return super().understand(symbols, noise)
        heard, lengths = self.lengths.unpack(symbols)
        return self.receiver(heard, mean_no_eff(noise), lengths)

    def _guide(self, heard: dict) -> tuple:
        """The audio terminal's symbols and their lengths, or nothing."""
        frames = heard.get("audio")
        return (None, None) if frames is None else self.lengths.unpack(frames)

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
        return bound_peak(symbols, self._peak()) if self.config.peak else symbols

    def _peak(self) -> float:
        """Largest power of a symbol relative to the mean, linear; 0: any."""
        return 10 ** (self.config.peak / 10) if self.config.peak else 0.0
