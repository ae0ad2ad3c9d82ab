# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Receivers of pilot_ave: channel decoders, followed by a semantic decoder."""

from __future__ import annotations

import torch
from torch import nn

from .attention import CSEA, CSPA, SpatialHearing, SpatialTold
from .coattention import CoAttention, Streams
from .configs import CELLS, CoAttentionConfig, PilotAveConfig
from .layers import (
    PSP,
    BiLSTM,
    TemporalConv,
    beside,
    dense,
    limit_power,
    shrink,
    to_real,
)
from .localisers import (
    AVEL,
    VSCG,
    Fusion,
    PSPLocaliser,
    RecurrentLocaliser,
)


class Recurrent(nn.Module):
    """BiLSTM over the segments, [B, T, common_dim] -> [B, T, 2 recurrent]; recurrent 0:
    identity."""

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.lstm = None
        if config.recurrent:
            self.lstm = nn.LSTM(
                config.common_dim, config.recurrent, batch_first=True, bidirectional=True
            )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features if self.lstm is None else self.lstm(features)[0]


class ChannelDecoders(nn.Module):
    """Channel decoders from detected symbols to features of each terminal, [B, T, common_dim].

    Each stream is first scaled to its MMSE estimate and limited to unit power.
    """

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.terminals = config.terminals.split("+")
        self.decoders = nn.ModuleDict()
        for name in self.terminals:
            sizes = 2 * config.symbols, *[getattr(config, f"{name}_decoder")] * 2
            drop, kernel = config.dropout, config.video_kernel
            if name == "audio":
                decoder = dense(*sizes, dropout=drop)
            else:
                decoder = TemporalConv(*sizes, kernel=kernel, dropout=drop)
            dim = config.picture_dim if name == "video" else 0
            dim = dim or config.common_dim
            deep = nn.Sequential(decoder, nn.Linear(sizes[-1], dim, bias=False))
            self.decoders[name] = beside(deep, sizes[0], dim, config.linear)
        self.drop = nn.Dropout(config.dropout)

    def features(self, symbols: torch.Tensor, no_eff: torch.Tensor) -> tuple[list, list]:
        """symbols [B, K, T, L], no_eff [B, K] -> two lists of K tensors [B, T, common_dim] (the
        picture: picture_dim): before and after dropout."""
        clean = received(symbols, no_eff)
        whole, kept = [], []
        for k, name in enumerate(self.terminals):
            whole.append(self.decoders[name](clean[:, k]))
            kept.append(self.drop(whole[-1]))
        return whole, kept

    def lines(self):
        """With config.linear: the audio decoder, the linear layer in parallel to the video decoder,
        and the layers to which it is parallel."""
        audio, video = self.decoders.values()
        return audio, video.line, [video.deep]


