# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of what is sent: a set of clips, sentences, or media files."""

from dataclasses import dataclass
from pathlib import Path

from ..base.options import Rule, option
from ..perception.names import AUTO, FEATURES
from .clipset import SPLITS

CLIPS = Rule(lambda point: not point.media, "without --media")
MEDIA = Rule(lambda point: point.media, "with --media")
IN_SPLITS = Rule(
    lambda point: not Path(point.data).is_file(),
    "of a folder or a generated set: a file is sent as it is",
)
VGG = Rule(lambda point: point.features == "vgg", "with --features vgg")


@dataclass(frozen=True)
class SetOptions:
    """What is sent."""

    data: str = option(
        "",
        "folder in the AVE layout, or of raw material to compose clips of; of text, a folder "
        "with files ..._SPLIT.txt or one file, a sentence a line; default: a generated set",
        metavar="DIR", only=(CLIPS,), place=True,
    )  # fmt: skip
    split: str = option("test", "which clips to send", choices=SPLITS, only=(CLIPS, IN_SPLITS))
    media: tuple = option(
        (), "send these files, or v4l2:/dev/video0, in the place of a set", metavar="FILE",
        place=True,
    )  # fmt: skip
    microphone: str = option(
        "", "device of the sound, as alsa:default", metavar="DEVICE", only=(MEDIA,), place=True
    )
    features: str = option(
        AUTO, "networks of the features; auto: those that the system's weights take",
        choices=(AUTO, *FEATURES), only=(MEDIA,),
    )  # fmt: skip
    weights: str = option(
        "", "weights of the features vgg", metavar="DIR", only=(MEDIA, VGG), place=True
    )
