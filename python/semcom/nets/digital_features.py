# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The semantic features of pilot_ave_plus, quantised and sent with CRC, LDPC code and QAM, for
comparison with analogue symbols.

    features -> latent of the clip -> residual vector quantiser -> bits -> block code -> symbols

A terminal's clip is one vector, the concatenated latents of its seconds.  Each stage of the
quantiser codes the residual of the stages before it by one of 256 vectors (Juang and Gray, 1982): 8
bits per stage, so that the first bits of a clip are a coarser code by themselves, at any rate.  A
clip that is longer than a block is sent in several; the bits before the first failed block are
used, and a terminal without any is left out of the decision.  The video terminal does not listen to
the audio terminal: on ave28 the sidelink makes no difference.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from ..base.errors import SemcomError
from ..phy.coding import BlockCode
from .attention import GuidedAttention
from .calibration import Calibration
from .configs import DigitalFeaturesConfig
from .layers import dense, init_relu
from .pilot_ave_plus import Presence
from .spans import EventSpan
from .system import Item, System, feature_sizes
from .topology import Terminal, Topology

STAGE_BITS = 8
SUBSPACE = 40  # dimensions of the subspace of a stage's vectors, that of largest variance
ROUNDS = 8  # of k-means


@dataclass(frozen=True)
class DigitalFeaturesSettings:
    """bits    bits of a clip that each terminal sends, a multiple of 8

    The other fields are those of BlockCode.
    """

    bits: int = 64
    code: str = "1/2"
    length: int = 648
    modulation: str = "qpsk"
    repetition: int = 1


class Quantiser(nn.Module):
    """A residual vector quantiser of vectors [B, D].

    The 256 vectors of a stage lie in a subspace of their own: some thousand training clips are too
    few to fit that many vectors in all D dimensions, and it saves two thirds of the parameters.
    """

    def __init__(self, dim: int, stages: int):
        super().__init__()
        rank = min(SUBSPACE, dim)
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("axes", torch.zeros(stages, rank, dim))
        self.register_buffer("places", torch.zeros(stages, 2**STAGE_BITS, rank))

    def book(self, stage: int) -> torch.Tensor:
        """The vectors of a stage, [256, D]."""
        return self.places[stage] @ self.axes[stage]

    @torch.no_grad()
    def fit(self, vectors: torch.Tensor) -> None:
        """Fit the codebooks to vectors [N, D], stage by stage, by k-means of the residuals in their
        subspace of largest variance."""
        self.mean.copy_(vectors.mean(0))
        left = vectors - self.mean
        for stage, (axes, places) in enumerate(zip(self.axes, self.places, strict=True)):
            axes.copy_(torch.linalg.eigh(left.T @ left)[1][:, -len(axes) :].T)
            places.copy_(k_means(left @ axes.T, len(places)))
            book = self.book(stage)
            left = left - book[nearest(left, book)]

    def encode(self, vectors: torch.Tensor, stages: int) -> torch.Tensor:
        """Vectors [B, D] -> codes [B, stages] int64, 0 to 255."""
        left, numbers = vectors - self.mean, []
        for stage in range(stages):
            book = self.book(stage)
            numbers.append(nearest(left, book))
            left = left - book[numbers[-1]]
        return torch.stack(numbers, 1)

    def decode(self, numbers: torch.Tensor, came: torch.Tensor) -> torch.Tensor:
        """Codes [B, stages], of which the first ``came`` [B] were received -> vectors [B, D]."""
        found = self.mean.expand(len(numbers), -1)
        for stage, column in enumerate(numbers.unbind(1)):
            found = found + self.book(stage)[column] * (came > stage)[:, None]
        return found


def nearest(vectors: torch.Tensor, book: torch.Tensor) -> torch.Tensor:
    """Number of the vector of ``book`` [K, D] that is nearest to each of [B, D]."""
    return (book.square().sum(1) - 2 * vectors @ book.T).argmin(1)


def k_means(vectors: torch.Tensor, count: int) -> torch.Tensor:
    """``count`` centres [count, d] of vectors [N, d] by Lloyd's algorithm; a centre without vectors
    is drawn again."""
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
    """A terminal's encoder: features of a clip [B, T, d] -> latent [B, T h] with unit mean
    square."""

    def __init__(self, dim: int, config: DigitalFeaturesConfig):
        super().__init__()
        self.semantic = dense(dim, config.hidden, dropout=config.dropout)
        self.latent = nn.Linear(config.hidden, config.latent)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, T, d] -> latent [B, T h] with unit mean square."""
        latent = self.latent(self.semantic(features)).flatten(1)
        return latent / latent.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)


class FeatureDecoder(nn.Module):
    """Decodes a terminal's received latent to features and to evidence for each event."""

    def __init__(self, config: DigitalFeaturesConfig, events: int):
        super().__init__()
        self.latent = config.latent
        self.layer = dense(config.latent, config.hidden, dropout=config.dropout)
        self.events = nn.Linear(config.hidden, events)

    def forward(self, latent: torch.Tensor, came: torch.Tensor):
        """latent [B, T h], came [B] bool -> features [B, T, hidden] and evidence [B, T, events],
        both zero for frames that did not come."""
        here = came[:, None, None].to(latent.dtype)
        features = self.layer(latent.unflatten(1, (-1, self.latent))) * here
        return features, self.events(features) * here


