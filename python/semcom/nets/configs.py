# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The configurations of the networks of systems and localisers, which are also options of train.py;
importing this module does not load Torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..base.errors import SemcomError
from ..base.options import Rule, option
from .names import (
    ATTENTIONS,
    CONSISTENCY,
    DECODERS,
    GATES,
    OVER_LINK,
    PARTS,
    SETTINGS,
    SPATIAL,
)

SEES = Rule(lambda config: "video" in config.terminals, "with systems that have a video terminal")
NESTED = Rule(lambda config: config.nested, "with --nested")
CO_ATTENTION = Rule(lambda config: config.decoder == "coattention", "with decoder coattention")
SHORTEST = 4  # symbols of a second in the shortest nested payload
TIMES = 4  # length of a second that is chosen by its content, in lengths of the others
CELLS = 3  # rows and columns of the map that is sent with spatial "map"


def check_config(config, may_be_zero: tuple[str, ...] = ()) -> None:
    """SemcomError for sizes below one (below zero for the fields ``may_be_zero``) and for a dropout
    outside [0, 1)."""
    for name, value in asdict(config).items():
        low = 0 if name in may_be_zero else 1
        if type(value) is int and value < low:
            raise SemcomError(f"{name} {value}: expected at least {low}")
    if not 0 <= config.dropout < 1:
        raise SemcomError(f"dropout {config.dropout}: expected 0 or more, less than 1")


@dataclass(frozen=True)
class FeatureSizes:
    """Sizes of the features that systems and localisers take."""

    audio_dim: int = option(128, "audio features d_a of a segment")
    visual_dim: int = option(512, "visual features d_v of a position")
    height: int = option(7, "positions of the visual map, h")
    width: int = option(7, "positions of the visual map, w")


@dataclass(frozen=True)
class RadioConfig(FeatureSizes):
    """The fields of the configurations of all radio systems."""

    terminals: str = option("audio+video", "terminals of the system: audio+video, audio or video")
    symbols: int = option(64, "complex symbols L per segment and terminal")

    @property
    def rates(self) -> tuple[int, ...]:
        """Numbers of symbols per second that the network can send, the largest last."""
        return (self.symbols,)


def check_attention(config) -> None:
    """SemcomError for an unknown attention."""
    if config.attention not in ATTENTIONS:
        raise SemcomError(
            f"attention {config.attention!r}: expected one of {', '.join(ATTENTIONS)}"
        )


ATTENTION_HELP = (
    "how the received sound guides the visual attention: additive: a term of the scores; product: "
    "also the dot product of a query with each position's key"
)


@dataclass(frozen=True)
class PilotAvePlusConfig(RadioConfig):
    """Sizes of the network, and constraints of its symbols."""

    hidden: int = option(256, "units of the hidden layers of encoders and decoders")
    attention_hidden: int = option(128, "hidden width of the attention's scores")
    heads: int = option(4, "heads of the attention")
    dropout: float = option(0.2, "share of features dropped in training")
    attention: str = option("additive", ATTENTION_HELP, choices=ATTENTIONS, only=(SEES,))
    nested: bool = option(
        False, "one network for several --symbols: the first 4, 8, 16, ... symbols are a payload"
    )
    gated: bool = option(
        False, "terminals also score their seconds, for --by-content", only=(NESTED,)
    )
    peak: float = option(
        0.0, "peak power of a symbol relative to the mean of a clip, 1 or more; 0: any", unit="dB"
    )
    redundancy: float = option(
        1.0,
        "number of seconds of a clip that count as one independent second, 1 or more: larger "
        "values lower the confidence of the decision",
    )

    def __post_init__(self):
        check_config(self)
        check_attention(self)
        if not self.redundancy >= 1:
            raise SemcomError(f"redundancy {self.redundancy:g}: expected 1 or more")
        if self.nested and self.symbols < SHORTEST:
            raise SemcomError(f"symbols {self.symbols}: nested needs at least {SHORTEST}")
        if self.gated and self.symbols < TIMES * SHORTEST:
            raise SemcomError(
                f"symbols {self.symbols}: gated needs at least {TIMES * SHORTEST}, since chosen "
                f"seconds have {TIMES} times the symbols of the others"
            )
        if self.peak and self.peak < 1:
            raise SemcomError(f"peak {self.peak:g}: expected 1 dB or more (or 0: any)")

    @property
    def rates(self) -> tuple[int, ...]:
        """Symbols per second and terminal that the network can send, in increasing order:
        ``symbols``, and if it is nested the powers of two below it, from SHORTEST on."""
        if not self.nested:
            return (self.symbols,)
        doubled = [SHORTEST << k for k in range(self.symbols.bit_length())]
        return (*(n for n in doubled if n < self.symbols), self.symbols)


