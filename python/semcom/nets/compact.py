# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Small feature networks of sound and picture.

Depthwise separable convolutions (Howard et al., MobileNets, arXiv 1704.04861, Table 1) down to a
sixteenth of the input: a picture of 112 x 112 gives a map of 7 x 7, a log-mel patch of 96 x 64 one
of 6 x 4, which is averaged.  Weights start from the first layers of two published networks and are
trained by tools/train_compact.py.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .convolution import Convolution, relu6

PICTURE = 112  # pixels of a side
PATCH = (96, 64)  # frames, mel bands
VISUAL_DIM, AUDIO_DIM = 512, 128
# channels out and stride of each separable layer
LAYERS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5)
AUDIO_LAYERS = LAYERS[:-2]  # fewer layers suffice for sound


class Separable(nn.Module):
    """A depthwise 3x3 convolution, then a 1x1 convolution over channels, each with ReLU6.

    [N, inputs, h, w] -> [N, outputs, h/stride, w/stride]
    """

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.depthwise = Convolution(inputs, inputs, 3, stride, groups=inputs)
        self.pointwise = Convolution(inputs, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return relu6(self.pointwise(relu6(self.depthwise(maps))))


class Stack(nn.Module):
    """Layers from [N, inputs, H, W] to [N, 512, H/16, W/16], values 0 to 6."""

    def __init__(self, inputs: int, layers: tuple):
        super().__init__()
        self.first = Convolution(inputs, 32, 3, 2)
        sizes = [32, *(outputs for outputs, _ in layers)]
        self.layers = nn.Sequential(
            *(Separable(a, b, s) for a, (b, s) in zip(sizes, layers, strict=False))
        )

    def forward(self, maps: Tensor) -> Tensor:
        return self.layers(relu6(self.first(maps)))


class CompactVision(nn.Module):
    """Pictures [N, 112, 112, 3] uint8, RGB -> maps [N, 7, 7, 512] float32, not negative."""

    name = "compact_vision"

    def __init__(self):
        super().__init__()
        self.stack = Stack(3, LAYERS).to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures.permute(0, 3, 1, 2)  # channels stay last in memory, which is faster
        return self.stack(x.float() / 128 - 1).permute(0, 2, 3, 1)


class CompactAudio(nn.Module):
    """Log-mel patches [N, 96, 64] -> features [N, 128] float32."""

    name = "compact_audio"

    def __init__(self):
        super().__init__()
        self.stack = Stack(1, AUDIO_LAYERS).to(memory_format=torch.channels_last)
        self.project = nn.Linear(512, AUDIO_DIM)

    def forward(self, patches: Tensor) -> Tensor:
        return self.project(self.stack(patches[:, None]).mean((2, 3)))
