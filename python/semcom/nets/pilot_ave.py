# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Pilot-guided multimodal semantic communication for audio-visual event localization.

The system of Yu et al., arXiv:2412.06208 (section III): an audio terminal and a video terminal send
complex symbols to one receiver; the video terminal receives the audio terminal's symbols over a
sidelink, and they guide its attention.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..base.errors import SemcomError
from .attention import AGVA, CSPA
from .configs import CELLS, PilotAveConfig
from .decoders import DECODERS
from .layers import (
    TemporalConv,
    beside,
    dense,
    init_relu,
    limit_power,
    to_complex,
    to_real,
    unit_power,
)
from .localisers import Localiser
from .system import RadioSystem


class AudioTerminal(nn.Module):
    """LSTM (semantic encoder) and two dense layers (channel encoder): [B, T, d_a] -> [B, T, L]."""

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.semantic = nn.LSTM(config.audio_dim, config.audio_lstm, batch_first=True)
        self.drop = nn.Dropout(config.dropout)
        self.channel = dense(
            config.audio_lstm,
            config.audio_channel,
            2 * config.symbols,
            last_relu=False,
            dropout=config.dropout,
        )
        self.line = nn.Linear(config.audio_dim, 2 * config.symbols) if config.linear else None

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio [B, T, d_a] -> symbols [B, T, L] complex64, unit average power per clip."""
        code = self.channel(self.drop(self.semantic(audio)[0]))
        if self.line is not None:
            code = code + self.line(audio)
        return unit_power(to_complex(code))


def video_encoder(config: PilotAveConfig, dim: int) -> nn.Module:
    """The video terminal's channel encoder for ``dim`` features."""
    deep = TemporalConv(
        dim,
        config.video_channel,
        2 * config.symbols,
        kernel=config.video_kernel,
        last_relu=False,
        dropout=config.dropout,
    )
    return beside(deep, dim, 2 * config.symbols, config.linear)


