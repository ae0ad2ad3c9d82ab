# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Payloads whose seconds have lengths by their content, for nested networks.

A nested network may send any number of a second's first symbols.  A gate at each terminal scores
the seconds of a clip, and those with the highest scores, the chosen ones, get more symbols than the
others.  A frame has a head, the code word (:mod:`semcom.phy.golay`) of which seconds are chosen;
then the first ``few`` symbols of each second; then the following ones of the chosen seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import torch
from torch import nn
from torch.nn import functional as F

from ..base.errors import SemcomError
from ..phy import golay
from .configs import TIMES
from .layers import bound_peak, limit_power, unit_power

SOFTNESS = 0.5  # of the choice in the gradient, in units of the scores


class Gate(nn.Module):
    """Score of each second of a clip from the seconds around it, [B, T, d] -> [B, T]."""

    def __init__(self, dim: int, hidden: int = 32):
        super().__init__()
        self.first = nn.Conv1d(dim, hidden, 3, padding=1)
        self.last = nn.Conv1d(hidden, 1, 3, padding=1, bias=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.last(F.relu(self.first(features.mT)))[:, 0]


def choose(scores: torch.Tensor, count: int, training: bool = False):
    """The seconds of the ``count`` highest scores [B, T]: their places [B, count] in order, and
    weights [B, count] of one.

    In ``training`` noise decides between close scores, count of them drawn without replacement
    (Gumbel top-k: Kool et al., ICML 2019), and the gradient of a weight is that of a sigmoid of the
    score's distance from the choice's threshold (straight through: Bengio et al., arXiv 1308.3432).
    """
    if training:
        scores = scores - torch.empty_like(scores).exponential_().log()
    ranked = scores.sort(dim=1, descending=True, stable=True)
    places = ranked.indices[:, :count].sort(dim=1).values
    chosen = scores.gather(1, places)
    if not training or not 0 < count < scores.shape[1]:
        return places, torch.ones_like(chosen)
    threshold = ranked.values[:, count - 1 : count + 1].mean(1, keepdim=True)
    soft = ((chosen - threshold) / SOFTNESS).sigmoid()
    return places, 1 + soft - soft.detach()


@lru_cache(maxsize=64)
def heads(items: int, count: int) -> torch.Tensor:
    """The possible heads of a clip, [N, 12] bool: ``count`` of the first ``items`` are set."""
    chosen = list(combinations(range(items), count))
    found = torch.zeros(len(chosen), golay.BITS, dtype=torch.bool)
    for row, places in zip(found, chosen, strict=True):
        row[list(places)] = True
    return found


@dataclass(frozen=True)
class LengthsByContent:
    """Lengths of a clip's seconds, and the frame of their symbols.

    few    symbols of a second that is not chosen; a chosen one has TIMES as many
    share  of the seconds that are chosen, rounded to whole seconds
    peak   largest power of a symbol relative to the mean, linear; 0: any
    """

    few: int
    share: float
    peak: float = 0.0

    @property
    def many(self) -> int:
        """Symbols of a chosen second."""
        return TIMES * self.few

    def count(self, items: int) -> int:
        """Number of chosen seconds of a clip of ``items`` seconds."""
        return int(self.share * items + 0.5)

    def size(self, items: int) -> int:
        """Symbols of a clip's frame; SemcomError for a clip longer than a head."""
        if items > golay.BITS:
            raise SemcomError(
                f"by_content {self.share:g}: a clip of {items} s, expected at most {golay.BITS} s; "
                "send shorter clips, or by_content 0"
            )
        return golay.SYMBOLS + self.few * items + (self.many - self.few) * self.count(items)

    def items(self, size: int) -> int:
        """Seconds of the clip whose frame has ``size`` symbols; ValueError if there is none."""
        for items in range(1, golay.BITS + 1):
            if self.size(items) == size:
                return items
        raise ValueError(
            f"a frame of {size} symbols: expected one of by_content {self.share:g} with "
            f"{self.few} symbols per segment, {self.size(1)} to {self.size(golay.BITS)}"
        )

    def pack(self, symbols: torch.Tensor, scores: torch.Tensor, training: bool) -> torch.Tensor:
        """A terminal's symbols [B, T, L] and the scores [B, T] of its gate -> frames [B, n], head
        and payload of unit power; ``training`` as of :func:`choose`."""
        batch, items, _ = symbols.shape
        self.size(items)  # refuses a clip that is too long
        places, weights = choose(scores, self.count(items), training)
        head = F.one_hot(places, golay.BITS).sum(1).bool()
        more = symbols[torch.arange(batch, device=places.device)[:, None], places]
        more = more[..., self.few : self.many] * weights[..., None]
        payload = torch.cat([symbols[..., : self.few].flatten(1), more.flatten(1)], 1)[:, None]
        payload = bound_peak(payload, self.peak) if self.peak else unit_power(payload)
        return torch.cat([golay.encode(head), payload[:, 0]], 1)

    def unpack(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Received frames [..., n] -> symbols [..., T, TIMES few], limited to unit power, with
        zeros where a second has fewer, and the lengths [..., T] float32 of the seconds."""
        items, shape = self.items(frames.shape[-1]), frames.shape[:-1]
        frames = frames.flatten(0, -2)
        possible = heads(items, self.count(items)).to(frames.device)
        head = golay.decode(frames[:, : golay.SYMBOLS], possible)[:, :items]
        payload = limit_power(frames[:, None, golay.SYMBOLS :])[:, 0]
        first = payload[:, : self.few * items].unflatten(1, (items, self.few))
        more = payload.new_zeros(len(payload), items, self.many - self.few)
        more[head] = payload[:, self.few * items :].reshape(-1, self.many - self.few)
        symbols = torch.cat([first, more], 2)
        lengths = torch.where(head, float(self.many), float(self.few))
        return symbols.unflatten(0, shape), lengths.unflatten(0, shape)
