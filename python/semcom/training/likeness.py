# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The loss of received pictures, with gradients: pixels, structure, features, class.

Pictures are [B, 3, h, w] float32 in 0 to 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..nets.efficientnet import as_input, distance
from ..perception.recognition import PictureRecogniser

GAUSS, DEVIATION = 11, 1.5  # of SSIM's window, as semcom.media.quality
FLOORS = 0.01**2, 0.03**2
SIDES = (96, 128, 160, 192)  # [pixels] at which features are compared, in turn
PATCH, PATCHES = 8, 2.0  # [pixels], weight: SSIM hardly sees the colour of a patch
LEAST = 0.75  # of a side, of the part that is compared


def structural_similarity(one: Tensor, other: Tensor) -> Tensor:
    """SSIM of each picture, [B] float32, at most 1 (Wang et al. 2004, eq. 13), the mean over its
    colours and places."""
    x = torch.arange(GAUSS, device=one.device) - GAUSS // 2
    line = torch.exp(-x.square() / (2 * DEVIATION**2))
    window = (line / line.sum()).expand(3, 1, 1, -1)

    def mean(maps: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(maps, window, groups=3), window.transpose(2, 3), groups=3)

    mu, nu = mean(one), mean(other)
    covariance = mean(one * other) - mu * nu
    variances = mean(one * one) + mean(other * other) - mu * mu - nu * nu
    light = (2 * mu * nu + FLOORS[0]) / (mu * mu + nu * nu + FLOORS[0])
    return (light * (2 * covariance + FLOORS[1]) / (variances + FLOORS[1])).mean((1, 2, 3))


class Likeness(nn.Module):
    """The loss of received pictures: L1, SSIM, distance of features of a frozen network, cross
    entropy of its class.

    recogniser  the frozen network that compares features and names the class
    weights     of L1, of 1 - SSIM, of the distance of features and of the cross entropy

    The network gets a random part of both pictures, at varying sizes: otherwise pictures are fitted
    to this network at one size and place, and other judges do not recognise them.  ``number``
    counts the calls and selects the size out of SIDES.
    """

    def __init__(self, recogniser: PictureRecogniser, weights=(3.0, 3.0, 0.4, 0.1)):
        super().__init__()
        self.recogniser, self.weights = recogniser, weights
        self.number = 0

    def forward(self, shown: Tensor, sent: Tensor, classes: Tensor, low: torch.autocast) -> Tensor:
        """The loss, a scalar.

        shown    received pictures [B, 3, h, w]; values may be outside 0 to 1
        sent     originals [B, 3, h, w]
        classes  [B] int64 of the recogniser's classes; -1: not known to it, without cross entropy
        low      autocast in which features are computed

        The random part is drawn by Torch's generator.
        """
        pixel, structure, features, named = self.weights
        off = shown - sent
        loss = pixel * (off.abs().mean() + PATCHES * F.avg_pool2d(off, PATCH).abs().mean())
        loss = loss + structure * (1 - structural_similarity(shown, sent).mean())
        side = SIDES[self.number % len(SIDES)]
        self.number += 1
        net, part = self.recogniser.features, _part(sent.shape[-1])
        with low:
            with torch.no_grad():
                originals = net.stage_maps(as_input(sent[..., *part], side))
            maps = net.stage_maps(as_input(shown.clamp(-0.1, 1.1)[..., *part], side))
            logits = self.recogniser(maps[-1])
        maps, originals = ([each.float() for each in some] for some in (maps, originals))
        loss = loss + features * distance(maps, originals).mean()
        known = classes >= 0
        if known.any():
            entropy = F.cross_entropy(logits.float()[known], classes[known], label_smoothing=0.05)
            loss = loss + named * entropy
        return loss


def _part(side: int) -> tuple[slice, slice]:
    """Rows and columns of a square part, drawn by Torch's generator."""
    size, top, left = torch.rand(3).tolist()
    size = round(side * (LEAST + (1 - LEAST) * size))
    return tuple(slice(start := int(d * (side - size + 1)), start + size) for d in (top, left))