class DigitalFeatures(System, nn.Module):
    """An audio terminal and a video terminal that send bits, and the receiver of both."""

    name = "digital_features"
    loss = "single_stream"
    calibration = Calibration()  # of the probabilities, from the header of the weights
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
            nn.init.normal_(layer.weight, std=0.02)  # initially all events are equally likely
        most = STAGE_BITS * config.stages
        self.configure(DigitalFeaturesSettings(bits=min(DigitalFeaturesSettings.bits, most)))

    def configure(self, settings: DigitalFeaturesSettings) -> None:
        """Set the settings; SemcomError for a number of bits that the network cannot send."""
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
        """A second's features: float32, d_a numbers at the audio terminal, h w d_v at the video
        terminal."""
        c = self.config
        return np.float32, c.audio_dim if terminal == "audio" else c.height * c.width * c.visual_dim

    @property
    def outcome_item(self) -> Item:
        """Probabilities of the classes in a second, background last."""
        return np.float32, len(self.classes)

    def payload(self, terminal: str, items: int) -> int:
        """Symbols of ``settings.bits`` bits behind the channel code, for a clip of any length."""
        return self.code.symbols(self.settings.bits)

    def sizes(self) -> dict:
        """Number of classes, and the shapes of a second's audio and visual features."""
        c = self.config
        return {
            "classes": len(self.classes),
            "audio features": (c.audio_dim,),
            "visual features": (c.height, c.width, c.visual_dim),
        }

    def sizes_of(self, clips) -> dict:
        """The same quantities of the set ``clips``."""
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
                f"{self.name}: a clip of {taken.shape[1]} s, expected {self.config.seconds} s; "
                "send clips or films of that length"
            )
        features = taken if terminal == "audio" else self.attend(taken)
        latent = self.encoders[terminal](features)
        numbers = self.quantisers[terminal].encode(latent, self.stages)
        sent = [self.code.encode(to_bits(row)) for row in numbers.cpu().numpy()]
        return torch.from_numpy(np.stack(sent)).to(taken.device)

    # --- receiver ---

    def outcome(self, symbols: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Detected symbols [B, K, n] and noise [B, K] or [B, K, n] -> probabilities [B, T, C]."""
        return self.judged(symbols, noise)[0]

    def judged(self, symbols: torch.Tensor, noise: torch.Tensor) -> tuple:
        """As :meth:`outcome`, and the mean [B] over a clip's seconds of the largest probability; 0
        if nothing was received."""
        if noise.ndim == 2:
            noise = noise[..., None].expand(symbols.shape)
        latents, came = {}, {}
        for k, place in enumerate(self.topology.names):
            pairs = zip(symbols[:, k].cpu().numpy(), noise[:, k].cpu().numpy(), strict=True)
            rows = zip(*(self.numbers(*pair) for pair in pairs), strict=True)
            numbers, stages = (torch.tensor(np.array(row)).to(symbols.device) for row in rows)
            latents[place] = self.quantisers[place].decode(numbers, stages)
            came[place] = stages > 0
        probabilities = self.calibration(self.decide(latents, came)[0], noise)
        heard = torch.stack(list(came.values())).any(0)
        return probabilities, probabilities.amax(-1).mean(-1) * heard

    def numbers(self, symbols: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, int]:
        """The codes [stages] int64 in a terminal's frame [n], and the number of stages before the
        first failed block."""
        bits, good = self.code.decode(symbols, np.ascontiguousarray(noise))
        whole = len(good) if good.all() else int(np.argmin(good))
        numbers = np.packbits(bits.ravel()[: self.settings.bits]).astype(np.int64)
        return numbers, min(self.stages, whole * bits.shape[1] // STAGE_BITS)

    def decide(self, latents: dict, came: dict):
        """Latents [B, T h] of each terminal and whether they came [B] -> logits [B, T, C] and the
        extras of the training loss."""
        found = [decoder(latents[k], came[k]) for k, decoder in self.decoders.items()]
        features, evidence = zip(*found, strict=True)
        logits = self.span(list(evidence), self.presence(torch.cat(features, -1)))
        return logits, {"evidence": list(evidence)}


def to_bits(numbers: np.ndarray) -> np.ndarray:
    """Numbers of 0 to 255 -> their bits [8 n] uint8."""
    return np.unpackbits(numbers.astype(np.uint8))
