# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Augmentation of audio-visual clips with correct labels.

An event counts where it is heard and seen.  Two clips of one event may therefore exchange sounds,
or pictures, within the event; and where one modality is replaced by another event's, the label
becomes
background.  So a network cannot learn which recordings belong together.

Pictures are not mirrored, since the attention does not depend on positions.
"""

from __future__ import annotations

import torch

from ..data.tensors import Features


class Augment:
    """Draws training batches.

    clips       training clips
    background  index of the class background
    exchange    share of clips with the sound, and share with the picture, of another clip of their
                event, within the event
    mismatch    share of clips in which another event's sound or picture replaces the event's
                beginning or end
    rivals      share of clips with a picture of another event beside theirs all the time: every
                second column of both, with more columns of the clip's own; ``own`` [n, w] bool
                then marks the clip's own columns in the last batch

    All random numbers are from Torch's global generator.
    """

    def __init__(
        self,
        clips: Features,
        background: int,
        exchange: float = 0.0,
        mismatch: float = 0.0,
        rivals: float = 0.0,
    ):
        self.clips, self.background = clips, background
        self.exchange, self.mismatch, self.rivals = exchange, mismatch, rivals
        self.own: torch.Tensor | None = None
        happens = clips.labels != background
        first = clips.labels.gather(1, happens.int().argmax(1, keepdim=True))[:, 0]
        self.event = torch.where(happens.any(1), first, -1)

    def batch(self, index: torch.Tensor):
        """Clips [n] -> audio [n, T, d_a], visual [n, T, h, w, d_v] float16 or None, labels [n,
        T]."""
        labels = self.clips.labels[index]  # a copy, as are those of the features
        sources = [s for s in (self.clips.audio, self.clips.visual) if s is not None]
        drawn = [source[index] for source in sources]
        if self.rivals:
            self.own = torch.ones(len(index), drawn[-1].shape[3], dtype=torch.bool)
        for row, event in enumerate(self.event[index].tolist()):
            if event < 0:
                continue
            for features, source in zip(drawn, sources, strict=True):
                self._exchange(features[row], source, labels[row], event)
            one = int(torch.randint(len(drawn), ()))
            self._mismatch(drawn[one][row], sources[one], labels[row], event)
            if self.rivals and torch.rand(()) < self.rivals:
                self._rival(drawn[-1][row], event, self.own[row])
        audio, visual = drawn if len(drawn) == 2 else (drawn[0], None)
        return audio, visual, labels

    def _exchange(self, features, source, labels, event: int) -> None:
        """Put another clip's event in the place of this one's; it starts anywhere in that."""
        if torch.rand(()) >= self.exchange:
            return
        segments = (labels == event).nonzero()[:, 0]
        donor = self._pick(self.event == event)
        theirs = (self.clips.labels[donor] == event).nonzero()[:, 0]
        at = torch.arange(len(segments)) + torch.randint(len(theirs), ())
        features[segments] = source[donor, theirs[at % len(theirs)]]

    def _mismatch(self, features, source, labels, event: int) -> None:
        """Another event's sound or picture in the first or last segments of this one's."""
        others = (self.event != event) & (self.event >= 0)
        segments = (labels == event).nonzero()[:, 0]
        if torch.rand(()) >= self.mismatch or len(segments) < 2 or not others.any():
            return
        lost = segments[: int(torch.randint(1, len(segments), ()))]
        if torch.rand(()) < 0.5:
            lost = segments[-len(lost) :]
        donor = self._pick(others)
        theirs = (self.clips.labels[donor] == self.event[donor]).nonzero()[:, 0]
        features[lost] = source[donor, theirs[torch.arange(len(lost)) % len(theirs)]]
        labels[lost] = self.background

    def _rival(self, visual: torch.Tensor, event: int, own: torch.Tensor) -> None:
        """Put one picture of another event beside all of a clip's, on the same side, and say which
        columns are its own."""
        others = (self.event != event) & (self.event >= 0)
        if not others.any():
            return
        donor = self._pick(others)
        shown = self._pick(self.clips.labels[donor] == self.event[donor])
        rival = self.clips.visual[donor, shown].expand_as(visual)
        beside = [visual[:, :, 0::2].clone(), rival[:, :, 1::2]]
        own[beside[0].shape[2] :] = False
        if torch.rand(()) < 0.5:
            beside.reverse()
            own.copy_(own.flip(0))
        visual.copy_(torch.cat(beside, 2))

    @staticmethod
    def _pick(among: torch.Tensor) -> int:
        candidates = among.nonzero()[:, 0]
        return int(candidates[torch.randint(len(candidates), ())])
