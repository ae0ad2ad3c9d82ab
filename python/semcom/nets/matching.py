# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Heads for cross-modal localisation (Xue et al., TMM 2021, III-D)."""

from __future__ import annotations

import torch
from torch import nn

from .layers import dense

COMMON = 128, 64  # units of a head's two layers


class MatchHeads(nn.Module):
    """Maps sound and picture of each stream into a common space, in which they can be compared.

    Input
        streams: pairs (audio, visual) [B, T, d]
    Output
        pairs of embeddings [B, T, 64]
    """

    def __init__(self, streams: int, dim: int):
        super().__init__()
        self.audio = nn.ModuleList(dense(dim, *COMMON, last_relu=False) for _ in range(streams))
        self.visual = nn.ModuleList(dense(dim, *COMMON, last_relu=False) for _ in range(streams))

    def forward(self, streams) -> list[tuple[torch.Tensor, torch.Tensor]]:
        heads = zip(self.audio, self.visual, streams, strict=True)
        return [(hear(audio), see(visual)) for hear, see, (audio, visual) in heads]
