# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Options of trainings, a class for each kind; imports no Torch, so that ``--help`` is quick."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..base.errors import SemcomError
from ..base.options import Rule, at_least, not_negative, number, option, positive, share
from ..nets.names import WEAK
from ..phy.names import CHANNELS

DETECTORS = ("zf", "lmmse")


@dataclass(frozen=True)
class LoopConfig:
    """The options of all trainings by epochs: AdamW, a running average, early stopping."""

    epochs: int = option(30, "at most so many passes over the training clips")
    patience: int = option(
        8, "epochs without a better validation score after which the training ends"
    )
    batch: int = option(32, "clips per step")
    learning_rate: float = option(
        1e-3, "largest step of AdamW; a cosine from there to zero", type=positive
    )
    weight_decay: float = option(1e-2, "of AdamW", type=not_negative)
    warmup: float = option(0.05, "share of the steps in which the learning rate rises", type=share)
    clip: float = option(1.0, "largest norm of a gradient", type=positive)
    average: float = option(
        0.99, "weights kept per step in the running average that is tested", type=share
    )
    seed: int = option(0, "of weights, order, channels and noise", type=at_least(0))

    def __post_init__(self):
        for name in ("epochs", "patience", "batch"):
            if getattr(self, name) < 1:
                raise SemcomError(f"{name} {getattr(self, name)}: expected at least 1")


@dataclass(frozen=True)
class ClipConfig(LoopConfig):
    """Trainings on audio-visual clips: cross-modal matching has no more options than these."""

    variant: str = option("full", "system or localiser to train, see --variant and --setting")
    bfloat16: bool = option(
        False, "compute the attention in bfloat16 if that is faster on this machine"
    )


@dataclass(frozen=True)
class LabelledConfig(ClipConfig):
    """Trainings on the labels of clips: what a localiser's has."""

    OF_SECONDS = ("exchange", "mismatch")  # options that need the label of each second

    auxiliary: float = option(
        1.0,
        "weight of the second part of the system's loss; 1: the published weight",
        type=not_negative,
    )
    exchange: float = option(
        0.0, "share of clips with another clip's sound or picture, same event", type=share
    )
    mismatch: float = option(
        0.0, "share of clips with a part of another event's sound or picture", type=share
    )

    def __post_init__(self):
        super().__post_init__()
        self.check_setting(self.variant)

    def check_setting(self, setting: str) -> None:
        """SemcomError for options that need labels which a setting does not have."""
        asked = [name for name in self.OF_SECONDS if getattr(self, name)]
        if setting in WEAK and asked:
            raise SemcomError(
                f"{', '.join(asked)}: {'know' if asked[1:] else 'knows'} where an event is, which "
                f"{setting} does not; leave out"
            )


@dataclass(frozen=True)
class QuantisationConfig(LabelledConfig):
    """Training of features that are quantised in the end."""

    epochs: int = option(4, "at most so many passes over the training clips")
    learning_rate: float = option(
        3e-4, "largest step of AdamW; a cosine from there to zero", type=positive
    )
    weight_decay: float = option(5e-2, "of AdamW", type=not_negative)
    exchange: float = option(
        0.3, "share of clips with another clip's sound or picture, same event", type=share
    )
    erased: float = option(0.1, "share of clips that lose one terminal, of each", type=share)


SENT = Rule(
    lambda config: config.variant != "error_free",
    "over a channel, not with --variant error_free",
)
HEARD = Rule(
    lambda config: config.variant not in ("audio_only", "video_only"),
    "with systems in which a terminal listens to another, not with one-terminal variants",
)
BOTH = Rule(
    lambda config: config.variant not in ("audio_only", "video_only"),
    "with systems that have an audio and a video terminal, not with one-terminal variants",
)
ESTIMATED = Rule(
    lambda config: config.variant != "no_estimation",
    "with channel estimation, not with --variant no_estimation",
)


WARM = Rule(lambda config: config.warm_start, "with --warm-start")


