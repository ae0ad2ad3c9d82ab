# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Two published pre-trained networks: MobileNet v1 (Howard et al., arXiv 1704.04861, Table 1, width
1, 224 pixels) of ImageNet, and YAMNet, the same layers over log-mel spectra, of AudioSet (Gemmeke
et al., ICASSP 2017).

They were published with eight bits; here the same weights are used in floating point.
tools/convert_teachers.py wrote the files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .compact import LAYERS, Stack

ALL_LAYERS = (*LAYERS, (1024, 2), (1024, 1))  # channels out and stride
EMBEDDING = 1024
SIDE = 224  # pixels of a picture
LOUDNESS = (-6.9294, 5.2568)  # range of log-mel in YAMNet's input of eight bits
SOUND_CLASSES = 521


class MobileNet(nn.Module):
    """Pictures [N, 224, 224, 3] uint8, RGB -> maps [N, 7, 7, 1024] float32, 0 to 6.  The mean of a
    map is the embedding; there is no classifier."""

    name = "mobilenet"

    def __init__(self):
        super().__init__()
        self.stack = Stack(3, ALL_LAYERS).to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures.permute(0, 3, 1, 2)  # channels stay last in memory, which is faster
        return self.stack(x.float() / 128 - 1).permute(0, 2, 3, 1)


class YAMNet(nn.Module):
    """Log-mel patches [N, 96, 64] -> embeddings [N, 1024] float32, 0 to 6, and independent scores
    [N, 521] float32, 0 to 1, of AudioSet's classes."""

    name = "yamnet"

    def __init__(self):
        super().__init__()
        self.stack = Stack(1, ALL_LAYERS).to(memory_format=torch.channels_last)
        self.classify = nn.Linear(EMBEDDING, SOUND_CLASSES)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        embedded = self.stack(patches[:, None].clamp(*LOUDNESS)).mean((2, 3))
        return embedded, self.classify(embedded).sigmoid()
