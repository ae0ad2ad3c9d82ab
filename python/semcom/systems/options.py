# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of a system: name, variant, weights, settings."""

from dataclasses import dataclass

from ..base.errors import SemcomError
from ..base.options import Rule, at_least, number, option, share
from ..nets.names import DECODERS
from ..phy import names
from .registry import BUILT_IN, DEFAULT_SYSTEM, system, topology_of


def read_by(name: str) -> Rule:
    """The rule that an option has an effect only with the systems that use it."""
    known = " or ".join(entry.name for entry in BUILT_IN if name in entry.options)
    return Rule(lambda point: name in system(point.system).options, f"with --system {known}")


TASKS = Rule(
    lambda point: len(system(point.system).tasks) > 1,
    f"with --system {' or '.join(entry.name for entry in BUILT_IN if entry.other_tasks)}",
)
SHOWN = Rule(lambda point: "video" in point.terminals(), "with a terminal that sends pictures")
PLAYED = Rule(lambda point: "audio" in point.terminals(), "with a terminal that sends sound")
PICTURED = Rule(lambda point: point.only != "text", "with pictures, not with --only text")
LEARNED = Rule(lambda point: system(point.system).weights, "with a system that has weights")


@dataclass(frozen=True)
class DigitalOptions:
    """Classical links."""

    source: str = option(
        "",
        "source codecs: h265+opus, jpeg+pcm, ... for pictures and sound; words, ... for text "
        "(default: the system's own)",
        sweep=True,
        only=(read_by("source"),),
    )
    quality: int = option(
        50, "quality of pictures, 0 to 100; with --uses the highest one", type=at_least(0, 100),
        sweep=True,
        only=(read_by("quality"), SHOWN),
    )  # fmt: skip
    bitrate: int = option(
        0, "bit rate of sound, 0: the codec's lowest; with --uses the highest one", unit="bit/s",
        type=at_least(0),
        sweep=True, only=(read_by("bitrate"), PLAYED),
    )  # fmt: skip
    size: int = option(
        96, "height at which pictures are coded", unit="pixels", type=at_least(2), sweep=True,
        only=(read_by("size"), SHOWN),
    )  # fmt: skip
    picture_rate: float = option(
        1.0, "rate of the pictures that are sent, 0.1 to 16", unit="Hz", type=number, sweep=True,
        only=(read_by("picture_rate"), SHOWN),
    )  # fmt: skip
    bits: int = option(
        64, "bits that each terminal sends for the features of a clip", type=at_least(1),
        sweep=True, only=(read_by("bits"),),
    )  # fmt: skip
    code: str = option(
        "3/4", "rate of the LDPC code", choices=names.CODE_RATES, sweep=True,
        only=(read_by("code"),),
    )  # fmt: skip
    length: int = option(
        648, "length of a codeword", unit="bits", type=int, choices=names.CODE_LENGTHS, sweep=True,
        only=(read_by("code"),),
    )  # fmt: skip
    modulation: str = option(
        "qpsk",
        "constellation of coded bits",
        choices=names.MODULATIONS,
        sweep=True,
        only=(read_by("code"),),
    )
    repetition: int = option(
        1, "number of times that each coded bit is sent", type=int, choices=names.REPETITIONS,
        sweep=True,
        only=(read_by("code"),),
    )  # fmt: skip
    adaptive: str = option(
        "", "table of the best settings at each SNR (from validation), instead of these options",
        metavar="FILE", only=(read_by("code"),), place=True,
    )  # fmt: skip


@dataclass(frozen=True)
class GenerativeOptions:
    """Films as text and differences."""

    without: str = option(
        "", "m3e: code pictures and sound without the text, for comparison", choices=("", "m3e"),
        sweep=True, only=(read_by("without"),),
    )  # fmt: skip
    only: str = option(
        "", "text, or image: send only these, for comparison", choices=("", "text", "image"),
        sweep=True, only=(read_by("only"),),
    )  # fmt: skip
    key_frames: int = option(
        1, "most key frames of a second", type=int, choices=(1, 2, 4), sweep=True,
        only=(read_by("key_frames"), PICTURED),
    )  # fmt: skip
    picture_symbols: int = option(
        9, "complex symbols of each of a key frame's 64 latents", type=int,
        choices=(2, 4, 6, 9), sweep=True, only=(read_by("picture_symbols"), PICTURED),
    )  # fmt: skip


@dataclass(frozen=True)
class SystemOptions:
    """System."""

    system: str = option(DEFAULT_SYSTEM, "semantic system, by its name in the registry", sweep=True)
    variant: str = option(
        "full",
        "variant of the system: full, audio_only, video_only, no_estimation (a receiver trained "
        "without channel estimation)",
        sweep=True,
    )
    decoder: str = option(
        "",
        "semantic decoder, for the choice of shipped weights (default: the system's own)",
        choices=DECODERS,
        sweep=True,
        only=(read_by("decoder"),),
        place=True,
    )
    checkpoint: str = option(
        "",
        "weights: a .safetensors file, or the training set of shipped weights (ave28); default: "
        "the weights for the set",
        only=(LEARNED,),
        place=True,
    )
    symbols: int = option(
        0,
        "symbols per segment and terminal, one of the numbers that the weights support; also for "
        "the choice of shipped weights (default: the largest)",
        type=at_least(0),
        only=(read_by("symbols"),),
    )
    by_content: float = option(
        0.0,
        "share of a clip's seconds, chosen by their content, that are sent with four times "
        "--symbols, rounded to whole seconds; 12 more symbols say which; for gated weights",
        type=share, sweep=True, only=(read_by("by_content"),),
    )  # fmt: skip
    device: str = option("cpu", "Torch device", place=True)
    task: str = option(
        "",
        "outcome and its scores, for a system with several tasks: events, media (default: the "
        "first)",
        choices=("events", "media"),
        only=(TASKS,),
    )

    def terminals(self) -> tuple:
        """Names of the terminals that send in this variant; SemcomError for an unknown variant."""
        known = [name for name in system(self.system).variants if name != "error_free"]
        if self.variant not in known and self.variant != "error_free":
            raise SemcomError(
                f"--variant {self.variant}: {self.system} has {', '.join(known)}; give one of them"
            )
        named = system(self.system).variants[self.variant]
        return named or topology_of(self.system).names

    def sidelinks(self) -> tuple:
        """(sender, listener) of each sidelink in this variant."""
        return topology_of(self.system).only(self.terminals()).sidelinks()
