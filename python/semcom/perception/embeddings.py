# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Embeddings of pictures by MobileNet and of sounds by YAMNet, with their preprocessing."""

from __future__ import annotations

import numpy as np
import torch

from ..base.optional import cv2
from ..media.spectrum import RATE, SPECTRA, YAMNET_OFFSET, log_mel
from ..nets.mobilenet import SIDE, MobileNet, YAMNet
from ..weights import store as checkpoint
from ..weights.names import models_folder
from .once import once

AT_ONCE = 16  # pictures or patches in a batch
STEP = SPECTRA // 2  # [spectra of 10 ms] between successive patches of a sound, as in YAMNet's code


class PictureEmbedding:
    """MobileNet with its preprocessing: the whole picture as a square of 224 pixels."""

    def __init__(self):
        self._net = MobileNet()
        checkpoint.fill(models_folder() / f"{MobileNet.name}.safetensors", self._net)

    @torch.inference_mode()
    def maps(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures [n, h, w, 3] uint8 RGB -> [n, 7, 7, 1024] float32, 0 to 6."""
        parts = torch.from_numpy(squares(pictures)).split(AT_ONCE)
        return torch.cat([self._net(part) for part in parts]).numpy()

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Pictures [n, h, w, 3] uint8 RGB, n at least 1 -> embeddings [n, 1024] float32."""
        return self.maps(pictures).mean((1, 2))


class SoundEmbedding:
    """YAMNet with its preprocessing: patches of 0.96 s, one every 0.48 s.

    ``classes``  AudioSet's names of the 521 scores
    """

    def __init__(self):
        self._net = YAMNet()
        header = checkpoint.fill(models_folder() / f"{YAMNet.name}.safetensors", self._net)
        self.classes = tuple(header["classes"])

    @torch.inference_mode()
    def __call__(self, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sound [n] float32, -1 to 1, at 16 kHz -> embeddings [P, 1024] and scores [P, 521] float32
        of its P patches.  A sound shorter than a second is padded with silence."""
        parts = torch.from_numpy(_patches(sound)).split(AT_ONCE)
        embedded, scores = zip(*(self._net(part) for part in parts), strict=True)
        return torch.cat(embedded).numpy(), torch.cat(scores).numpy()


def squares(pictures: np.ndarray) -> np.ndarray:
    """Pictures [n, h, w, 3] uint8 scaled to squares [n, 224, 224, 3] uint8, without aliasing."""
    shrinks = min(pictures.shape[1:3]) > SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.stack([cv2.resize(picture, (SIDE, SIDE), interpolation=how) for picture in pictures])


def _patches(sound: np.ndarray) -> np.ndarray:
    """Log-mel patches [P, 96, 64] float32 of a sound [n] float32."""
    spectra = log_mel(np.pad(sound, (0, max(0, RATE - len(sound)))), YAMNET_OFFSET)
    windows = np.lib.stride_tricks.sliding_window_view(spectra, SPECTRA, 0)[::STEP]
    return windows.transpose(0, 2, 1).copy()


@once
def picture_embedding() -> PictureEmbedding:
    """The network of the process."""
    return PictureEmbedding()


@once
def sound_embedding() -> SoundEmbedding:
    """The network of the process."""
    return SoundEmbedding()
