# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""What every two-terminal system offers to the blocks, the link and the trainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import nn

from ..errors import SemcomError
from ..options import option
from ..phy.csi import mean_no_eff


@dataclass(frozen=True)
class FeatureSizes:
    """Sizes of the features that every system and localiser is given."""

    audio_dim: int = option(128, "audio features d_a of a segment")
    visual_dim: int = option(512, "visual features d_v of a position")
    height: int = option(7, "positions of the visual map, h")
    width: int = option(7, "positions of the visual map, w")


@dataclass(frozen=True)
class RadioConfig(FeatureSizes):
    """What the configurations of all systems with a radio have."""

    terminals: str = option("audio+video", "audio+video, or audio or video for one modality")
    symbols: int = option(64, "complex symbols L per segment and terminal")


class RadioSystem(nn.Module):
    """An audio terminal, a video terminal that hears it, and a receiver; one method per place.

    A system sets ``name``, ``Config``, ``loss`` (the name of the loss that it is
    trained with, see ``training.losses``), and hands over what builds its
    parts from a configuration: ``audio_terminal`` (audio [B, T, d_a] -> symbols),
    ``video_terminal`` (visual, heard -> symbols, with ``attend``) and ``receiver`` (which takes the
    number of classes too).  A terminal that its variant lacks is None.
    """

    name: str
    Config: type
    loss: str

    def __init__(
        self,
        config: RadioConfig,
        classes: tuple[str, ...] | list[str],
        audio_terminal: Callable[..., nn.Module],
        video_terminal: Callable[..., nn.Module],
        receiver: Callable[..., nn.Module],
    ):
        super().__init__()
        if config.terminals not in ("audio+video", "audio", "video"):
            raise SemcomError(
                f"terminals {config.terminals!r}: expected 'audio+video', 'audio' or 'video'"
            )
        self.config, self.classes = config, tuple(classes)
        self.symbols = config.symbols
        self.terminals = tuple(config.terminals.split("+"))
        self.audio_terminal = audio_terminal(config) if "audio" in self.terminals else None
        self.video_terminal = video_terminal(config) if "video" in self.terminals else None
        self.receiver = receiver(config, len(self.classes))

    def encode_audio(self, audio: torch.Tensor) -> torch.Tensor:
        """audio [B, T, d_a] -> symbols [B, T, L] complex64, unit average power per clip."""
        return self.audio_terminal(audio)

    def encode_video(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """visual [B, T, h, w, d_v] and heard symbols [B, T, L] (None: unguided) -> [B, T, L]."""
        return self.video_terminal(visual, heard)

    def guide(self, visual: torch.Tensor, heard: torch.Tensor | None) -> torch.Tensor:
        """Attention [B, T, h, w] of the video terminal, sums to one over the positions."""
        return self.video_terminal.attend(visual, heard)[1]

    def receive(self, symbols: torch.Tensor, no_eff: torch.Tensor):
        """Logits [B, T, C], and what the training loss wants besides, by name.

        The receivers of these systems take one noise variance a frame and stream: of noise that is
        given for each symbol they get the mean.  Arguments as of :meth:`decode`.
        """
        return self.receiver(symbols, mean_no_eff(no_eff))

    def decode(self, symbols: torch.Tensor, no_eff: torch.Tensor) -> torch.Tensor:
        """Detected symbols [B, K, T, L], effective noise variance [B, K] or of each symbol
        [B, K, T L] -> logits [B, T, C].

        no_eff 0 says clean or unknown, inf says nothing was received.
        """
        return self.receive(symbols, no_eff)[0]

    def transmitters(self) -> list[nn.Module]:
        """The parts that stand at the terminals."""
        return [m for m in (self.audio_terminal, self.video_terminal) if m is not None]

    def config_dict(self) -> dict:
        """Configuration as it goes into a checkpoint's header."""
        return asdict(self.config)


def check_config(config, may_be_zero: tuple[str, ...] = ()) -> None:
    """Refuse sizes below one (zero where it means "none") and a dropout that is no share."""
    for name, value in asdict(config).items():
        low = 0 if name in may_be_zero else 1
        if type(value) is int and value < low:
            raise SemcomError(f"{name} {value}: expected at least {low}")
    if not 0 <= config.dropout < 1:
        raise SemcomError(f"dropout {config.dropout}: expected 0 or more, less than 1")
