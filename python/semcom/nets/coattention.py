# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Localisation by spatial and semantic co-attention (Xue et al., TMM 2021)."""

from __future__ import annotations

import torch
from torch import nn

from ..base.errors import SemcomError
from .attention import CSEA, CSPA
from .configs import CoAttentionConfig
from .heads import NEVER, below_background
from .layers import BiLSTM, dense, init_xavier
from .localisers import Localiser
from .matching import MatchHeads

BALANCE = {"sel": 0.3, "wsel": 0.7, "wsel_proportions": 0.7, "cml": 0.6}  # the paper's lambda


class Stream(nn.Module):
    """Temporal modeling (eq. 4) and classifier of one of the two streams; without ``classes`` there
    is no classifier.

    audio [B, T, d_a], visual [B, T, d_v] -> features [B, T, 2 recurrent] each -> scores [B, T, C]
    """

    def __init__(self, audio_dim: int, visual_dim: int, config: CoAttentionConfig, classes: int):
        super().__init__()
        self.audio_lstm = BiLSTM(audio_dim, config.recurrent)
        self.visual_lstm = BiLSTM(visual_dim, config.recurrent)
        self.drop = nn.Dropout(config.dropout)
        features = 4 * config.recurrent
        self.classifier = None
        if classes:
            self.classifier = dense(features, config.classifier, classes, last_relu=False)

    def features(self, audio: torch.Tensor, visual: torch.Tensor):
        """audio [B, T, d_a], visual [B, T, d_v] -> the same after a BiLSTM each, [B, T, 2
        recurrent]."""
        return self.audio_lstm(audio), self.visual_lstm(visual)

    def classify(self, audio: torch.Tensor, visual: torch.Tensor) -> torch.Tensor:
        """Scores e_t [B, T, C] of the stream's recurrent features."""
        return self.classifier(self.drop(torch.cat([audio, visual], -1)))


class Streams(nn.Module):
    """The two streams after the attention, and their joint decision: the mean of their scores."""

    def __init__(self, audio_dim: int, visual_dim: int, config: CoAttentionConfig, classes: int):
        super().__init__()
        cml = config.setting == "cml"
        self.streams = nn.ModuleList(
            Stream(audio_dim, visual_dim, config, 0 if cml else classes)
            for _ in config.parts.split("+")
        )
        if config.setting == "wsel":
            self.register_buffer("background", torch.tensor(NEVER))
        balance = BALANCE[config.setting] if config.balance < 0 else config.balance
        self.weights = (balance, 1 - balance) if len(self.streams) == 2 else (1.0,)

    def features(self, pairs):
        """(audio, visual) [B, T, d] of each stream -> the same after the BiLSTMs."""
        both = zip(self.streams, pairs, strict=True)
        return [stream.features(*pair) for stream, pair in both]

    def forward(self, recurrent) -> tuple[torch.Tensor, dict]:
        """Recurrent features of each stream -> logits [B, T, C] and extras: "scores" of each
        stream, "weights" of their losses, "features" of all streams' sound and picture."""
        both = zip(self.streams, recurrent, strict=True)
        scores = [stream.classify(*pair) for stream, pair in both]
        logits = below_background(self, torch.stack(scores).mean(0))
        features = [torch.cat(modality, -1) for modality in zip(*recurrent, strict=True)]
        return logits, {"scores": scores, "weights": self.weights, "features": features}


class CoAttention(Localiser):
    """Localiser with CSPA and CSEA in parallel, each followed by BiLSTMs and a classifier."""

    name = "coattention"
    losses = {
        "sel": "soft_margin",
        "wsel": "video_soft_margin",
        "wsel_proportions": "video_soft_margin_proportions",
        "cml": "contrastive",
    }
    Config = CoAttentionConfig

    def __init__(self, config: CoAttentionConfig, classes: tuple[str, ...] | list[str]):
        super().__init__(config, classes)
        sizes = config.visual_dim, config.audio_dim
        self.spatial = self.semantic = None
        if "cspa" in config.parts:
            self.spatial = CSPA(
                *sizes, config.attention_width, config.attention_hidden, config.audio_attention
            )
        if "csea" in config.parts:
            switches = config.visual_to_audio, config.audio_to_visual
            self.semantic = CSEA(*sizes, config.gate, *switches)
        self.decoder = Streams(config.audio_dim, config.visual_dim, config, len(self.classes))
        self.weights = self.decoder.weights
        if config.setting == "cml":
            self.matching = MatchHeads(len(self.decoder.streams), 2 * config.recurrent)
        self.apply(init_xavier)

    def attend(self, visual, audio):
        """visual [B, T, h, w, d_v], audio [B, T, d_a] -> attended [B, T, d_v] and attention [B, T,
        h, w], which sums to one; SemcomError without CSPA."""
        if self.spatial is None:
            raise SemcomError("attention: this network has only CSEA, which is not spatial")
        return self.spatial.see(audio, visual)[::2]

    def given(self, audio, visual):
        """Audio [B, T, d_a], attended [B, T, d_v], the mean of the picture [B, T, d_v] and the
        audio weights [B, T, hidden], see :meth:`Localiser.given`; SemcomError without one of the
        parts."""
        if self.spatial is None or self.semantic is None or not self.config.audio_attention:
            raise SemcomError(
                "coattention: cannot be divided by a link unless it has all of its parts"
            )
        attended, fusion, _ = self.spatial.see(audio, visual)
        weights = self.spatial.audio_attention(fusion).softmax(-1)
        return [audio, attended, visual.flatten(2, 3).float().mean(2), weights]

    def streams(self, audio, visual):
        """Recurrent features of sound and picture, [B, T, 2 recurrent] each, a pair for each
        stream."""
        pairs = []
        if self.spatial is not None:
            pairs.append(self.spatial(audio, visual)[:2])
        if self.semantic is not None:
            pairs.append(self.semantic(audio, visual.flatten(2, 3).float().mean(2)))
        return self.decoder.features(pairs)

    def decide(self, streams) -> tuple[torch.Tensor, dict]:
        """Logits [B, T, C] and the extras of the loss, from the result of :meth:`streams`."""
        return self.decoder(streams)
