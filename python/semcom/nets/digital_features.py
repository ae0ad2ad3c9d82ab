# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The semantic features of pilot_ave_plus, quantised, over CRC, LDPC and QAM: what analogue symbols
are set beside.

    features -> latent of the clip -> residual vector quantiser -> bits -> block code -> symbols

A terminal's clip is one vector, the latents of its seconds one behind the other.  Each stage of the
quantiser names one of 256 vectors for what the stages before it left over (Juang and Gray, 1982),
so that any number of stages is a code of its own: 8 bits a stage, whatever rate is asked for.  The
receiver knows how many bits a clip has, and which of its blocks failed: such a terminal is left out
of the decision.  The video terminal hears nobody; on ave28 the sidelink changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from ..base.errors import SemcomError
from ..phy.coding import BlockCode
from .attention import GuidedAttention
from .configs import DigitalFeaturesConfig
from .layers import dense, init_relu
from .pilot_ave_plus import Presence
from .spans import EventSpan
from .system import Item, System, feature_sizes
from .topology import Terminal, Topology

STAGE_BITS = 8
SUBSPACE = 40  # dimensions in which a stage's vectors lie: those of most variance
ROUNDS = 8  # of k-means
SURE = 5.0  # of the level of a rate: log2(stages) / SURE


@dataclass(frozen=True)
class DigitalFeaturesSettings:
    """bits of a clip that each terminal sends, a multiple of 8; the others: BlockCode's."""

    bits: int = 64
    code: str = "1/2"
    length: int = 648
    modulation: str = "qpsk"
    repetition: int = 1


class Quantiser(nn.Module):
    """A residual vector quantiser of vectors [B, D]."""

    def __init__(self, dim: int, stages: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("books", torch.zeros(stages, 2**STAGE_BITS, dim))

    @torch.no_grad()
    def fit(self, vectors: torch.Tensor) -> None:
        """Learn the books from vectors [N, D], stage by stage, each by k-means of what is left, in
        the subspace that holds most of it."""
        self.mean.copy_(vectors.mean(0))
        left = vectors - self.mean
        for book in self.books:
            axes = torch.linalg.eigh(left.T @ left)[1][:, -SUBSPACE:]
            book.copy_(k_means(left @ axes, len(book)) @ axes.T)
            left = left - book[nearest(left, book)]

    def encode(self, vectors: torch.Tensor, stages: int) -> torch.Tensor:
        """Vectors [B, D] -> numbers [B, stages] int64 of 0 to 255."""
        left, numbers = vectors - self.mean, []
        for book in self.books[:stages]:
            numbers.append(nearest(left, book))
            left = left - book[numbers[-1]]
        return torch.stack(numbers, 1)

    def decode(self, numbers: torch.Tensor) -> torch.Tensor:
        """Numbers [B, stages] -> vectors [B, D]."""
        parts = [book[column] for book, column in zip(self.books, numbers.unbind(1), strict=False)]
        return self.mean + torch.stack(parts).sum(0)

    def forward(self, vectors: torch.Tensor, stages: torch.Tensor) -> torch.Tensor:
        """What arrives of vectors [B, D] at ``stages`` [B] stages each; more than there are: the
        vectors themselves.  Gradients go straight through."""
        left = (vectors - self.mean).detach()
        for number, book in enumerate(self.books):
            used = ((stages > number) & (stages <= len(self.books)))[:, None]
            left = left - book[nearest(left, book)] * used
        whole = (stages > len(self.books))[:, None]
        return vectors - torch.where(whole, 0.0, left)


def nearest(vectors: torch.Tensor, book: torch.Tensor) -> torch.Tensor:
    """Number of the vector of ``book`` [K, D] that is nearest to each of [B, D]."""
    return (book.square().sum(1) - 2 * vectors @ book.T).argmin(1)


def k_means(vectors: torch.Tensor, count: int) -> torch.Tensor:
    """``count`` centres [K, d] of vectors [N, d] (Lloyd); an empty one is drawn again."""
    centres = vectors[torch.randperm(len(vectors))[:count]].clone()
    if len(centres) < count:
        centres = centres[torch.randint(len(centres), (count,))].clone()
    for _ in range(ROUNDS):
        which = nearest(vectors, centres)
        number = torch.bincount(which, minlength=count)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, which, vectors)
        drawn = vectors[torch.randint(len(vectors), (count,))]
        centres = torch.where(number > 0, sums / number.clamp_min(1), drawn)
    return centres


