# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The options of the source: a set of clips, sentences, or media files."""

from dataclasses import dataclass
from pathlib import Path

from ..base.options import Rule, option
from ..perception.names import AUTO, FEATURES
from .clipset import SPLITS

CLIPS = Rule(lambda point: not point.media, "without --media")
MEDIA = Rule(lambda point: point.media, "with --media")
IN_SPLITS = Rule(
    lambda point: not Path(point.data).is_file(),
    "with a folder or a generated set; a file has no splits",
)
VGG = Rule(lambda point: point.features == "vgg", "with --features vgg")


@dataclass(frozen=True)
class SetOptions:
    """Source."""

    data: str = option(
        "",
        "folder in the AVE layout, or of raw material from which clips are composed; for text, a "
        "folder with files ..._SPLIT.txt, or a file, a sentence per line; default: a generated set",
        metavar="DIR", only=(CLIPS,), place=True,
    )  # fmt: skip
    split: str = option("test", "split of the set to send", choices=SPLITS, only=(CLIPS, IN_SPLITS))
    media: tuple = option(
        (), "media files or a camera (v4l2:/dev/video0) to send instead of a set", metavar="FILE",
        place=True,
    )  # fmt: skip
    microphone: str = option(
        "",
        "device for the sound of a camera, such as alsa:default",
        metavar="DEVICE",
        only=(MEDIA,),
        place=True,
    )
    features: str = option(
        AUTO, "feature networks for picture and sound; auto: those that fit the system's weights",
        choices=(AUTO, *FEATURES), only=(MEDIA,),
    )  # fmt: skip
    weights: str = option(
        "",
        "folder with the weights of the feature networks vgg",
        metavar="DIR",
        only=(MEDIA, VGG),
        place=True,
    )