class VideoTerminal(nn.Module):
    """Attention guided by the received audio (semantic encoder) and two Conv2D blocks (channel
    encoder).

    A channel decoder of its own decodes sidelink symbols to the audio features a* of eq. (2).
    Without sidelink symbols the audio features are zero, and the attention is unguided.
    """

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        sizes = 2 * config.symbols, *[config.audio_decoder] * 2, config.audio_dim
        self.hearing = beside(dense(*sizes), sizes[0], sizes[-1], config.linear)
        self.attention = AGVA(
            config.visual_dim,
            config.audio_dim,
            config.attention_width,
            config.attention_hidden,
            product=config.attention == "product",
        )
        self.channel = video_encoder(config, config.visual_dim)

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        """visual [B, T, h, w, d_v], heard symbols [B, T, L] complex64 or None -> attended [B, T,
        d_v] and attention [B, T, h, w], which sums to one."""
        audio = None if heard is None else self.hearing(to_real(limit_power(heard)))
        return self.attention(visual, audio)

    def forward(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """visual [B, T, h, w, d_v], heard symbols [B, T, L] or None -> symbols [B, T, L] complex64,
        unit average power per clip."""
        return unit_power(to_complex(self.channel(self.attend(visual, heard)[0])))


class SpatialTerminal(VideoTerminal):
    """The spatial part of co-attention at the video terminal.  The features attended by CSPA, the
    mean of the picture, and CSPA's message for the sound share the channel encoder.

    That message is F^av Z, an unbounded sum of products over the positions, next to features of
    about 1; or, with spatial "weights", softmax(f4(F^av Z)), which is all that is computed from it.
    """

    def __init__(self, config: PilotAveConfig):
        super().__init__(config)
        self.attention = CSPA(
            config.visual_dim,
            config.audio_dim,
            config.attention_width,
            config.attention_hidden,
            audio_attention=False,
        )
        self.channel = video_encoder(config, 2 * config.visual_dim + config.attention_hidden)
        self.reals = 2 * config.symbols
        self.weigh = None
        if config.spatial == "weights":
            hidden, width = config.attention_hidden, config.attention_width // 2
            self.weigh = dense(hidden, width, hidden, last_relu=False)

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        """visual [B, T, h, w, d_v], heard symbols [B, T, L] complex64 or None -> what is sent, [B,
        T, 2 d_v + hidden], and attention [B, T, h, w], which sums to one."""
        if heard is None:
            audio = visual.new_zeros(*visual.shape[:2], self.reals).float()
        else:
            audio = to_real(limit_power(heard))
        attended, fusion, attention = self.attention.see(self.hearing(audio), visual)
        told = fusion if self.weigh is None else self.weigh(fusion).softmax(-1)
        pooled = visual.flatten(2, 3).float().mean(2)
        return torch.cat([attended, pooled, told], -1), attention


class MapTerminal(nn.Module):
    """Sends a small map instead of one vector: the mean of each of 3x3 regions, with one
    encoder."""

    def __init__(self, config: PilotAveConfig):
        super().__init__()
        self.symbols = config.symbols
        self.channel = dense(
            config.visual_dim,
            config.video_channel,
            2 * config.symbols // CELLS**2,
            last_relu=False,
            dropout=config.dropout,
        )

    def attend(self, visual: torch.Tensor, heard: torch.Tensor | None):
        """SemcomError: this terminal has no attention."""
        raise SemcomError("attention: with spatial 'map' it is at the receiver, over 3x3 regions")

    def forward(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """visual [B, T, h, w, d_v] -> symbols [B, T, L] complex64, unit average power per clip;
        ``heard`` is not used."""
        maps = visual.float().permute(0, 1, 4, 2, 3).flatten(0, 1)
        cells = F.adaptive_avg_pool2d(maps, CELLS).flatten(2).mT.unflatten(0, visual.shape[:2])
        reals = self.channel(cells).flatten(2)
        unused = 2 * self.symbols - reals.shape[-1]
        return unit_power(to_complex(F.pad(reals, (0, unused))))


class PilotAve(RadioSystem):
    """The whole system, with a method for each terminal and the receiver.

    The terminals and the channel codecs are the paper's; the semantic decoder is the paper's PSP or
    that of another localiser.
    """

    name = "pilot_ave"
    Config = PilotAveConfig

    def __init__(self, config: PilotAveConfig, classes: tuple[str, ...] | list[str]):
        receiver, localiser = DECODERS[config.decoder]
        video = VideoTerminal
        if config.decoder == "coattention":
            video = MapTerminal if config.spatial == "map" else SpatialTerminal
        super().__init__(config, classes, AudioTerminal, video, receiver)
        self.loss = localiser.losses[config.setting]
        self.apply(init_relu)

    def start_from(self, localiser: Localiser) -> dict[str, str]:
        """Copy the weights of the parts that this system has in common with a localiser: the
        attention at the terminal, and at the receiver everything from the recurrent layers on.

        Returns {name of a copied tensor here: its name in the localiser}.
        """
        theirs, own = localiser.state_dict(), self.state_dict()
        taken = {}
        for name in own:
            for place, part in PLACES:
                source = part + name.removeprefix(place)
                if name.startswith(place) and source in theirs:
                    taken[name] = source
        self.load_state_dict(own | {name: theirs[source] for name, source in taken.items()})
        return taken


PLACES = (  # common parts of a system and a localiser: (prefix in the system, in the localiser)
    ("video_terminal.attention.", "attention."),
    ("receiver.recurrent.0.", "audio_lstm."),
    ("receiver.recurrent.1.", "visual_lstm."),
    ("receiver.fusion.", "fusion."),
    ("video_terminal.attention.", "spatial."),  # the rest: co-attention
    ("video_terminal.weigh.", "spatial.audio_attention."),
    ("receiver.spatial.", "spatial."),
    ("receiver.semantic.", "semantic."),
    ("receiver.streams.", "decoder."),
)


def cut_in_two(localiser: Localiser) -> dict:
    """Fields of a PilotAveConfig with the attention and the receiver of a localiser.

    SemcomError for a localiser whose audio features have another size than the set's.
    """
    own = localiser.config
    with torch.no_grad():
        audio = torch.zeros(1, 1, own.audio_dim)
        visual = torch.zeros(1, 1, own.height, own.width, own.visual_dim)
        sound, picture = (x.shape[-1] for x in localiser.given(audio, visual)[:2])
    if sound != own.audio_dim:
        raise SemcomError(
            f"{localiser.name}: has {sound} audio features before its recurrent layers, expected "
            f"{own.audio_dim}, as in the set: the video terminal receives them"
        )
    return {
        "decoder": {"psp": "psp_localiser"}.get(localiser.name, localiser.name),
        "setting": own.setting,
        "spatial": "weights",
        "linear": True,
        "attention_width": own.attention_width,
        "attention_hidden": own.attention_hidden,
        "recurrent": own.recurrent,
        "classifier": own.classifier,
        "common_dim": sound,
        "picture_dim": picture,
    }
