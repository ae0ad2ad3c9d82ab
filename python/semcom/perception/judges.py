# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Independent judges of the class of pictures and sounds: a linear layer over the embeddings of
MobileNet and YAMNet, fitted by tools/train_judges.py to undistorted photographs and recordings.

A judge is independent as long as no system that it judges was trained with its network.  The
features ``compact`` were (semcom.nets.compact): a system that is trained towards them, or towards
MobileNet or YAMNet, must be judged by another network.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..weights import store as checkpoint
from ..weights.names import models_folder
from .embeddings import picture_embedding, sound_embedding
from .once import once
from .recognition import place

PICTURES, SOUNDS = "picture_judge", "sound_judge"  # names of their files
NOTHING = ""  # judgement of empty pictures and of silence: not a class, so never right


class _Judge:
    """Base of the judges.

    name  name of the file of weights
    ``classes``  AVE's names of the known classes, background last
    """

    def __init__(self, name: str):
        path = models_folder() / f"{name}.safetensors"
        self.classes = tuple(checkpoint.read_header(path)["classes"])
        self._layer = nn.Linear(checkpoint.read_header(path)["config"]["inputs"], len(self.classes))
        checkpoint.fill(path, self._layer)

    def named(self, embedding: np.ndarray) -> str:
        """The class of an embedding [d]."""
        with torch.inference_mode():
            return self.classes[int(self._layer(torch.from_numpy(embedding)).argmax())]


class PictureJudge(_Judge):
    """Judges pictures by the mean of their MobileNet embeddings."""

    def __init__(self):
        super().__init__(PICTURES)

    def __call__(self, pictures: np.ndarray) -> str:
        """Pictures [n, h, w, 3] uint8 RGB of one thing, n at least 1 -> its class; '' if every
        picture has a single colour."""
        if (pictures == pictures[:, :1, :1]).all():
            return NOTHING
        return self.named(picture_embedding()(pictures).mean(0))

    @torch.inference_mode()
    def place(self, pictures: np.ndarray, name: str) -> str:
        """Pictures [n, h, w, 3] uint8 RGB -> left, middle or right: the place of the class
        ``name``, from its probability in each cell of MobileNet's map."""
        maps = torch.from_numpy(picture_embedding().maps(pictures).mean(0))
        return place(self._layer(maps).softmax(-1)[..., self.classes.index(name)].numpy())


class SoundJudge(_Judge):
    """Judges a sound by the YAMNet embeddings of its patches."""

    def __init__(self):
        super().__init__(SOUNDS)

    def __call__(self, sound: np.ndarray) -> str:
        """Sound [n] float32 in -1 to 1 at 16 kHz -> its class; '' for silence."""
        if not sound.any():
            return NOTHING
        return self.named(sound_embedding()(sound)[0].mean(0))


@once
def picture_judge() -> PictureJudge:
    """The judge of the process."""
    return PictureJudge()


@once
def sound_judge() -> SoundJudge:
    """The judge of the process."""
    return SoundJudge()