@dataclass(frozen=True)
class LinkConfig(LabelledConfig):
    """Trainings over a simulated link.

    Each batch draws a channel and a detector; each clip an SNR [dB], uniform, for the uplink and
    one for the sidelink.
    """

    OF_SECONDS = (*LabelledConfig.OF_SECONDS, "rivals", "gaze")

    rivals: float = option(
        0.0,
        "share of clips with a picture of another event beside theirs",
        type=share,
        only=(BOTH,),
    )
    gaze: float = option(
        0.0,
        "weight of a loss on attention to the picture of another event (--rivals)",
        type=not_negative,
        only=(BOTH,),
    )
    unguided: float = option(
        0.1, "share of batches whose sidelink is lost", type=share, only=(HEARD,)
    )
    snr_min: float = option(-12.0, "lowest SNR", unit="dB", only=(SENT,))
    snr_max: float = option(30.0, "highest SNR", unit="dB", only=(SENT,))
    channels: tuple[str, ...] = option(
        ("awgn", "rayleigh", "rician"), "drawn per batch", only=(SENT,)
    )
    detectors: tuple[str, ...] = option(DETECTORS, "drawn per batch", only=(SENT, ESTIMATED))
    warm_start: str = option(
        "",
        "checkpoint of a localiser, trained without a link: attention and receiver start from its "
        "weights, and the channel decoders learn to restore its features",
        place=True,
    )
    regress: float = option(
        1.0,
        "weight of the mean square error of the channel decoders, relative to the features' power",
        type=not_negative,
        only=(WARM,),
    )
    frozen: bool = option(
        False,
        "keep the weights of --warm-start constant; only the other layers are trained",
        only=(WARM,),
    )

    def __post_init__(self):
        super().__post_init__()
        check_link(self)
        if self.snr_min > self.snr_max:
            raise SemcomError(
                f"snr_min {self.snr_min:g}: expected at most snr_max, {self.snr_max:g} dB"
            )
        if self.gaze and not self.rivals:
            raise SemcomError("gaze: has no effect without clips with rivals; give rivals, too")


def check_link(config) -> None:
    """SemcomError for unknown channels and detectors."""
    for name, known in (("channels", CHANNELS), ("detectors", DETECTORS)):
        for value in getattr(config, name):
            if value not in known:
                raise SemcomError(f"{name} {value!r}: expected some of {', '.join(known)}")


@dataclass(frozen=True)
class DeepSCTraining:
    """Training of deepsc.  Each batch draws a channel and a detector, each sentence an SNR [dB]."""

    steps: int = option(20000, "steps in all; the learning rate falls to zero over them")
    batch: int = option(1536, "tokens per step, with padding")
    vocabulary: int = option(10752, "entries of the vocabulary")
    pieces: int = option(1200, "entries that continue a word")
    learning_rate: float = option(1.5e-3, "largest step of AdamW", type=positive)
    weight_decay: float = option(1e-2, "of AdamW", type=not_negative)
    warmup: int = option(500, "steps in which the learning rate rises")
    clip: float = option(1.0, "largest norm of a gradient", type=positive)
    snr_min: float = option(-6.0, "lowest SNR", unit="dB")
    snr_max: float = option(18.0, "highest SNR", unit="dB")
    focus: tuple[float, ...] = option(
        (-3.0, 6.0),
        "range of SNRs in which half of the sentences are sent, the most useful one",
        unit="dB",
        type=number,
    )
    easy: float = option(
        0.1, "share of the steps in which the lowest SNR falls from the highest", type=share
    )
    channels: tuple[str, ...] = option(
        ("awgn", "awgn", "rayleigh", "rician"), "drawn per batch, all equally likely"
    )
    detectors: tuple[str, ...] = option(DETECTORS, "drawn per batch")
    lost: float = option(0.1, "share of sentences that lose a run of symbols", type=share)
    average: float = option(
        0.999, "weights kept per step in the running average that is tested", type=share
    )
    bfloat16: bool = option(
        True, "compute the matrix products in bfloat16 where that is faster here"
    )
    seed: int = option(0, "of weights, order, channels and noise", type=at_least(0))

    def __post_init__(self):
        for name in ("steps", "batch", "warmup"):
            if getattr(self, name) < 1:
                raise SemcomError(f"{name} {getattr(self, name)}: expected at least 1")
        if not self.snr_min <= self.focus[0] <= self.focus[-1] <= self.snr_max:
            raise SemcomError(
                f"focus {self.focus}: expected two SNRs within {self.snr_min:g} to "
                f"{self.snr_max:g} dB"
            )
        check_link(self)


M3E_PARTS = {  # defaults of the training of each part of m3e_vsc
    "text": dict(
        steps=1600, batch=128, learning_rate=1.5e-3, weight_decay=1e-2, warmup=200, average=0.99,
        snr=(-6.0, 18.0), focus=(-4.0, 4.0),
    ),
    "pictures": dict(
        steps=1600, batch=24, learning_rate=1e-3, weight_decay=1e-3, warmup=200, average=0.99,
    ),
    "generator": dict(
        steps=500, batch=32, learning_rate=1e-3, weight_decay=5e-2, warmup=50, average=0.99,
    ),
    "link": dict(
        steps=3700, batch=24, learning_rate=1e-3, weight_decay=1e-3, warmup=150, average=0.995,
        snr=(-6.0, 18.0), focus=(-2.0, 12.0),
    ),
    "sounds": dict(
        steps=3000, batch=16, learning_rate=1e-3, weight_decay=1e-3, warmup=300, average=0.995,
    ),
    "sound_generator": dict(
        steps=500, batch=16, learning_rate=1e-3, weight_decay=5e-2, warmup=50, average=0.99,
    ),
    "sound_link": dict(
        steps=3000, batch=16, learning_rate=1e-3, weight_decay=1e-3, warmup=150, average=0.995,
        snr=(-8.0, 18.0), focus=(-2.0, 12.0),
    ),
    "check": dict(
        steps=1500, batch=32, learning_rate=3e-3, weight_decay=1e-2, warmup=75, average=0.99,
    ),
}  # fmt: skip
ALL_PARTS = "all"
OVER_AIR = Rule(
    lambda config: config.part == ALL_PARTS or "snr" in M3E_PARTS[config.part],
    "with parts that send: --part text, link, sound_link or all",
)
OWN = "; default: the part's own"