@dataclass(frozen=True)
class DigitalFeaturesConfig(FeatureSizes):
    """Sizes of the network and of its quantiser."""

    hidden: int = option(256, "units of the hidden layers of encoders and decoders")
    attention_hidden: int = option(128, "hidden width of the attention's scores")
    heads: int = option(4, "heads of the attention")
    dropout: float = option(0.1, "share of features dropped in training")
    latent: int = option(16, "numbers per second and terminal that are quantised")
    stages: int = option(40, "stages of the quantiser, 8 bits per clip each")
    seconds: int = option(10, "length of a clip", unit="s")

    def __post_init__(self):
        check_config(self)


@dataclass(frozen=True)
class PilotAveConfig(RadioConfig):
    """Sizes of the network; the defaults are the paper's, as far as it states them."""

    audio_lstm: int = option(512, "units of the audio semantic encoder's LSTM")
    audio_channel: int = option(256, "units of the audio channel encoder's first dense layer")
    attention_width: int = option(512, "shared width of the attention's embeddings M_v, M_a")
    attention_hidden: int = option(49, "hidden width of the attention's scores")
    video_channel: int = option(256, "channels of the video channel encoder's first Conv2D")
    audio_decoder: int = option(256, "units of the audio channel decoder")
    video_decoder: int = option(512, "channels of the video channel decoder")
    common_dim: int = option(256, "features of both modalities before PSP")
    picture_dim: int = option(
        0, "features of the picture before the semantic decoder; 0: common_dim"
    )
    linear: bool = option(
        False, "add a linear layer in parallel to each channel encoder and decoder"
    )
    video_kernel: int = option(1, "kernel of the Conv2D blocks in time [segments]")
    recurrent: int = option(
        0, "units of BiLSTMs before PSP per direction; 0: none, as in the paper"
    )
    classifier: int = option(64, "units of the classifier's hidden layer")
    dropout: float = option(0.1, "share of features dropped in training")
    decoder: str = option(
        "psp",
        "semantic decoder at the receiver; psp: the paper's; psp_localiser: all of Zhou et al.'s",
        choices=DECODERS,
    )
    setting: str = option(
        "sel",
        "labels for training the decoder: sel (each second's), wsel (only the clip's event; not "
        "with psp)",
        choices=OVER_LINK,
    )
    spatial: str = option(
        "terminal",
        "place of the spatial attention of co-attention: at the video terminal, which sends F^av Z "
        "(terminal) or the audio weights computed from it (weights); or at the receiver, on a "
        "small map that is sent (map)",
        choices=SPATIAL,
        only=(CO_ATTENTION,),
    )
    attention: str = option(
        "additive",
        ATTENTION_HELP + " (the paper's is additive)",
        choices=ATTENTIONS,
        only=(SEES,),
    )

    def __post_init__(self):
        check_config(self, may_be_zero=("recurrent", "picture_dim"))
        check_attention(self)
        if self.decoder == "coattention" and self.attention != "additive":
            raise SemcomError(f"attention {self.attention}: coattention has its own; leave it out")
        if self.decoder not in DECODERS:
            raise SemcomError(f"decoder {self.decoder!r}: expected one of {', '.join(DECODERS)}")
        if self.setting not in OVER_LINK:
            raise SemcomError(f"setting {self.setting!r}: expected {' or '.join(OVER_LINK)}")
        if self.decoder == "psp" and self.setting != "sel":
            raise SemcomError(
                f"setting {self.setting}: decoder psp has only sel; give decoder psp_localiser"
            )
        if self.decoder != "psp" and self.terminals != "audio+video":
            raise SemcomError(f"decoder {self.decoder}: needs both terminals; psp works with one")
        if self.spatial not in SPATIAL:
            raise SemcomError(f"spatial {self.spatial!r}: expected one of {', '.join(SPATIAL)}")
        if self.spatial == "map" and self.linear:
            raise SemcomError(
                "linear: not with spatial map, whose regions are sent separately; leave it out"
            )
        if self.spatial == "map" and 2 * self.symbols < CELLS**2:
            raise SemcomError(f"symbols {self.symbols}: a map needs at least {CELLS**2 // 2 + 1}")


