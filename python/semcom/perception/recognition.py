# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Recognition of classes with confidences: pictures by EfficientNet-Lite0 and a linear layer over
its maps, sounds by :class:`~semcom.nets.hearing.Hearing`.

The confidences are calibrated by temperatures (Guo et al., On Calibration of Modern Neural
Networks, 2017), which tools/calibrate_recognition.py finds on the validation split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn

from ..nets.efficientnet import EMBEDDING, EfficientNet, as_input
from ..nets.hearing import Hearing
from ..nets.names import AVE_CLASSES
from ..weights import store as checkpoint
from ..weights.names import models_folder
from .once import once

PICTURES = "picture_recogniser"  # name of its file of weights
AT_ONCE = 16  # pictures, or seconds of sound, in a batch
PICTURE_TEMPERATURE, SOUND_TEMPERATURE = 0.72, 0.80
ASIDE = 0.12  # distance from the middle, relative to the width, from which a place is left or right
SURE_CELL = 0.5  # probability from which a cell counts as showing the class


class PictureRecogniser(nn.Module):
    """The linear layer over EfficientNet's maps.

    ``classes``  AVE's names of the known classes, background last
    """

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

    def cells(self, maps: Tensor) -> Tensor:
        """Maps [N, 1280, h, w] -> logits [N, C, h, w] of each cell, whose mean over cells is the
        picture's logits (class activation maps, Zhou et al., Learning Deep Features for
        Discriminative Localization, 2016, eq. 2)."""
        return self.layer(maps.movedim(1, -1)).movedim(-1, 1)


@dataclass(frozen=True)
class Seen:
    """The recognised classes of n pictures.

    probabilities  [n, 29] float32 of AVE's classes and background; 0 for classes that the
                   recogniser does not know, and a row of 0 for a picture of a single colour
    cells          [n, 29, 4, 4] float32, the same for each cell by itself
    """

    probabilities: np.ndarray
    cells: np.ndarray


@once
def picture_features() -> EfficientNet:
    """EfficientNet-Lite0, which is loaded once per process."""
    net = EfficientNet().to(memory_format=torch.channels_last)
    checkpoint.fill(models_folder() / f"{EfficientNet.name}.safetensors", net)
    return net.requires_grad_(False)


@once
def picture_recogniser() -> PictureRecogniser:
    """The recogniser of pictures, which is loaded once per process."""
    return PictureRecogniser()


@once
def hearing() -> Hearing:
    """The recogniser of sounds, which is loaded once per process; its classes are AVE's and
    background."""
    net = Hearing(len(AVE_CLASSES))
    checkpoint.fill(models_folder() / f"{Hearing.name}.safetensors", net)
    return net.requires_grad_(False)


@torch.inference_mode()
def picture_maps(pictures: np.ndarray) -> Tensor:
    """Pictures [n, h, w, 3] uint8 RGB, scaled to squares -> maps [n, 1280, 4, 4] float32."""
    found = []
    for start in range(0, len(pictures), AT_ONCE):
        some = torch.from_numpy(pictures[start : start + AT_ONCE]).permute(0, 3, 1, 2)
        found.append(picture_features()(as_input(some.float() / 255)))
    return torch.cat(found)


def seen(squares: np.ndarray, temperature: float | None = None) -> Seen:
    """Square pictures [n, h, w, 3] uint8 RGB -> their recognised classes; n may be 0.

    temperature  divisor of the logits; None: the calibrated one
    """
    count, classes = len(squares), len(AVE_CLASSES)
    if not count:
        return Seen(np.zeros((0, classes), np.float32), np.zeros((0, classes, 4, 4), np.float32))
    recogniser = picture_recogniser()
    logits = recogniser.cells(picture_maps(squares)) / (temperature or PICTURE_TEMPERATURE)
    shows = (squares != squares[:, :1, :1]).any((1, 2, 3))[:, None, None, None]
    columns = [AVE_CLASSES.index(name) for name in recogniser.classes]

    def spread(likely: Tensor) -> np.ndarray:
        whole = np.zeros((count, classes, *likely.shape[2:]), np.float32)
        whole[:, columns] = likely.numpy() * shows
        return whole

    whole = logits.mean((2, 3), keepdim=True).softmax(1)
    return Seen(spread(whole)[:, :, 0, 0], spread(logits.softmax(1)))


@torch.inference_mode()
def heard(spectra: np.ndarray, temperature: float | None = None) -> np.ndarray:
    """Log-mel [n, 100, 64] of seconds (``media.phase.seconds_of``) -> probabilities [n, 29] float32
    of AVE's classes and background; n may be 0.

    Silence is not recognised as such: check the level first.

    temperature  divisor of the logits; None: the calibrated one
    """
    parts = torch.from_numpy(spectra).split(AT_ONCE)
    logits = torch.cat([hearing()(part)[1] for part in parts])
    return (logits / (temperature or SOUND_TEMPERATURE)).softmax(1).numpy()


def place(cells: np.ndarray) -> str:
    """Probabilities [h, w] of a class in the cells of a picture -> left, middle or right, the place
    of their centre of gravity; '' if all are 0."""
    columns = cells.sum(0)
    if not columns.any():
        return ""
    across = (np.arange(len(columns)) + 0.5) / len(columns)
    aside = float(across @ columns / columns.sum()) - 0.5
    return "left" if aside < -ASIDE else "right" if aside > ASIDE else "middle"


def count(cells: np.ndarray) -> str:
    """Probabilities [h, w] of a class in the cells of a picture -> one, two or several: the number
    of groups of cells with a probability of at least 0.5, connected by their sides; one if no cell
    has it; '' if all are 0.

    Cells are large and their receptive fields overlap, so that two objects are mostly counted as
    one.
    """
    if not cells.any():
        return ""
    groups = ndimage.label(cells > SURE_CELL)[1]
    return ("one", "two", "several")[min(max(groups, 1), 3) - 1]
