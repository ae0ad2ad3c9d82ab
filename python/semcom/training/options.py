# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Options of trainings, a class for each kind; imports no Torch, so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.errors import SemcomError
from ..base.options import option

DETECTORS = ("zf", "lmmse")


@dataclass(frozen=True)
class LoopConfig:
    """What every training by epochs has: AdamW, a running average, early stopping."""

    epochs: int = option(30, "at most so many passes over the training clips")
    patience: int = option(8, "epochs without a better validation score before it ends")
    batch: int = option(32, "clips a step")
    learning_rate: float = option(1e-3, "largest step of AdamW; a cosine from there to zero")
    weight_decay: float = option(1e-2, "of AdamW")
    warmup: float = option(0.05, "share of the steps in which the learning rate rises")
    clip: float = option(1.0, "largest norm of a gradient")
    average: float = option(0.99, "weights kept per step in the running average that is tested")
    seed: int = option(0, "of weights, order, channels and noise")

    def __post_init__(self):
        for name in ("epochs", "patience", "batch"):
            if getattr(self, name) < 1:
                raise SemcomError(f"{name} {getattr(self, name)}: expected at least 1")


@dataclass(frozen=True)
class ClipConfig(LoopConfig):
    """Trainings on audio-visual clips: cross-modal matching has no more options than these."""

    variant: str = option("full", "what is trained, see --variant and --setting")
    bfloat16: bool = option(False, "compute the attention in bfloat16")


@dataclass(frozen=True)
class LabelledConfig(ClipConfig):
    """Trainings on the labels of clips: what a localiser's has."""

    auxiliary: float = option(1.0, "weight of the system's second loss; 1: the usual (losses.py)")
    exchange: float = option(0.0, "share of clips with another clip's sound or picture, same event")
    mismatch: float = option(0.0, "share of clips with a part of another event's sound or picture")

    def __post_init__(self):
        from ..nets.localisers import WEAK  # needs Torch

        super().__post_init__()
        if self.variant in WEAK and (self.exchange or self.mismatch):
            raise SemcomError(
                f"exchange, mismatch: know where an event is, which {self.variant} does not; leave "
                "them out"
            )


@dataclass(frozen=True)
class LinkConfig(LabelledConfig):
    """Trainings over a simulated link.

    Each batch draws a channel and a detector; each clip an SNR [dB], uniform, for the uplink and
    one for the sidelink.
    """

    unguided: float = option(0.1, "share of batches whose feedback is lost")
    snr_min: float = option(-12.0, "lowest SNR [dB]")
    snr_max: float = option(30.0, "highest SNR [dB]")
    channels: tuple[str, ...] = option(("awgn", "rayleigh", "rician"), "drawn per batch")
    detectors: tuple[str, ...] = option(DETECTORS, "drawn per batch")

    def __post_init__(self):
        super().__post_init__()
        check_link(self)


def check_link(config) -> None:
    """Refuse channels and detectors that there are not."""
    from ..phy.channel import MODELS  # needs Torch

    for name, known in (("channels", MODELS), ("detectors", DETECTORS)):
        for value in getattr(config, name):
            if value not in known:
                raise SemcomError(f"{name} {value!r}: expected some of {', '.join(known)}")


@dataclass(frozen=True)
class TextConfig(LoopConfig):
    """Trainings of a text link.

    Each batch draws a channel and a detector, all that are named equally likely; each sentence an
    SNR [dB], half of them uniform over the whole range, half over the focus.
    """

    variant: str = option("full", "what is trained, see --variant")
    epochs: int = option(18, "at most so many times --steps steps")
    steps: int = option(500, "steps after which it validates and saves")
    batch: int = option(1536, "tokens a step, padding included")
    learning_rate: float = option(1.5e-3, "largest step of AdamW; a cosine from there to zero")
    average: float = option(0.999, "weights kept per step in the running average that is tested")
    vocabulary: int = option(10752, "entries of the vocabulary at most")
    pieces: int = option(1200, "entries that continue a word")
    snr_min: float = option(-6.0, "lowest SNR [dB]")
    snr_max: float = option(18.0, "highest SNR [dB]")
    focus_min: float = option(-3.0, "lowest SNR [dB] of the focus, where most is learnt")
    focus_max: float = option(6.0, "highest SNR [dB] of the focus")
    easy: float = option(0.06, "share of the steps in which the lowest SNR falls from the highest")
    channels: tuple[str, ...] = option(("awgn", "awgn", "rayleigh", "rician"), "drawn per batch")
    detectors: tuple[str, ...] = option(DETECTORS, "drawn per batch")
    lost: float = option(0.1, "share of sentences of which a run of symbols is lost")
    bfloat16: bool = option(True, "compute matrix products in bfloat16")

    def __post_init__(self):
        super().__post_init__()
        if self.steps < 1:
            raise SemcomError(f"steps {self.steps}: expected at least 1")
        if not self.snr_min <= self.focus_min <= self.focus_max <= self.snr_max:
            raise SemcomError(
                f"focus {self.focus_min:g} to {self.focus_max:g} dB: expected within snr-min to "
                f"snr-max, {self.snr_min:g} to {self.snr_max:g} dB"
            )
        check_link(self)


@dataclass(frozen=True)
class DistillationConfig:
    """Training of a feature network on what a published one says, by steps."""

    steps: int = option(700, "steps in all")
    batch: int = option(32, "examples a step")
    learning_rate: float = option(3e-4, "largest step of AdamW; four times that for new layers")
    seed: int = option(0, "of new layers and examples")