@dataclass(frozen=True)
class DeepSCConfig:
    """Sizes of the network."""

    symbols: int = option(6, "complex symbols per token")
    width: int = option(192, "features of a token")
    heads: int = option(6, "attention heads; divide the width")
    hidden: int = option(768, "hidden units of each layer's dense part")
    encoder_layers: int = option(2, "Transformer layers of the sender")
    decoder_layers: int = option(5, "Transformer layers of the receiver")
    dropout: float = option(0.0, "share of features dropped in training")

    def __post_init__(self):
        check_config(self)
        if self.width % self.heads:
            raise SemcomError(f"heads {self.heads}: expected a divisor of width {self.width}")
        if self.width % 2:
            raise SemcomError(f"width {self.width}: expected an even number")


@dataclass(frozen=True)
class M3EConfig:
    """Sizes of the networks of m3e_vsc."""

    width: int = option(128, "features of a token of the Transformers")
    heads: int = option(4, "attention heads; divide the width")
    hidden: int = option(256, "hidden units of each Transformer layer's dense part")
    layers: int = option(3, "Transformer layers of each encoder and decoder")
    dropout: float = option(0.0, "share of features dropped in training")
    codes: int = option(512, "codes of a stage of the codebooks")
    stages: int = option(4, "stages of the codebooks")
    picture_dim: int = option(64, "numbers of a latent of pictures")
    picture_symbols: int = option(9, "complex symbols of each of a picture's 64 latents, at most")
    sound_dim: int = option(32, "numbers of a latent of sounds")
    sound_symbols: int = option(4, "complex symbols of each of a second's 200 latents, at most")
    text_symbols: int = option(120, "complex symbols of a sentence, at most")

    def __post_init__(self):
        check_config(self)
        if self.width % self.heads:
            raise SemcomError(f"heads {self.heads}: expected a divisor of width {self.width}")


@dataclass(frozen=True)
class LocaliserConfig(FeatureSizes):
    """The fields of the configurations of all localisers."""

    setting: str = option(
        "sel",
        "task and labels of training: sel (each second's event), wsel (only the clip's event), "
        "wsel_proportions (number of seconds of each class), cml (cross-modal localisation)",
        choices=SETTINGS,
    )
    loss: str = option("", "training loss (training/losses.py); default: the published one")
    dropout: float = option(0.1, "share of features dropped in training")

    def __post_init__(self):
        check_config(self)
        if self.setting not in SETTINGS:
            raise SemcomError(f"setting {self.setting!r}: expected one of {', '.join(SETTINGS)}")