class FeatureTerminal(nn.Module):
    """Features of a clip [B, T, d] to its latent [B, T h] of unit mean square."""

    def __init__(self, dim: int, config: DigitalFeaturesConfig):
        super().__init__()
        self.semantic = dense(dim, config.hidden, dropout=config.dropout)
        self.latent = nn.Linear(config.hidden, config.latent)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        latent = self.latent(self.semantic(features)).flatten(1)
        return latent / latent.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)


class FeatureDecoder(nn.Module):
    """A terminal's latent, as it arrived, to features and to evidence for each event."""

    def __init__(self, config: DigitalFeaturesConfig, events: int):
        super().__init__()
        self.latent = config.latent
        self.layer = dense(config.latent + 1, config.hidden, dropout=config.dropout)
        self.events = nn.Linear(config.hidden, events)
        self.gain = nn.Parameter(torch.zeros(2))

    def forward(self, latent: torch.Tensor, level: torch.Tensor, came: torch.Tensor):
        """latent [B, T h], level [B] of its rate, came [B] bool -> features [B, T, hidden] and
        evidence [B, T, events], both zero of what did not come."""
        rows = latent.unflatten(1, (-1, self.latent))
        told = level[:, None, None].expand(*rows.shape[:2], 1)
        here = came[:, None, None].to(rows.dtype)
        features = self.layer(torch.cat([rows, told], -1)) * here
        weight = (self.gain[0] + self.gain[1] * level).exp()[:, None, None]
        return features, self.events(features) * weight * here


