# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The project's own localiser, which decides one event and its span for the whole clip at once."""

from __future__ import annotations

import torch
from torch import nn

from .attention import GuidedAttention
from .configs import SpanConfig
from .heads import NEVER, below_background
from .layers import dense, init_relu
from .localisers import Localiser
from .names import WEAK
from .spans import EventSpan, SegmentAlone


class Member(nn.Module):
    """A member of the ensemble: evidence for each event from each modality, and for any event.

    Input
        audio [B, T, d_a], attended picture [B, T, heads d_v]
    Output
        evidence of sound and of picture, [B, T, C - 1] each;  presence [B, T]
    """

    def __init__(self, config: SpanConfig, events: int):
        super().__init__()
        drop, hidden = config.dropout, config.hidden
        sizes = config.audio_dim, config.heads * config.visual_dim
        self.encoders = nn.ModuleList(
            nn.Sequential(
                dense(size, hidden, dropout=drop),
                nn.Linear(hidden, config.code),
                nn.LayerNorm(config.code),
                dense(config.code, hidden, dropout=drop),
            )
            for size in sizes
        )
        self.evidence = nn.ModuleList(nn.Linear(hidden, events) for _ in sizes)
        self.presence = None
        if config.presence and config.setting not in WEAK:  # clip labels have no times
            units = hidden // 4
            self.presence = nn.GRU(2 * hidden, units, batch_first=True, bidirectional=True)
            self.drop = nn.Dropout(drop)
            self.score = nn.Linear(2 * units, 1)

    def encode(self, audio: torch.Tensor, attended: torch.Tensor) -> list[torch.Tensor]:
        """Features of sound and picture, [B, T, hidden] each."""
        return [encode(x) for encode, x in zip(self.encoders, (audio, attended), strict=True)]

    def forward(self, audio: torch.Tensor, attended: torch.Tensor):
        """audio [B, T, d_a], attended [B, T, heads d_v] -> evidence of sound and of picture, [B, T,
        C - 1] each, and presence [B, T], zeros without that part."""
        features = self.encode(audio, attended)
        evidence = [layer(x) for layer, x in zip(self.evidence, features, strict=True)]
        if self.presence is None:
            return evidence, audio.new_zeros(audio.shape[:2])
        over_time = self.drop(self.presence(torch.cat(features, -1))[0])
        return evidence, self.score(over_time)[..., 0]


class SpanLocaliser(Localiser):
    """Attention with several heads, guided by the sound; members that each give evidence; the
    posterior of event, start and end (:class:`EventSpan`).

    The members' evidence is averaged; in training each member has its own loss, which keeps them
    different.  Extras: "opinions", the output of each :class:`Member`, and "span", which maps it to
    logits.
    """

    name = "span"
    losses = {"sel": "span", "wsel": "span_clip"}
    Config = SpanConfig

    def __init__(self, config: SpanConfig, classes: tuple[str, ...] | list[str]):
        super().__init__(config, classes)
        self.guide = dense(config.audio_dim, config.attention_hidden)
        self.attention = GuidedAttention(
            config.visual_dim, config.attention_hidden, config.attention_hidden, config.heads
        )
        events = len(self.classes) - 1
        self.members = nn.ModuleList(Member(config, events) for _ in range(config.members))
        self.span = EventSpan(2) if config.joint else SegmentAlone()
        if config.setting == "wsel":
            self.register_buffer("background", torch.tensor(NEVER))
        self.apply(init_relu)
        for member in self.members:
            for layer in member.evidence:
                nn.init.normal_(layer.weight, std=0.02)  # initially all events are equally likely

    def attend(self, visual, audio):
        """visual [B, T, h, w, d_v], audio [B, T, d_a] -> attended [B, T, heads d_v] and attention
        [B, T, h, w], the mean of the heads, which sums to one."""
        return self.attention(visual, self.guide(audio))

    def streams(self, audio, visual):
        """Features of sound and picture, [B, T, members hidden] each, as the only pair."""
        attended = self.attend(visual, audio)[0]
        encoded = [member.encode(audio, attended) for member in self.members]
        return [tuple(torch.cat(side, -1) for side in zip(*encoded, strict=True))]

    def forward(self, audio: torch.Tensor, visual: torch.Tensor) -> tuple[torch.Tensor, dict]:
        """audio [B, T, d_a], visual [B, T, h, w, d_v] -> logits [B, T, C] and extras."""
        attended = self.attend(visual, audio)[0]
        opinions = [member(audio, attended) for member in self.members]
        heard, seen = zip(*(evidence for evidence, _ in opinions), strict=True)
        evidence = [torch.stack(heard).mean(0), torch.stack(seen).mean(0)]
        presence = torch.stack([presence for _, presence in opinions]).mean(0)
        logits = below_background(self, self.span(evidence, presence))
        return logits, {"opinions": opinions, "span": self.span}