def received(symbols: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
    """Detected symbols [B, K, T, L] as input of the decoders, [B, K, T, 2 L] real."""
    return to_real(limit_power(shrink(symbols, no_eff)))


class PSPReceiver(ChannelDecoders):
    """The paper's receiver: BiLSTMs (if any), PSP and the classifier.

    With one terminal there is no PSP: the recurrent features go to the classifier.
    """

    def __init__(self, config: PilotAveConfig, classes: int):
        super().__init__(config)
        self.recurrent = nn.ModuleDict({name: Recurrent(config) for name in self.terminals})
        features = 2 * config.recurrent or config.common_dim
        self.fusion = PSP(features, config.dropout) if len(self.terminals) == 2 else None
        self.classifier = dense(features, config.classifier, classes, last_relu=False)

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """symbols [B, K, T, L], no_eff [B, K] -> logits [B, T, C] and extras: "features", the
        semantic features of each terminal, [B, T, d]."""
        heard = zip(self.terminals, self.features(symbols, no_eff)[1], strict=True)
        features = [self.recurrent[name](x) for name, x in heard]
        if self.fusion is not None:
            features = list(self.fusion(*features))
        fused = torch.stack(features).mean(0)
        return self.classifier(self.drop(fused)), {"features": features}


class LocaliserReceiver(ChannelDecoders):
    """A receiver with the layers of a localiser after its attention: BiLSTMs and
    :class:`Fusion`."""

    localiser: type[RecurrentLocaliser]

    def __init__(self, config: PilotAveConfig, classes: int):
        super().__init__(config)
        units, common = config.recurrent or config.common_dim // 2, config.common_dim
        sizes = common, config.picture_dim or common
        self.recurrent = nn.ModuleList(BiLSTM(size, units) for size in sizes)
        kind, own = self.localiser, dict(dropout=config.dropout, setting=config.setting)
        loss = kind.losses[config.setting]
        own = kind.Config(classifier=config.classifier, **own)
        self.fusion = Fusion(own, loss, classes, 2 * units)

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """symbols [B, K, T, L], no_eff [B, K] -> logits [B, T, C] and the localiser's extras;
        "given": the inputs of its BiLSTMs, as of :meth:`Localiser.given`."""
        given, kept = self.features(symbols, no_eff)
        heard = zip(self.recurrent, kept, strict=True)
        logits, extras = self.fusion(*(layer(x) for layer, x in heard))
        return logits, {"given": given, **extras}


class AVELReceiver(LocaliserReceiver):
    """Of :class:`AVEL`."""

    localiser = AVEL


class ZhouReceiver(LocaliserReceiver):
    """Of :class:`PSPLocaliser`."""

    localiser = PSPLocaliser


class VSCGReceiver(LocaliserReceiver):
    """Of :class:`VSCG`."""

    localiser = VSCG


PARTS = ("attended", "pooled", "fusion")  # parts of co-attention that the video terminal sends


class CoAttentionReceiver(nn.Module):
    """A receiver with the parts of co-attention after the link: CSPA's audio attention, CSEA, both
    streams.

    spatial "terminal": the spatial attention is at the video terminal; three linear layers after
    the channel decoder restore the attended picture, the mean of the picture, and F^av Z.
    "weights": the same with the audio weights in place of F^av Z.  "map": CSPA attends to the 3x3
    regions that were sent.
    """

    def __init__(self, config: PilotAveConfig, classes: int):
        super().__init__()
        dim, hidden = config.common_dim, config.attention_hidden
        picture = config.picture_dim or dim
        self.on_map = config.spatial == "map"
        reals = 2 * config.symbols
        deep = dense(reals, config.audio_decoder, dim, dropout=config.dropout)
        self.audio_decoder = beside(deep, reals, dim, config.linear)
        spatial = dim, config.attention_width, hidden
        if self.on_map:
            of_cell = reals // CELLS**2
            self.video_decoder = dense(
                of_cell, config.video_decoder, picture, dropout=config.dropout
            )
            self.spatial = CSPA(picture, *spatial)
        else:
            self.video_decoder = TemporalConv(
                2 * config.symbols,
                *[config.video_decoder] * 2,
                kernel=config.video_kernel,
                dropout=config.dropout,
            )
            parts = dict(zip(PARTS, (picture, picture, hidden), strict=True))
            self.parts = nn.ModuleDict(
                {name: nn.Linear(config.video_decoder, n) for name, n in parts.items()}
            )
            self.line = nn.Linear(reals, sum(parts.values())) if config.linear else None
            told = SpatialTold if config.spatial == "weights" else SpatialHearing
            self.spatial = told(*spatial)
        self.semantic = CSEA(picture, dim)
        sizes = CoAttentionConfig(
            dropout=config.dropout,
            classifier=config.classifier,
            recurrent=config.recurrent or dim // 2,
            setting=config.setting,
        )
        self.streams = Streams(dim, picture, sizes, classes)

    def forward(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """symbols [B, K, T, L], no_eff [B, K] -> logits [B, T, C] and the extras of
        :class:`Streams`."""
        heard, seen = received(symbols, no_eff).unbind(1)
        audio = self.audio_decoder(heard)
        look = self.look_at_map if self.on_map else self.take_parts
        spatial, pooled, given = look(audio, seen)
        recurrent = self.streams.features([spatial, self.semantic(audio, pooled)])
        logits, extras = self.streams(recurrent)
        return logits, {"given": given, **extras}

    def lines(self):
        """As :meth:`ChannelDecoders.lines`."""
        return self.audio_decoder, self.line, self.parts.values()

    def look_at_map(self, audio: torch.Tensor, seen: torch.Tensor):
        """(F^a_spa, F^v_spa), the mean of the regions, and the decoded features, with spatial
        "map"."""
        regions = CELLS**2
        cells = seen[..., : seen.shape[-1] // regions * regions].unflatten(-1, (regions, -1))
        cells = self.video_decoder(cells)
        spatial = self.spatial(audio, cells.unflatten(2, (CELLS, CELLS)))[:2]
        return spatial, cells.mean(2), [audio, cells]

    def take_parts(self, audio: torch.Tensor, seen: torch.Tensor):
        """The same with spatial "terminal" or "weights", from the attended features that were
        sent."""
        decoded = self.video_decoder(seen)
        parts = [layer(decoded) for layer in self.parts.values()]
        if self.line is not None:
            lines = self.line(seen).split([part.shape[-1] for part in parts], -1)
            parts = [part + line for part, line in zip(parts, lines, strict=True)]
        attended, pooled, told = parts
        spatial = self.spatial.hear(audio, told), attended
        return spatial, pooled, [audio, attended, pooled, told]


DECODERS = {  # name: (receiver, the localiser whose layers it has)
    "psp": (PSPReceiver, PSPLocaliser),
    "coattention": (CoAttentionReceiver, CoAttention),
    "vscg": (VSCGReceiver, VSCG),
    "avel": (AVELReceiver, AVEL),
    "psp_localiser": (ZhouReceiver, PSPLocaliser),
}
