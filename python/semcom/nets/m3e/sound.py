# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The VQGAN of sounds: encoder and decoder of log-mel spectra, like those of pictures.

A second is [B, 100, 64] log-mel (``media.phase.seconds_of``), its latents [B, 200, dim]: 25 in time
by 8 in frequency, in this order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .picture import GROUPS, Residual

TIMES, HEIGHTS = 25, 8  # latents of a second
TEXTURES = 16  # [s] period of the random texture
SPECTRA = 100, 64  # of a second, bands
GRAIN = 9  # spectra and bands: slower and wider variations are not texture
SILENCE, RANGE = -6.9, 12.0  # log-mel of a band without sound; range to the loudest


def scaled(spectra: Tensor) -> Tensor:
    """Log-mel [B, 100, 64] scaled to about 0 to 1, [B, 1, 100, 64], as input of a discriminator."""
    return (spectra[:, None] - SILENCE) / RANGE


class SoundEncoder(nn.Module):
    """Log-mel [B, 100, 64] float32 -> latents [B, 200, dim]."""

    def __init__(self, dim: int):
        super().__init__()
        self.first = nn.Conv2d(1, 32, 5, 2, 2)
        self.bands = nn.Parameter(torch.zeros(1, 32, 1, 32))  # an offset for each band
        self.layers = nn.Sequential(
            Residual(32),
            nn.Conv2d(32, 64, 4, 2, 1), Residual(64), Residual(64),
            nn.Conv2d(64, 128, (3, 4), (1, 2), 1), Residual(128), Residual(128),
            nn.GroupNorm(GROUPS, 128), nn.SiLU(), nn.Conv2d(128, dim, 1),
        )  # fmt: skip
        self.to(memory_format=torch.channels_last)

    def forward(self, spectra: Tensor) -> Tensor:
        """Log-mel [B, 100, 64] -> latents [B, 200, dim]."""
        maps = scaled(spectra).to(memory_format=torch.channels_last) * 2 - 1
        return self.layers(self.first(maps) + self.bands).flatten(2).transpose(1, 2)


class SoundDecoder(nn.Module):
    """Latents [B, 200, dim], and the text as a vector [B, text] -> log-mel [B, 100, 64].

    A few symbols cannot carry the texture, without which noises such as rain are not recognisable.
    The decoder therefore gives mean and spread of each band, and the fluctuation is random with a
    fixed seed; in training it is drawn by Torch's random generator.
    """

    def __init__(self, dim: int, text: int):
        super().__init__()
        self.first = nn.Conv2d(dim, 128, 3, padding=1)
        self.bands = nn.Parameter(torch.zeros(1, 128, 1, HEIGHTS))
        self.small = nn.ModuleList(Residual(128, text) for _ in range(3))
        self.grow = nn.Conv2d(128, 2 * 64, 1)
        self.middle = nn.ModuleList(Residual(64, text) for _ in range(2))
        self.grow_again = nn.Conv2d(64, 4 * 32, 1)
        self.large = nn.ModuleList(Residual(32, text) for _ in range(2))
        self.grow_last = nn.Conv2d(32, 4 * 16, 3, padding=1)
        self.last = nn.Conv2d(16, 2, 3, padding=1)
        self.to(memory_format=torch.channels_last)
        texture = torch.randn(TEXTURES, *SPECTRA, generator=torch.Generator().manual_seed(0))
        self.register_buffer("texture", texture, persistent=False)

    def tell(self, latents: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """Latents [B, 200, dim] and text [B, text] -> mean and spread of the log-mel, [B, 100,
        64]."""
        maps = latents.transpose(1, 2).unflatten(2, (TIMES, HEIGHTS))
        maps = self.first(maps.to(memory_format=torch.channels_last)) + self.bands
        for block in self.small:
            maps = block(maps, told)
        maps = taller(self.grow(maps))
        for block in self.middle:
            maps = block(maps, told)
        maps = F.pixel_shuffle(self.grow_again(maps), 2)
        for block in self.large:
            maps = block(maps, told)
        maps = F.pixel_shuffle(self.grow_last(maps), 2)
        mean, spread = self.last(F.silu(maps)).float().unbind(1)
        return mean * (RANGE / 2) + (SILENCE + RANGE / 2), F.softplus(spread - 1)

    def forward(self, latents: Tensor, told: Tensor) -> Tensor:
        """Latents [B, 200, dim], text [B, text] -> log-mel [B, 100, 64], mean plus texture; example
        i has texture i mod TEXTURES, except in training."""
        mean, spread = self.tell(latents, told)
        if self.training:
            return mean + spread * torch.randn_like(mean)
        return mean + spread * self.texture[torch.arange(len(mean)) % TEXTURES]


def taller(maps: Tensor) -> Tensor:
    """[B, 2 c, h, w] -> [B, c, h, 2 w]: a pixel shuffle along frequency."""
    return maps.unflatten(1, (-1, 2)).permute(0, 1, 3, 4, 2).flatten(3)


def grain(spectra: Tensor) -> Tensor:
    """The texture of log-mel [B, 100, 64]: without the slower and wider variations that latents
    carry."""
    smooth = F.avg_pool2d(spectra[:, None], GRAIN, 1, GRAIN // 2, count_include_pad=False)
    return spectra - smooth[:, 0]
