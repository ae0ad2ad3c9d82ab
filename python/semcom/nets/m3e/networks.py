# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""All networks of M3E-VSC, as one set of weights."""

from __future__ import annotations

from torch import Tensor, nn

from ..configs import M3EConfig
from .picture import PictureDecoder, PictureEncoder
from .quantiser import ResidualQuantiser

NAMES = 29  # AVE's classes; the last one is everything else
UNTOLD = NAMES  # what is said of a picture or sound of which the text failed


class Pictures(nn.Module):
    """The VQGAN of pictures.  ``told`` [B] int64 is the class that the text names, UNTOLD where
    there is none."""

    def __init__(self, config: M3EConfig):
        super().__init__()
        self.names = nn.Embedding(NAMES + 1, config.width)
        self.encoder = PictureEncoder(config.picture_dim)
        self.quantiser = ResidualQuantiser(config.picture_dim, config.codes, config.stages)
        self.decoder = PictureDecoder(config.picture_dim, config.width)

    def decode(self, latents: Tensor, told: Tensor) -> Tensor:
        """Latents [B, 64, dim] and what the text names [B] -> pictures [B, 3, 64, 64]."""
        return self.decoder(latents, self.names(told))


class Networks(nn.Module):
    """What a checkpoint of m3e_vsc holds."""

    def __init__(self, config: M3EConfig):
        super().__init__()
        self.config = config
        self.pictures = Pictures(config)
