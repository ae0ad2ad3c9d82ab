# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Features of the published pre-trained networks YAMNet and EfficientNet-Lite0, with an affine map
over the embedding of each.

The first features are logits of AVE's events and background, from a linear classifier over the
embedding; then the networks' own scores of classes related to the events, and of some unrelated
ones; then the embedding's principal components.  Each has zero mean and unit variance on the
training data of tools/train_world.py.
"""

from __future__ import annotations

from torch import Tensor, nn

from .efficientnet import EMBEDDING as PICTURE_EMBEDDING
from .efficientnet import EfficientNet
from .mobilenet import EMBEDDING as SOUND_EMBEDDING
from .mobilenet import YAMNet

AUDIO_DIM = VISUAL_DIM = 128
PICTURE, GRID = 160, 5  # [pixels] side of a picture; cells of a side of its map


class WorldMaps(nn.Module):
    """The affine maps of sound and picture, the only fitted layers."""

    name = "world"

    def __init__(self):
        super().__init__()
        self.audio = nn.Linear(SOUND_EMBEDDING, AUDIO_DIM)
        self.visual = nn.Linear(PICTURE_EMBEDDING, VISUAL_DIM)


def sound_features(net: YAMNet, maps: WorldMaps, patches: Tensor) -> Tensor:
    """Log-mel patches [N, 96, 64] -> features [N, 128] float32."""
    return maps.audio(net(patches)[0])


def picture_features(net: EfficientNet, maps: WorldMaps, pictures: Tensor) -> Tensor:
    """Squares [N, 160, 160, 3] uint8, RGB -> maps of features [N, 5, 5, 128] float32."""
    return maps.visual(picture_maps(net, pictures))


def picture_maps(net: EfficientNet, pictures: Tensor) -> Tensor:
    """Squares [N, h, w, 3] uint8, RGB -> the network's maps [N, h/32, w/32, 1280] float32."""
    x = pictures.permute(0, 3, 1, 2).float() / 255  # channels stay last in memory, which is faster
    return net(x).permute(0, 2, 3, 1)