@dataclass(frozen=True)
class AVELConfig(LocaliserConfig):
    """The published sizes, common to AVEL, PSP and VSCG."""

    attention_width: int = option(512, "shared width of the attention's embeddings M_v, M_a")
    attention_hidden: int = option(49, "hidden width of the attention's scores")
    position_axis: bool = option(
        False, "add the attention's audio term along the positions, to reproduce published results"
    )
    recurrent: int = option(128, "units of the BiLSTMs per direction")
    classifier: int = option(64, "units of the classifier's hidden layer")
    propagate: bool = option(False, "positive sample propagation between the modalities (PSP)")
    consistency: str = option(
        "",
        "event semantic consistency (ESCM), by where its GRUs start from; '': none",
        choices=CONSISTENCY,
    )
    late_dropout: float = option(0.2, "share of features dropped after ESCM")

    def __post_init__(self):
        super().__post_init__()
        positions = self.height * self.width
        if self.position_axis and self.attention_hidden != positions:
            raise SemcomError(
                f"attention_hidden {self.attention_hidden}: position_axis needs the number of "
                f"positions, {positions}"
            )
        if self.consistency not in CONSISTENCY:
            raise SemcomError(
                f"consistency {self.consistency!r}: expected one of {', '.join(CONSISTENCY[1:])}"
            )


@dataclass(frozen=True)
class PSPConfig(AVELConfig):
    """Sizes of PSP, which also has linear layers around the attention."""

    propagate: bool = option(True, "positive sample propagation between the modalities (PSP)")
    projection: int = option(256, "units between the two linear layers of each modality")
    common_dim: int = option(128, "features of both modalities before the BiLSTMs")


@dataclass(frozen=True)
class VSCGConfig(PSPConfig):
    """Sizes of VSCG, which is PSP with ESCM."""

    dropout: float = option(0.2, "share of features dropped in training")
    consistency: str = option(
        "cere",
        "event semantic consistency (ESCM), by where its GRUs start from; '': none",
        choices=CONSISTENCY,
    )


@dataclass(frozen=True)
class SpanConfig(LocaliserConfig):
    """Sizes of the span localiser; the switches remove parts, for ablation."""

    hidden: int = option(160, "units of the hidden layers")
    code: int = option(32, "units of the bottleneck of each member and modality")
    attention_hidden: int = option(128, "hidden width of the attention's scores")
    heads: int = option(4, "heads of the attention")
    members: int = option(3, "number of networks after the attention whose evidence is averaged")
    dropout: float = option(0.2, "share of features dropped in training")
    presence: bool = option(True, "evidence for any event in each segment (not in wsel)")
    joint: bool = option(True, "decide for the whole clip; no: for each segment separately")


@dataclass(frozen=True)
class CoAttentionConfig(LocaliserConfig):
    """The sizes of Table I of Xue et al.; the switches are the rows of its Table V."""

    attention_width: int = option(512, "units of the first layers of f1 and f2")
    attention_hidden: int = option(49, "common channels C_a2 = C_v2 of CSPA")
    recurrent: int = option(128, "units of the BiLSTMs per direction")
    classifier: int = option(64, "units of the classifiers' hidden layer")
    parts: str = option("cspa+csea", "streams of the network", choices=PARTS)
    audio_attention: bool = option(True, "attention of the sound in CSPA; no: row CSPA /aa")
    visual_to_audio: bool = option(True, "the picture raises the sound in CSEA; no: row CSEA /v2a")
    audio_to_visual: bool = option(True, "the sound raises the picture in CSEA; no: row CSEA /a2v")
    gate: str = option("softmax", "gate of CSEA over the channels", choices=GATES)
    balance: float = option(
        -1.0,
        "lambda, weight of CSPA's loss relative to CSEA's; default: the paper's for the setting",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.parts not in PARTS:
            raise SemcomError(f"parts {self.parts!r}: expected one of {', '.join(PARTS)}")
        if self.gate not in GATES:
            raise SemcomError(f"gate {self.gate!r}: expected softmax or sigmoid")
        if self.balance > 1 or (self.balance < 0 and self.balance != -1):
            raise SemcomError(f"balance {self.balance}: expected 0 to 1 (or -1: the paper's)")
