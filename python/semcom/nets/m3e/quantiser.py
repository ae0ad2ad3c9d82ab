# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Residual vector quantiser: the codebooks of both VQGANs.

Each stage codes the residual of the stages before it (Zeghidour et al., SoundStream, 2021,
algorithm 1); codes follow the latents by moving averages (van den Oord et al. 2017, appendix A.1),
and unused codes are replaced by latents of the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

DECAY = 0.98  # of the moving averages per batch
UNUSED = 0.05  # latents per batch below which a code is replaced


class ResidualQuantiser(nn.Module):
    """A residual vector quantiser with learned codebooks.

    dim     size of a latent
    codes   number of codes of a stage
    stages  number of stages
    """

    def __init__(self, dim: int, codes: int, stages: int):
        super().__init__()
        self.dim, self.codes, self.stages = dim, codes, stages
        self.register_buffer("books", 0.1 * torch.randn(stages, codes, dim))
        # only training needs the moving averages
        self.register_buffer("count", torch.ones(stages, codes), persistent=False)
        self.register_buffer("sums", self.books.clone(), persistent=False)

    def encode(self, latents: Tensor, stages: int | None = None) -> Tensor:
        """Latents [..., dim] -> codes [..., stages] int64."""
        rest, found = latents, []
        for book in self.books[: self.stages if stages is None else stages]:
            code = nearest(rest, book)
            found.append(code)
            rest = rest - book[code]
        return torch.stack(found, -1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [..., n] of the first n stages -> latents [..., dim]."""
        parts = [book[code] for book, code in zip(self.books, codes.unbind(-1), strict=False)]
        return torch.stack(parts).sum(0)

    def forward(self, latents: Tensor, used: Tensor) -> tuple[Tensor, Tensor]:
        """Latents [B, N, dim] quantised with ``used`` [B] stages (0 to all), with a
        straight-through gradient, and the commitment loss; in training the codebooks are
        updated."""
        rest, told = latents.float(), torch.zeros_like(latents, dtype=torch.float32)
        commitment = latents.new_zeros((), dtype=torch.float32)
        for stage, book in enumerate(self.books):
            own = used > stage
            if not own.any():
                break
            with torch.no_grad():
                code = nearest(rest[own], book)
                if self.training:
                    self._follow(stage, rest[own].detach().flatten(0, 1), code.flatten())
            part = self.books[stage][code]
            commitment = commitment + (rest[own] - part).square().mean()
            rest, told = rest.clone(), told.clone()
            told[own] = told[own] + part
            rest[own] = rest[own] - part
        return latents + (told - latents).detach(), commitment

    @torch.no_grad()
    def _follow(self, stage: int, latents: Tensor, code: Tensor) -> None:
        """Update the codes of a stage by the latents [n, dim] that they code."""
        one = torch.zeros(self.codes).index_add_(0, code, torch.ones(len(code)))
        sums = torch.zeros(self.codes, self.dim).index_add_(0, code, latents)
        self.count[stage].lerp_(one, 1 - DECAY)
        self.sums[stage].lerp_(sums, 1 - DECAY)
        lost = self.count[stage] < UNUSED
        if lost.any():
            picked = latents[torch.randint(len(latents), (int(lost.sum()),))]
            self.sums[stage][lost], self.count[stage][lost] = picked, 1.0
        self.books[stage] = self.sums[stage] / self.count[stage].clamp_min(1e-5)[:, None]


def nearest(latents: Tensor, book: Tensor) -> Tensor:
    """Number [...] of the code in ``book`` [codes, dim] nearest to each latent [..., dim]."""
    return (latents @ book.T - 0.5 * book.square().sum(1)).argmax(-1)
