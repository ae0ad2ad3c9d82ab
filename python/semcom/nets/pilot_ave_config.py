# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The configuration of pilot_ave, which its terminals and all of its receivers read."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.errors import SemcomError
from ..base.options import option
from .names import DECODERS as DECODER_NAMES
from .system import RadioConfig, check_config

CELLS = 3  # rows and columns of the map that co-attention may be sent


@dataclass(frozen=True)
class PilotAveConfig(RadioConfig):
    """Sizes; the defaults follow the paper where it states them."""

    audio_lstm: int = option(512, "units of the audio semantic encoder's LSTM")
    audio_channel: int = option(256, "units of the audio channel encoder's first dense layer")
    attention_width: int = option(512, "shared width of the attention's embeddings M_v, M_a")
    attention_hidden: int = option(49, "hidden width of the attention's scores")
    video_channel: int = option(256, "channels of the video channel encoder's first Conv2D")
    audio_decoder: int = option(256, "units of the audio channel decoder")
    video_decoder: int = option(512, "channels of the video channel decoder")
    common_dim: int = option(256, "features of both modalities before PSP")
    video_kernel: int = option(1, "kernel of the Conv2D blocks in time [segments]")
    recurrent: int = option(0, "units of BiLSTMs before PSP per direction; 0: none, as the paper")
    classifier: int = option(64, "units of the classifier's hidden layer")
    dropout: float = option(0.1, "share of features dropped in training")
    decoder: str = option(
        "psp", "semantic decoder at the receiver; psp: the paper's", choices=DECODER_NAMES
    )
    spatial: str = option(
        "terminal",
        "where co-attention looks at the map: at the terminal that hears the sound, or at the "
        "receiver on a small map that is sent",
        choices=("terminal", "map"),
    )

    def __post_init__(self):
        check_config(self, may_be_zero=("recurrent",))
        if self.decoder not in DECODER_NAMES:
            raise SemcomError(
                f"decoder {self.decoder!r}: expected one of {', '.join(DECODER_NAMES)}"
            )
        if self.decoder != "psp" and self.terminals != "audio+video":
            raise SemcomError(f"decoder {self.decoder}: needs both terminals; psp works with one")
        if self.spatial not in ("terminal", "map"):
            raise SemcomError(f"spatial {self.spatial!r}: expected terminal or map")
        if self.spatial == "map" and 2 * self.symbols < CELLS**2:
            raise SemcomError(f"symbols {self.symbols}: a map needs at least {CELLS**2 // 2 + 1}")
