# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The VQGAN of pictures (Esser, Rombach, Ommer, Taming Transformers, CVPR 2021): encoder, decoder
conditioned on the text, and discriminator.

Pictures are [B, 3, 64, 64] in 0 to 1, latents [B, 64, dim], row by row of 8 x 8.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE, GRID = 64, 8  # [pixels], [latents]
GROUPS = 8  # groups of the group normalisation


class Residual(nn.Module):
    """Residual block of two 3 x 3 convolutions, [B, channels, h, w]; ``told`` [B, text] scales and
    shifts the features between them (FiLM, Perez et al. 2018)."""

    def __init__(self, channels: int, text: int = 0):
        super().__init__()
        self.before = nn.GroupNorm(GROUPS, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.between = nn.GroupNorm(GROUPS, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.film = nn.Linear(text, 2 * channels) if text else None
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)
        if text:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(self, maps: Tensor, told: Tensor | None = None) -> Tensor:
        inner = self.between(self.first(F.silu(self.before(maps))))
        if self.film is not None:
            scale, shift = self.film(told)[:, :, None, None].chunk(2, 1)
            inner = inner * (1 + scale) + shift
        return maps + self.second(F.silu(inner))


class PictureEncoder(nn.Module):
    """Pictures [B, 3, 64, 64] float32 in 0 to 1 -> latents [B, 64, dim], 8 by 8 row by row."""

    def __init__(self, dim: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 48, 5, 2, 2), Residual(48),
            nn.Conv2d(48, 96, 4, 2, 1), Residual(96), Residual(96),
            nn.Conv2d(96, 160, 4, 2, 1), Residual(160), Residual(160),
            nn.GroupNorm(GROUPS, 160), nn.SiLU(), nn.Conv2d(160, dim, 1),
        )  # fmt: skip
        self.colour = nn.Conv2d(3, dim, GRID, GRID)  # normalised layers lose a patch's brightness
        nn.init.zeros_(self.colour.weight)
        nn.init.zeros_(self.colour.bias)
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, 64, 64] -> latents [B, 64, dim]."""
        maps = pictures.to(memory_format=torch.channels_last) * 2 - 1
        return (self.layers(maps) + self.colour(maps)).flatten(2).transpose(1, 2)


class PictureDecoder(nn.Module):
    """Latents [B, 64, dim], and the text as a vector [B, text] -> pictures [B, 3, 64, 64] float32;
    values may be outside 0 to 1."""

    def __init__(self, dim: int, text: int):
        super().__init__()
        self.first = nn.Conv2d(dim, 160, 3, padding=1)
        self.small = nn.ModuleList(Residual(160, text) for _ in range(3))
        self.grow = nn.Conv2d(160, 4 * 96, 1)
        self.middle = nn.ModuleList(Residual(96, text) for _ in range(2))
        self.grow_again = nn.Conv2d(96, 4 * 64, 1)
        self.large = nn.ModuleList(Residual(64, text) for _ in range(2))
        self.grow_last = nn.Conv2d(64, 4 * 24, 3, padding=1)
        self.last = nn.Conv2d(24, 3, 3, padding=1)
        self.colour = nn.Conv2d(dim, 3, 1)
        nn.init.zeros_(self.colour.weight)
        nn.init.zeros_(self.colour.bias)
        self.to(memory_format=torch.channels_last)

    def forward(self, latents: Tensor, told: Tensor) -> Tensor:
        """Latents [B, 64, dim], text [B, text] -> pictures [B, 3, 64, 64]."""
        maps = latents.transpose(1, 2).unflatten(2, (GRID, GRID))
        maps = maps.to(memory_format=torch.channels_last)
        colour = F.interpolate(self.colour(maps), scale_factor=GRID, mode="bilinear")
        maps = self.first(maps)
        grown = (
            (self.small, self.grow),
            (self.middle, self.grow_again),
            (self.large, self.grow_last),
        )
        for blocks, grow in grown:
            for block in blocks:
                maps = block(maps, told)
            maps = F.pixel_shuffle(grow(maps), 2)
        return (self.last(F.silu(maps)) + colour).float() * 0.5 + 0.5


class Discriminator(nn.Module):
    """Patch discriminator: pictures [B, channels, h, w] in about 0 to 1 -> scores [B, 1, h/4, w/4]
    of patches of at least 16 pixels (Isola et al. 2017), conditioned on the text by an inner
    product (Miyato and Koyama 2018)."""

    def __init__(self, text: int, channels: int = 3):
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.Sequential(
            norm(nn.Conv2d(channels, 48, 4, 2, 1)), nn.LeakyReLU(0.2),
            norm(nn.Conv2d(48, 96, 4, 2, 1)), nn.LeakyReLU(0.2),
            norm(nn.Conv2d(96, 160, 3, 1, 1)), nn.LeakyReLU(0.2),
        )  # fmt: skip
        self.last = norm(nn.Conv2d(160, 1, 3, 1, 1))
        self.told = norm(nn.Linear(text, 160))

    def forward(self, pictures: Tensor, told: Tensor) -> Tensor:
        """Pictures [B, channels, h, w] and the text as a vector [B, text] -> scores [B, 1, h/4,
        w/4]; larger: more like an original."""
        maps = self.layers(pictures * 2 - 1)
        agrees = (maps * self.told(told)[:, :, None, None]).sum(1, keepdim=True)
        return self.last(maps) + agrees


def as_tensor(pictures: np.ndarray) -> Tensor:
    """Pictures [n, h, w, 3] uint8 -> [n, 3, h, w] float32 in 0 to 1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