class DigitalFeatures(System, nn.Module):
    """An audio terminal and a video terminal that send bits, and the receiver of both."""

    name = "digital_features"
    loss = "single_stream"
    Config = DigitalFeaturesConfig
    Settings = DigitalFeaturesSettings
    full_topology = topology = Topology((Terminal("audio", "audio"), Terminal("video", "visual")))
    terminals = topology.names

    def __init__(self, config: DigitalFeaturesConfig, classes: tuple[str, ...] | list[str]):
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.attention = GuidedAttention(
            config.visual_dim, config.attention_hidden, config.attention_hidden, config.heads
        )
        dims = {"audio": config.audio_dim, "video": config.heads * config.visual_dim}
        events = len(self.classes) - 1
        self.encoders = nn.ModuleDict({k: FeatureTerminal(d, config) for k, d in dims.items()})
        self.quantisers = nn.ModuleDict(
            {k: Quantiser(config.seconds * config.latent, config.stages) for k in dims}
        )
        self.decoders = nn.ModuleDict({k: FeatureDecoder(config, events) for k in dims})
        self.presence = Presence(len(dims) * config.hidden, config)
        self.span = EventSpan(len(dims))
        self.apply(init_relu)
        for layer in (*(d.events for d in self.decoders.values()), self.presence.score):
            nn.init.normal_(layer.weight, std=0.02)  # the receiver starts out undecided
        self.configure(DigitalFeaturesSettings())

    def configure(self, settings: DigitalFeaturesSettings) -> None:
        """Take settings; SemcomError for those that mean nothing."""
        most = STAGE_BITS * self.config.stages
        if not 0 < settings.bits <= most or settings.bits % STAGE_BITS:
            raise SemcomError(
                f"bits {settings.bits}: expected a multiple of {STAGE_BITS}, {STAGE_BITS} to {most}"
            )
        self.settings, self.stages = settings, settings.bits // STAGE_BITS
        self.code = BlockCode(
            settings.modulation, settings.code, settings.length, repetition=settings.repetition
        )

    def config_dict(self) -> dict:
        """Configuration as it goes into a checkpoint's header."""
        return asdict(self.config)

    def item(self, terminal: str) -> Item:
        c = self.config
        return np.float32, c.audio_dim if terminal == "audio" else c.height * c.width * c.visual_dim

    @property
    def outcome_item(self) -> Item:
        """Probabilities of the classes in a second, background last."""
        return np.float32, len(self.classes)

    def payload(self, terminal: str, items: int) -> int:
        return self.code.symbols(self.settings.bits)

    def sizes(self) -> dict:
        c = self.config
        return {
            "classes": len(self.classes),
            "audio features": (c.audio_dim,),
            "visual features": (c.height, c.width, c.visual_dim),
        }

    def sizes_of(self, clips) -> dict:
        return feature_sizes(clips)

    # --- terminals ---

    def attend(self, visual: torch.Tensor) -> torch.Tensor:
        """Maps [B, T, h, w, d_v], or flat, -> [B, T, heads d_v]."""
        c = self.config
        grid = visual.reshape(*visual.shape[:2], c.height, c.width, c.visual_dim)
        return self.attention(grid, None)[0]

    def send(self, terminal: str, taken: torch.Tensor, heard: dict) -> torch.Tensor:
        """audio [B, T, d_a] or visual [B, T, h, w, d_v] (or flat) -> symbols [B, n]."""
        if taken.shape[1] != self.config.seconds:
            raise SemcomError(
                f"{self.name}: a clip of {taken.shape[1]} s, made for {self.config.seconds} s; "
                "send longer films, or clips of that length"
            )
        features = taken if terminal == "audio" else self.attend(taken)
        latent = self.encoders[terminal](features)
        numbers = self.quantisers[terminal].encode(latent, self.stages)
        sent = [self.code.encode(to_bits(row)) for row in numbers.cpu().numpy()]
        return torch.from_numpy(np.stack(sent)).to(taken.device)

    # --- receiver ---

    def outcome(self, symbols: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Probabilities [B, T, C]."""
        return self.judged(symbols, noise)[0]

    def judged(self, symbols: torch.Tensor, noise: torch.Tensor) -> tuple:
        """And the largest probability of each second, the mean over those of a clip; 0 where
        nothing came."""
        if noise.ndim == 2:
            noise = noise[..., None].expand(symbols.shape)
        latents, came = {}, {}
        for k, place in enumerate(self.topology.names):
            pairs = zip(symbols[:, k].cpu().numpy(), noise[:, k].cpu().numpy(), strict=True)
            found = [self._numbers(*pair) for pair in pairs]
            numbers = torch.tensor(np.array([row for row, _ in found])).to(symbols.device)
            latents[place] = self.quantisers[place].decode(numbers)
            came[place] = torch.tensor([good for _, good in found], device=symbols.device)
        stages = torch.full((len(symbols),), self.stages, device=symbols.device)
        logits, _ = self.decide(latents, dict.fromkeys(latents, stages), came)
        probabilities = logits.softmax(-1)
        heard = torch.stack(list(came.values())).any(0)
        return probabilities, probabilities.amax(-1).mean(-1) * heard

    def _numbers(self, symbols: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, bool]:
        """What a terminal's quantiser said, and whether its block is good."""
        bits, good = self.code.decode(symbols, np.ascontiguousarray(noise))
        own = bits.ravel()[: self.settings.bits]
        return np.packbits(own).astype(np.int64), bool(good.all())

    def decide(self, latents: dict, stages: dict, came: dict):
        """Latents [B, T h] at ``stages`` [B] and whether they came [B], of each terminal -> logits
        [B, T, C], and extras as the training loss wants them."""
        features, evidence = [], []
        for place, decoder in self.decoders.items():
            level = stages[place].clamp(1, self.config.stages + 1).float().log2() / SURE
            own, says = decoder(latents[place], level, came[place])
            features.append(own)
            evidence.append(says)
        logits = self.span(evidence, self.presence(torch.cat(features, -1)))
        return logits, {"evidence": evidence}


def to_bits(numbers: np.ndarray) -> np.ndarray:
    """Numbers of 0 to 255 -> their bits [8 n] uint8."""
    return np.unpackbits(numbers.astype(np.uint8))
