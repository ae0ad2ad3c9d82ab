# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Layers of published networks whose weights were trained with TensorFlow."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Convolution(nn.Conv2d):
    """A convolution with the zero padding of TensorFlow's "same": an odd number of zeros has the
    larger part at the right and the bottom.

    [N, inputs, h, w] -> [N, outputs, h/stride, w/stride], rounded up; ``kernel`` is odd
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups=1):
        around = kernel // 2 if stride == 1 else 0  # in the convolution, which saves a copy
        super().__init__(inputs, outputs, kernel, stride, around, groups=groups)

    def forward(self, maps: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            around = [
                max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in maps.shape[:1:-1]
            ]
            maps = functional.pad(maps, [side for n in around for side in (n // 2, n - n // 2)])
        return super().forward(maps)


def relu6(maps: Tensor) -> Tensor:
    """ReLU6 of a layer's output, which it replaces: new memory takes longer than the function."""
    return functional.relu6(maps, inplace=True)
