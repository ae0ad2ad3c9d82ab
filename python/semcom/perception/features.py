# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Feature networks: from seconds of sound and pictures to the features that systems encode."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ..base.errors import SemcomError
from ..base.optional import cv2
from ..media import spectrum
from ..nets import world
from ..nets.compact import (
    AUDIO_DIM,
    PICTURE,
    VISUAL_DIM,
    CompactAudio,
    CompactVision,
)
from ..nets.efficientnet import EfficientNet
from ..nets.mobilenet import YAMNet
from ..nets.vgg import EMBEDDING, VGG19Pool5, VGGish
from ..weights import store as checkpoint
from ..weights.names import models_folder
from .names import AUTO, FEATURES

AT_ONCE = 8  # pictures in a batch; new memory for more takes longer than the layers
VGG_SIDE = 224  # [pixels]
VGG_MEAN, VGG_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FeatureExtractor(Protocol):
    """Computes the features of any number T of seconds; the visual map of a second is the mean over
    its pictures."""

    name: str
    looks: int  # pictures of a second that are used
    audio_dim: int
    visual_shape: tuple[int, int, int]

    def audio(self, sound: np.ndarray) -> np.ndarray:
        """Sound [T, 16000] float32 in -1 to 1 -> features [T, audio_dim] float32."""

    def visual(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures [T, n, height, width, 3] uint8 RGB, n a multiple of ``looks``, -> maps
        [T, *visual_shape] float32."""


class Compact:
    """The project's own small networks, which are shipped; they use 4 pictures of a second."""

    name, looks, audio_dim, visual_shape = "compact", 4, AUDIO_DIM, (7, 7, VISUAL_DIM)

    def __init__(self):
        self._hear, self._see = CompactAudio(), CompactVision()
        for net in (self._hear, self._see):
            checkpoint.fill(models_folder() / f"{net.name}.safetensors", net)

    @torch.inference_mode()
    def audio(self, sound: np.ndarray) -> np.ndarray:
        """Sound [T, 16000] float32 in -1 to 1 -> features [T, 128] float32."""
        patches = spectrum.patches(sound, spectrum.YAMNET_OFFSET)
        return self._hear(torch.from_numpy(patches)).numpy()

    @torch.inference_mode()
    def visual(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures [T, n, h, w, 3] uint8 RGB, n a multiple of 4 -> maps [T, 7, 7, 512] float32."""
        seen = torch.from_numpy(squares(pictures, self.looks, PICTURE))
        return self._see(seen).unflatten(0, (-1, self.looks)).mean(1).numpy()


class World:
    """Published networks pre-trained on large sets, and shipped affine maps over their outputs;
    they use two pictures of a second.

    maps  file of the affine maps, from tools/train_world.py; None: the shipped one
    """

    name, looks, audio_dim = "world", 2, world.AUDIO_DIM
    visual_shape = (world.GRID, world.GRID, world.VISUAL_DIM)

    def __init__(self, maps: Path | None = None):
        self._hear, self._see, self._maps = YAMNet(), EfficientNet(), world.WorldMaps()
        for net in (self._hear, self._see):
            checkpoint.fill(models_folder() / f"{net.name}.safetensors", net)
        self._see.to(memory_format=torch.channels_last)
        checkpoint.fill(maps or models_folder() / f"{world.WorldMaps.name}.safetensors", self._maps)

    @torch.inference_mode()
    def audio(self, sound: np.ndarray) -> np.ndarray:
        """Sound [T, 16000] float32 in -1 to 1 -> features [T, audio_dim] float32."""
        patches = torch.from_numpy(spectrum.patches(sound, spectrum.YAMNET_OFFSET))
        return world.sound_features(self._hear, self._maps, patches).numpy()

    @torch.inference_mode()
    def visual(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures [T, n, h, w, 3] uint8 RGB, n a multiple of 2 -> maps [T, *visual_shape]
        float32."""
        seen = torch.from_numpy(squares(pictures, self.looks, world.PICTURE)).split(AT_ONCE)
        maps = torch.cat([world.picture_features(self._see, self._maps, some) for some in seen])
        return maps.unflatten(0, (-1, self.looks)).mean(1).numpy()


class Vgg:
    """The published networks of AVE's features, VGG-19 and VGGish, with the user's weights.

    folder  folder with vgg19.safetensors and vggish.safetensors, from tools/convert_vgg.py
    """

    name, looks, audio_dim, visual_shape = "vgg", 16, EMBEDDING, (7, 7, 512)

    def __init__(self, folder: Path):
        header = checkpoint.read_header(folder / "vggish.safetensors")
        self._hear, self._see = VGGish(**header["config"]), VGG19Pool5()
        checkpoint.fill(folder / "vggish.safetensors", self._hear)
        checkpoint.fill(folder / "vgg19.safetensors", self._see)

    @torch.inference_mode()
    def audio(self, sound: np.ndarray) -> np.ndarray:
        """Sound [T, 16000] float32 in -1 to 1 -> features [T, 128] float32."""
        patches = spectrum.patches(sound, spectrum.VGGISH_OFFSET)
        return self._hear(torch.from_numpy(patches)[:, None]).numpy()

    @torch.inference_mode()
    def visual(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures [T, n, h, w, 3] uint8 RGB, n a multiple of 16 -> maps [T, 7, 7, 512] float32."""
        mean, deviation = (torch.tensor(v) for v in (VGG_MEAN, VGG_DEVIATION))
        maps = []
        for second in pictures:  # second by second, to limit the memory
            seen = torch.from_numpy(squares(second[None], self.looks, VGG_SIDE))
            normal = (seen.float() / 255 - mean) / deviation
            maps.append(self._see(normal.permute(0, 3, 1, 2)).mean(0))
        return torch.stack(maps).numpy()


def suited(sizes: dict) -> str:
    """Name of the shipped feature networks that fit a system's sizes (:meth:`System.sizes`); '' if
    none do."""
    for kind in (World, Compact):
        own = {"audio features": (kind.audio_dim,), "visual features": kind.visual_shape}
        if own.items() >= {name: sizes[name] for name in own if name in sizes}.items():
            return kind.name
    return ""


def looked_at(pictures: int, looks: int) -> range:
    """Indices of the ``looks`` pictures of a second that are used, out of ``pictures``."""
    step = pictures // looks
    return range(step // 2, pictures, step)


def squares(pictures: np.ndarray, looks: int, side: int) -> np.ndarray:
    """``looks`` evenly spaced pictures of each second [T, n, h, w, 3] uint8, scaled to squares
    [T * looks, side, side, 3] uint8."""
    chosen = pictures[:, looked_at(pictures.shape[1], looks)].reshape(-1, *pictures.shape[2:])
    small = [cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in chosen]
    return np.stack(small)


def extractor(name: str, weights: Path | None = None) -> FeatureExtractor:
    """The feature networks ``name``: world, compact or vgg.

    weights  of world, a file from tools/train_world.py (None: the shipped one); of vgg, the folder
             of its weights

    SemcomError for another name, or vgg without a folder.
    """
    if name in ("world", AUTO):
        return World(weights)
    if name == "compact":
        return Compact()
    if name != "vgg":
        raise SemcomError(f"features {name!r}: expected one of {', '.join(FEATURES)}")
    if weights is None:
        raise SemcomError("features vgg: give --weights, a folder that tools/convert_vgg.py wrote")
    return Vgg(weights)
