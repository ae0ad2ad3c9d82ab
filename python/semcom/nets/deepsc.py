# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A text link after DeepSC (Xie, Qin, Li, Juang, IEEE Trans. Signal Process. 69, 2021).

Sender: embedding, Transformer encoder (semantic encoder), dense layers (channel encoder) to
complex symbols.  Receiver: dense layers (channel decoder), Transformer (semantic decoder), a
distribution over the vocabulary for every token.  Differences from the paper: sentences have
variable length; the symbols of a sentence are scaled to unit average power (the encoder may give a
rare word more power than a common one); the receiver knows the noise of each symbol; all tokens are
decoded at once with context on both sides.

A frame is a header of 16 symbols (:mod:`semcom.phy.length_code`) that holds the number of tokens,
0 to 63, and their payload, ``symbols`` per token, in order.  63 says that another header and
payload follow, so sentences may have any length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..phy import length_code
from .configs import DeepSCConfig
from .layers import to_complex
from .system import Item, System
from .topology import Terminal, Topology
from .vocabulary import Vocabulary

LONGEST = length_code.LARGEST  # tokens of a part of a sentence
REACH = 16  # distance between tokens from which the attention bias is constant


class Layer(nn.Module):
    """Pre-norm Transformer layer (Xiong et al. 2020) with a learned attention bias for each head
    and distance between tokens (Shaw et al. 2018, Raffel et al. 2020).

    tokens [B, T, d], mask [B, 1, 1, T] additive (0 or -inf) -> [B, T, d]
    """

    def __init__(self, config: DeepSCConfig):
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.before_attention, self.before_dense = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.distance = nn.Parameter(torch.zeros(config.heads, 2 * REACH + 1))
        self.dense = nn.Sequential(
            nn.Linear(width, config.hidden), nn.GELU(), nn.Linear(config.hidden, width)
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.drop(self._attend(self.before_attention(tokens), mask))
        return tokens + self.drop(self.dense(self.before_dense(tokens)))

    def _attend(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        place = torch.arange(tokens.shape[1], device=tokens.device)
        offset = (place[None] - place[:, None]).clamp(-REACH, REACH) + REACH
        parts = self.project(tokens).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        bias = (self.distance[:, offset] + mask).to(query.dtype)
        mixed = F.scaled_dot_product_attention(query, key, value, bias)
        return self.output(mixed.transpose(1, 2).flatten(2))


def positions(count: int, width: int, device) -> torch.Tensor:
    """Sine and cosine of the tokens' places (Vaswani et al. 2017), [count, width] float32."""
    place = torch.arange(count, device=device, dtype=torch.float32)
    rate = torch.exp(
        torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / max(1, width))
    )
    angle = place[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


def valid(lengths: torch.Tensor, count: int) -> torch.Tensor:
    """Mask [B, count] bool of the places within each length [B]."""
    return torch.arange(count, device=lengths.device) < lengths[:, None]


def attention_mask(lengths: torch.Tensor, count: int) -> torch.Tensor:
    """Additive mask [B, 1, 1, count] float32: 0 within the lengths [B], -inf beyond."""
    inside = valid(lengths, count)[:, None, None]
    return torch.zeros_like(inside, dtype=torch.float32).masked_fill(~inside, -math.inf)


@dataclass
class Reading:
    """The decoded content of a frame.

    tokens    token numbers
    accuracy  expected share of correct tokens
    exact     probability that all tokens are correct; both follow from the posteriors of lengths
              and tokens (:meth:`DeepSC.confidence`)
    """

    tokens: list[int] = field(default_factory=list)
    accuracy: float = 1.0
    exact: float = 1.0

    def add(self, tokens: list[int], accuracy: float, exact: float) -> None:
        """Append the next part of the sentence."""
        count = len(self.tokens) + len(tokens)
        known = self.accuracy * len(self.tokens) + accuracy * len(tokens)
        self.accuracy = known / count if count else accuracy
        self.exact *= exact
        self.tokens += tokens


class DeepSC(System, nn.Module):
    """The whole system: one terminal, ``text``, that encodes sentences in UTF-8.

    classes  entries of the vocabulary, see :class:`Vocabulary`
    """

    name = "deepsc"
    Config = DeepSCConfig
    full_topology = topology = Topology((Terminal("text", "text"),))
    ragged = True

    def __init__(self, config: DeepSCConfig, classes: tuple[str, ...] | list[str]):
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.vocabulary = Vocabulary(self.classes)
        width, reals = config.width, 2 * config.symbols
        self.embedding = nn.Embedding(len(self.classes), width)
        self.encoder = nn.ModuleList(Layer(config) for _ in range(config.encoder_layers))
        self.encoded = nn.LayerNorm(width)
        self.channel_encoder = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Linear(width, reals)
        )
        # each symbol's real and imaginary part, and its reliability
        self.channel_decoder = nn.Sequential(
            nn.Linear(3 * config.symbols, config.hidden), nn.GELU(), nn.Linear(config.hidden, width)
        )
        self.decoder = nn.ModuleList(Layer(config) for _ in range(config.decoder_layers))
        self.decoded = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(len(self.classes)))
        self.register_buffer("temperature", torch.ones(()))  # of the posteriors in a Reading
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    # --- sentences to frames and back ---

    def item(self, terminal: str) -> Item:
        """A byte of a sentence in UTF-8."""
        return np.uint8, 1

    @property
    def outcome_item(self) -> Item:
        """A byte of a sentence in UTF-8."""
        return np.uint8, 1

    def payload(self, terminal: str, items: int) -> int:
        """Most symbols of a frame of ``items`` bytes: a token per byte."""
        return self.symbols_of(items)

    def payload_of(self, terminal: str, taken: np.ndarray) -> int:
        """Symbols of the frame of a sentence in UTF-8, [n] uint8."""
        return self.symbols_of(len(self.vocabulary.encode(_sentence(taken))))

    def symbols_of(self, tokens: int) -> int:
        """Symbols of a frame, headers and payload, of a sentence with ``tokens`` tokens."""
        return length_code.SYMBOLS * (tokens // LONGEST + 1) + self.config.symbols * tokens

    def send(self, terminal: str, taken, heard: dict) -> list[torch.Tensor]:
        """Sentences as arrays of uint8 -> frames [n] complex64; bytes that are not UTF-8 become
        U+FFFD."""
        return self.transmit([self.vocabulary.encode(_sentence(text)) for text in taken])

    def outcome(self, symbols, noise) -> list[torch.Tensor]:
        """Detected symbols [1, n] and noise [1] or [1, n] of each frame -> its sentence in UTF-8,
        uint8; a space if no word was decoded."""
        return self.judged(symbols, noise)[0]

    def judged(self, symbols, noise) -> tuple:
        """As :meth:`outcome`, and the expected share [B] of correct tokens."""
        rows = [row[0] for row in symbols]
        spread = [n[0].expand(len(row)) for row, n in zip(rows, noise, strict=True)]
        readings = self.receive(rows, spread)
        texts = [self.vocabulary.decode(reading.tokens) or " " for reading in readings]
        return (
            [torch.tensor(list(text.encode()), dtype=torch.uint8) for text in texts],
            torch.tensor([reading.accuracy for reading in readings]),
        )

    def transmit(self, sentences: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """Token numbers of each sentence -> frames [n] complex64."""
        device = self.bias.device
        cut = [parts(tokens) for tokens in sentences]
        flat = [part for some in cut for part in some]
        lengths = torch.tensor([len(part) for part in flat], device=device)
        tokens = torch.zeros(len(flat), max(1, int(lengths.max())), dtype=torch.int64)
        for row, part in zip(tokens, flat, strict=True):
            row[: len(part)] = torch.tensor(part, dtype=torch.int64)
        headers = length_code.encode(lengths)
        # a part without tokens is only a header
        payload = self.encode(tokens.to(device), lengths.clamp_min(1))
        sent = [
            torch.cat([header, symbols[: len(part) * self.config.symbols]])
            for header, symbols, part in zip(headers, payload, flat, strict=True)
        ]
        ends = np.cumsum([len(some) for some in cut])
        return [torch.cat(sent[e - len(some) : e]) for e, some in zip(ends, cut, strict=True)]

    def receive(
        self, frames: Sequence[torch.Tensor], noise: Sequence[torch.Tensor]
    ) -> list[Reading]:
        """Frames [n] and the noise variance [n] of their symbols -> a Reading of each.

        Lengths come only from the headers.  If a length is beyond the end of the frame, the missing
        symbols are zero with noise inf; symbols after a shorter length are ignored.
        """
        readings = [Reading() for _ in frames]
        active, head = dict.fromkeys(range(len(frames)), 0), length_code.SYMBOLS
        while active:
            cut = [_cut(frames[i], noise[i], at, head) for i, at in active.items()]
            lengths, certain = length_code.decode(*map(torch.stack, zip(*cut, strict=True)))
            count = max(1, int(lengths.max())) * self.config.symbols
            cut = [_cut(frames[i], noise[i], at + head, count) for i, at in active.items()]
            some = lengths.clamp_min(1)
            logits = self.decode(*map(torch.stack, zip(*cut, strict=True)), some)
            told = zip(
                active, lengths.tolist(), logits.argmax(-1).tolist(),
                *(figure.tolist() for figure in self.confidence(logits, lengths, certain)),
                strict=True,
            )  # fmt: skip
            following = {}
            for i, length, tokens, accuracy, exact in told:
                readings[i].add(tokens[:length], accuracy, exact)
                end = active[i] + head + length * self.config.symbols
                if length == LONGEST and end < len(frames[i]):
                    following[i] = end
            active = following
        return readings

    # --- tokens to symbols and back ---

    def encode(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """tokens [B, T] int64, lengths [B] int64 in 1..T -> payload [B, T * symbols] complex64.

        The first ``lengths * symbols`` of a row are sent and have unit average power; the rest is
        zero.  Entries of ``tokens`` beyond a sentence's length have no effect.
        """
        count = tokens.shape[1]
        self._check(lengths, count)
        inside = valid(lengths, count)
        width = self.config.width
        features = self.embedding(tokens.where(inside, 0)) * math.sqrt(width)
        features = features + positions(count, width, tokens.device)
        mask = attention_mask(lengths, count)
        for layer in self.encoder:
            features = layer(features, mask)
        reals = self.channel_encoder(self.encoded(features)).float() * inside[..., None]
        power = reals.square().sum((1, 2)) / (lengths * self.config.symbols)
        return to_complex(reals / power.clamp_min(1e-12).sqrt()[:, None, None]).flatten(1)

    def decode(
        self, symbols: torch.Tensor, noise: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Payload [B, n] complex64, its noise variance [B, n], lengths [B] -> logits [B, T, V].

        n = T * config.symbols.  noise 0 means no noise, inf not received.  Logits beyond a row's
        length are undefined.
        """
        features = self.features(symbols, noise, lengths)
        return F.linear(features, self.embedding.weight, self.bias)

    def features(
        self, symbols: torch.Tensor, noise: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Arguments of :meth:`decode` -> the features before its last layer, [B, T, width]."""
        if symbols.shape[-1] % self.config.symbols:
            raise ValueError(
                f"{symbols.shape[-1]} payload symbols: expected a multiple of {self.config.symbols}"
            )
        count = symbols.shape[-1] // self.config.symbols
        self._check(lengths, count)
        known = 1 / (1 + noise)  # MMSE estimate of unit-power symbols, which is always bounded
        clean = torch.view_as_real(torch.where(known > 0, symbols, 0.0) * known).flatten(1)
        inputs = [clean.unflatten(1, (count, -1)), known.unflatten(1, (count, -1))]
        features = self.channel_decoder(torch.cat(inputs, -1))
        features = features + positions(count, self.config.width, symbols.device)
        mask = attention_mask(lengths, count)
        for layer in self.decoder:
            features = layer(features, mask)
        return self.decoded(features)

    def confidence(
        self, logits: torch.Tensor, lengths: torch.Tensor, certain: torch.Tensor | float = 1.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Confidence of decoded sentences from the posterior of each token, with logits divided by
        ``temperature`` (Guo et al. 2017), which training fits on the validation split.

        Input
            logits: [B, T, V];  lengths: [B] int64;  certain: [B], probability of the length
        Output
            accuracy: [B], expected share of correct tokens, certain * mean_t p_t with p_t the
                largest probability of token t
            exact: [B], probability that all are correct, certain * prod_t p_t (errors of tokens
                assumed independent)
        """
        inside = valid(lengths, logits.shape[1])
        best = (logits.float() / self.temperature).log_softmax(-1).amax(-1)
        mean = (best.exp() * inside).sum(1) / lengths.clamp_min(1)
        mean = torch.where(lengths > 0, mean, 1.0)  # without tokens none can be wrong
        return certain * mean, certain * (best * inside).sum(1).exp()

    def _check(self, lengths: torch.Tensor, count: int) -> None:
        low, high = int(lengths.min()), int(lengths.max())
        if low < 1 or high > min(count, LONGEST):
            raise ValueError(f"lengths {low} to {high}: expected 1 to {min(count, LONGEST)} tokens")

    def config_dict(self) -> dict:
        """The configuration as a dict for a checkpoint's header."""
        return asdict(self.config)


def _sentence(text) -> str:
    """The text of UTF-8 bytes; other bytes become U+FFFD."""
    return bytes(np.asarray(text, np.uint8)).decode("utf-8", "replace")


def parts(tokens: Sequence[int]) -> list[list[int]]:
    """A sentence divided into parts of ``LONGEST`` tokens; the last one has fewer, possibly
    none."""
    return [list(tokens[at : at + LONGEST]) for at in range(0, len(tokens) + 1, LONGEST)]


def _cut(symbols, noise, start: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """``count`` symbols and noise variances from ``start`` on; missing ones are zero with noise
    inf."""
    symbols, noise = symbols[start : start + count], noise[start : start + count]
    missing = count - len(symbols)
    return F.pad(symbols, (0, missing)), F.pad(noise, (0, missing), value=math.inf)
