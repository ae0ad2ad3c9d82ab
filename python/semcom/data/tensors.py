# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A split of a set in memory, with pictures in half precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from . import ClipSet
from .clipset import clip_event


@dataclass
class Features:
    """Features and labels of N clips.

    audio   [N, T, d_a] float32
    visual  [N, T, h, w, d_v] float16 or bfloat16; None if no terminal uses them
    labels  [N, T] int64, class of each segment
    events  [N] int64, class of each clip's event; background if it has none
    """

    audio: torch.Tensor
    visual: torch.Tensor | None
    labels: torch.Tensor
    events: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: torch.Tensor, system: torch.nn.Module):
        """{terminal: its input [B, T, ...]} for the clips ``index`` [B], on the system's device."""
        device = next(system.parameters()).device
        taken = {"audio": self.audio, "video": self.visual}
        return {name: taken[name][index].to(device) for name in system.terminals}


def read(
    clips: ClipSet,
    limit: int | None = None,
    terminals=("audio", "video"),
    dtype: torch.dtype = torch.float16,
) -> Features:
    """Read the features that ``terminals`` need of the first ``limit`` clips of a set (None: all).

    dtype  dtype of the visual features; bfloat16 saves a conversion at each step if the network
           computes in it
    """
    count = min(len(clips), limit or len(clips))
    visual = None
    if "video" in terminals:
        visual = torch.empty(count, *clips.visual(0).shape, dtype=dtype)
        for i in range(count):
            visual[i] = torch.from_numpy(clips.visual(i))
    audio = np.stack([clips.audio(i) for i in range(count)])
    labels = np.stack([clips.labels(i) for i in range(count)])
    events = np.array([clip_event(clips, i) for i in range(count)])
    audio, labels, events = (torch.from_numpy(x) for x in (audio, labels, events))
    return Features(audio, visual, labels, events)
