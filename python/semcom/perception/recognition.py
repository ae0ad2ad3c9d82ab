# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What terminals recognise in pictures: EfficientNet-Lite0 and one linear layer over its maps."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor, nn

from ..nets.efficientnet import EMBEDDING, EfficientNet, as_input
from ..weights import store as checkpoint
from ..weights.names import models_folder

PICTURES = "picture_recogniser"  # name of its file
AT_ONCE = 16  # pictures that pass the network together


class PictureRecogniser(nn.Module):
    """classes  AVE's names of those that it can tell, background last"""

    def __init__(self):
        super().__init__()
        self.features = picture_features()
        path = models_folder() / f"{PICTURES}.safetensors"
        self.classes = tuple(checkpoint.read_header(path)["classes"])
        self.layer = nn.Linear(EMBEDDING, len(self.classes))
        checkpoint.fill(path, self.layer)
        self.requires_grad_(False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [N, 1280, h, w] of the network -> logits [N, C] of the whole picture."""
        return self.layer(maps.mean((2, 3)))


@functools.cache
def picture_features() -> EfficientNet:
    """The network of the process."""
    net = EfficientNet().to(memory_format=torch.channels_last)
    checkpoint.fill(models_folder() / f"{EfficientNet.name}.safetensors", net)
    return net.requires_grad_(False)


@functools.cache
def picture_recogniser() -> PictureRecogniser:
    """The recogniser of the process."""
    return PictureRecogniser()


@torch.inference_mode()
def picture_maps(pictures: np.ndarray) -> Tensor:
    """Pictures [n, h, w, 3] uint8 RGB -> maps [n, 1280, 4, 4] float32 of whole squares."""
    found = []
    for start in range(0, len(pictures), AT_ONCE):
        some = torch.from_numpy(pictures[start : start + AT_ONCE]).permute(0, 3, 1, 2)
        found.append(picture_features()(as_input(some.float() / 255)))
    return torch.cat(found)


def describe(squares, owners, spectra, sound, check):
    from ..data.descriptions import Description
    from ..data.clipset import AVE_CLASSES
    rec = picture_recogniser()
    T = max(1, len(spectra), max(owners, default=0) + 1)
    names = [""] * T
    if len(squares):
        k = rec(picture_maps(squares)).argmax(1).tolist()
        for o, i in zip(owners, k):
            c = rec.classes[i]
            names[o] = "something else" if c not in AVE_CLASSES[:28] else c
    return [Description(n, "one" if n else "", "middle" if n else "", "", "") for n in names]
