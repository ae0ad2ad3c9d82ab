# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Augmentation of audio-visual clips that keeps the labels right.

An event counts where it is heard and seen.  So in two clips of one event from end to end the sounds
may be exchanged, and where the sound of such a clip is that of another event, nothing is left but
background.  A network can then not learn which recordings belong together.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from .features import Features


class Augment:
    """Draws training batches.

    repair           share of the end-to-end clips that get the sound of another one of their class
    mismatch         share of the end-to-end clips with a stretch of another event's sound
    feature_dropout  share of the feature channels that a clip loses, in each modality

    Everything is drawn from Torch's global generator.
    """

    def __init__(
        self,
        clips: Features,
        background: int,
        repair: float = 0.0,
        mismatch: float = 0.0,
        feature_dropout: float = 0.0,
    ):
        self.clips, self.background = clips, background
        self.repair, self.mismatch, self.feature_dropout = repair, mismatch, feature_dropout
        event = clips.labels[:, 0]
        whole = (clips.labels == event[:, None]).all(1) & (event != background)
        self.event = torch.where(whole, event, -1)
        self.whole = whole.nonzero()[:, 0]

    def batch(self, index: torch.Tensor):
        """Clips [n] -> audio [n, T, d_a], visual [n, T, h, w, d_v] float16, labels [n, T]."""
        audio, labels = self.clips.audio[index], self.clips.labels[index].clone()
        visual = self.clips.visual[index]
        for row, event in enumerate(self.event[index].tolist()):
            if event >= 0:
                self._exchange_sound(audio, labels, row, event)
        if self.feature_dropout:
            audio = self._drop_channels(audio)
            visual = self._drop_channels(visual)
        if torch.rand(()) < 0.5:
            visual = visual.flip(3)
        return audio, visual, labels

    def _exchange_sound(self, audio, labels, row: int, event: int) -> None:
        draw = torch.rand(2)
        if draw[0] < self.repair:
            audio[row] = self.clips.audio[self._pick(self.event[self.whole] == event)]
        if draw[1] < self.mismatch and (self.event[self.whole] != event).any():
            segments = labels.shape[1]
            start, end = sorted(torch.randint(0, segments + 1, (2,)).tolist())
            other = self._pick(self.event[self.whole] != event)
            audio[row, start:end] = self.clips.audio[other, start:end]
            labels[row, start:end] = self.background

    def _pick(self, among: torch.Tensor) -> int:
        candidates = self.whole[among]
        return int(candidates[torch.randint(len(candidates), ())])

    def _drop_channels(self, features: torch.Tensor) -> torch.Tensor:
        mask = features.new_ones(len(features), *[1] * (features.dim() - 2), features.shape[-1])
        return features * F.dropout(mask, self.feature_dropout)
