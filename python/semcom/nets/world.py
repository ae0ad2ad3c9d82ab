# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Features of networks that know sounds and pictures of the world: YAMNet and EfficientNet-Lite0 as
they were published, and one affine map each over what they say.

The first features are logits of AVE's events and background, of a linear classifier over the
embedding; then the networks' own scores of classes near to the events, and of some far from them;
then the embedding's principal directions.  Each has zero mean and unit variance over what
tools/train_world.py fitted them to.
"""

from __future__ import annotations

from torch import Tensor, nn

from .efficientnet import EMBEDDING as PICTURE_EMBEDDING
from .efficientnet import EfficientNet
from .mobilenet import EMBEDDING as SOUND_EMBEDDING
from .mobilenet import YAMNet

AUDIO_DIM = VISUAL_DIM = 128
PICTURE, GRID = 160, 5  # pixels of a side, and cells of its map


class WorldMaps(nn.Module):
    """The affine maps of both, which are all that is fitted."""

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
    x = pictures.permute(0, 3, 1, 2).float() / 255  # in memory channels stay last, which is faster
    return net(x).permute(0, 2, 3, 1)
