# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""EfficientNet-Lite0 of ImageNet (Tan and Le, EfficientNet, ICML 2019, Table 1, without squeeze and
excitation and with ReLU6).

Terminals recognise pictures with it, and training losses compare pictures by its maps.  Batch
normalisation is folded into the convolutions; tools/convert_efficientnet.py wrote the file.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .convolution import Convolution, relu6

# kernel, stride, expansion, channels out, layers of each stage
STAGES = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
)  # fmt: skip
STEM, EMBEDDING = 32, 1280
SIDE = 128  # [pixels] side of pictures for recognition at terminals
COMPARED = (1, 2, 4, 6)  # stages whose maps are compared in losses


class Block(nn.Module):
    """Inverted residual block: expansion, depthwise convolution, projection.

    [N, inputs, h, w] -> [N, outputs, h/stride, w/stride], rounded up
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.expand = Convolution(inputs, wide) if expansion > 1 else None
        self.depthwise = Convolution(wide, wide, kernel, stride, groups=wide)
        self.project = Convolution(wide, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        wide = maps if self.expand is None else relu6(self.expand(maps))
        made = self.project(relu6(self.depthwise(wide)))
        return maps + made if self.residual else made


class EfficientNet(nn.Module):
    """Pictures [N, 3, h, w] float32, RGB in 0 to 1 -> maps [N, 1280, h/32, w/32] float32, 0 to 6.
    The mean of a map is the embedding; there is no classifier."""

    name = "efficientnet"

    def __init__(self):
        super().__init__()
        self.stem = Convolution(3, STEM, 3, 2)
        stages, inputs = [], STEM
        for kernel, stride, expansion, outputs, layers in STAGES:
            blocks = []
            for layer in range(layers):
                blocks.append(Block(inputs, outputs, kernel, 1 if layer else stride, expansion))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = Convolution(inputs, EMBEDDING)

    def stage_maps(self, pictures: Tensor) -> list[Tensor]:
        """Pictures [N, 3, h, w] float32 in 0 to 1 -> the maps [N, c, h/s, w/s] after the stages
        COMPARED, with c = 24, 40, 112, 320 and s = 4, 8, 16, 32, then those after the head, with c
        = 1280 and s = 32."""
        maps = relu6(self.stem((pictures * 255 - 127) / 128))
        found = []
        for number, stage in enumerate(self.stages):
            maps = stage(maps)
            if number in COMPARED:
                found.append(maps)
        return [*found, relu6(self.head(maps))]

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures [N, 3, h, w] float32 in 0 to 1 -> the maps [N, 1280, h/32, w/32] after the
        head."""
        return self.stage_maps(pictures)[-1]


def as_input(pictures: Tensor, side: int = SIDE) -> Tensor:
    """Pictures [N, 3, h, w] float32 in 0 to 1 scaled to squares [N, 3, side, side]."""
    return F.interpolate(
        pictures, (side, side), mode="bicubic", align_corners=False, antialias=True
    )


def distance(one: list[Tensor], other: list[Tensor]) -> Tensor:
    """Distance [N] of pictures by their maps (:meth:`EfficientNet.stage_maps`): the mean over
    stages of |a - b|^2 / |b|^2, with b in ``other``, the original's maps (after Johnson, Alahi,
    Fei-Fei 2016, eq. 2)."""
    terms = [
        (a - b).square().flatten(1).sum(1) / b.square().flatten(1).sum(1).clamp_min(1e-6)
        for a, b in zip(one, other, strict=True)
    ]
    return torch.stack(terms).mean(0)