@dataclass(frozen=True)
class M3ETraining:
    """Training of m3e_vsc, part by part.  Each batch draws a channel and a detector, each example
    an SNR [dB]."""

    part: str = option(
        ALL_PARTS,
        "part to train: pictures and sounds are the VQGANs, the generators make their latents "
        "from text, the links send the differences, check is the multi-frame check; all: one "
        "after the other",
        choices=(*M3E_PARTS, ALL_PARTS),
    )
    steps: int = option(0, "steps in all; the learning rate falls to zero over them" + OWN)
    batch: int = option(0, "examples per step" + OWN)
    learning_rate: float = option(0.0, "largest step of AdamW" + OWN)
    weight_decay: float = option(0.0, "of AdamW" + OWN, type=not_negative)
    warmup: int = option(0, "steps in which the learning rate rises" + OWN)
    average: float = option(
        0.0, "weights kept per step in the running average that is tested" + OWN, type=share
    )
    clip: float = option(1.0, "largest norm of a gradient", type=positive)
    snr: tuple[float, ...] = option(
        (), "lowest and highest SNR" + OWN, unit="dB", type=number, only=(OVER_AIR,)
    )
    focus: tuple[float, ...] = option(
        (),
        "range of SNRs in which about half of the examples are sent, the most useful one" + OWN,
        unit="dB",
        type=number,
        only=(OVER_AIR,),
    )
    channels: tuple[str, ...] = option(
        ("awgn", "awgn", "rayleigh"), "drawn per batch, all equally likely", only=(OVER_AIR,)
    )
    detectors: tuple[str, ...] = option(DETECTORS, "drawn per batch", only=(OVER_AIR,))
    bfloat16: bool = option(
        True, "compute the matrix products in bfloat16 where that is faster here"
    )
    seed: int = option(0, "of weights, examples, channels and noise")

    def __post_init__(self):
        if self.part not in (*M3E_PARTS, ALL_PARTS):
            raise SemcomError(
                f"part {self.part!r}: expected one of {', '.join(M3E_PARTS)}, {ALL_PARTS}"
            )
        for name in ("steps", "batch", "learning_rate", "warmup"):
            if getattr(self, name) < 0:
                raise SemcomError(f"{name} {getattr(self, name)}: expected more than 0")
        for name in ("snr", "focus"):
            ends = getattr(self, name)
            if ends and not (len(ends) == 2 and ends[0] <= ends[1]):
                raise SemcomError(f"{name} {ends}: expected a lower and a higher SNR")
        check_link(self)

    def of(self, part: str) -> M3ETraining:
        """The training of one part, with the part's defaults for options that were not given."""
        defaults = {item.name: item.default for item in dataclasses.fields(self)}
        own = M3E_PARTS[part].items()
        left = {name: value for name, value in own if getattr(self, name) == defaults[name]}
        return dataclasses.replace(self, part=part, **left)


@dataclass(frozen=True)
class DistillationConfig:
    """Training of a feature network towards a published one, by steps."""

    steps: int = option(700, "steps in all")
    batch: int = option(32, "examples per step")
    learning_rate: float = option(3e-4, "largest step of AdamW; four times that for new layers")
    seed: int = option(0, "of new layers and examples")


@dataclass(frozen=True)
class HearingConfig:
    """Training of the network that recognises sounds, by steps."""

    steps: int = option(6000, "steps in all")
    batch: int = option(64, "seconds per step")
    learning_rate: float = option(
        2e-3, "largest step of AdamW; a cosine from there to zero", type=positive
    )
    weight_decay: float = option(5e-2, "of AdamW", type=not_negative)
    warmup: float = option(0.05, "share of the steps in which the learning rate rises", type=share)
    seed: int = option(0, "of weights and examples")


@dataclass(frozen=True)
class CheckConfig:
    """Training of the check of frames, by steps."""

    steps: int = option(1500, "steps in all")
    batch: int = option(32, "clips per step")
    learning_rate: float = option(
        3e-3, "largest step of AdamW; a cosine from there to zero", type=positive
    )
    weight_decay: float = option(1e-2, "of AdamW", type=not_negative)
    warmup: float = option(0.05, "share of the steps in which the learning rate rises", type=share)
    seed: int = option(0, "of weights and clips")
