# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window onto media that are shown again: live, beside what was sent, with the sentence that
was read."""

from dataclasses import dataclass

import numpy as np

from ..blocks.guard import guarded
from ..blocks.media_source import sent_of, shared_store
from ..media.clip import Media
from ..media.side_by_side import SMALLEST, Caption, Captions, draw, picture_at
from ..media.store import NOTHING, STORE
from .displays import _Display
from .media_comparison import shown_of
from .player import _Player, show_view, size_of_view

WAITING = Caption("waiting for the first clip")


@dataclass(frozen=True)
class _Clip:
    """A clip that came: what was sent, None where it is not known; what is shown, None where
    nothing of it came; a caption for each second."""

    frame: int
    sent: Media | None
    shown: Media | None
    captions: list[Caption]

    def length(self) -> int:
        """[s]"""
        return len(self.captions)

    def caption(self, now: float) -> Caption:
        """That of the second that is played."""
        return self.captions[min(int(now), len(self.captions) - 1)]


class generative_display(_Player, _Display):
    """The pictures of the last clip that came beside those that were sent; below them the sentence
    that was read, the symbols that a second took, and xi of the last minute (of systems that send
    no sentences, SSIM).

    Message port ``judgement``: dicts of semantic_decoder with ``frame`` and ``media``, the handle
    of what is shown, as of the systems m3e_vsc and digital

    store    name of the media source's store, which holds what was sent; '' where that is not in
             this process
    caption  what is between, in words

    A clip is played as media_display plays it.  Sound is not played: media_sink writes it.
    """

    def __init__(self, store="media", caption=""):
        self.store = shared_store(store) if store else None
        if self.store:
            self.store.watch()
        self._captions = Captions(caption)
        ports = {"judgement": self._on_judgement}
        _Display.__init__(self, "generative_display", ports, (640, 360))
        self._open_player()

    def set_caption(self, caption: str) -> None:
        """What is said from the next clip on."""
        self._captions.told = caption

    @guarded
    def _on_judgement(self, message):
        frame, handle = shown_of(message)
        shown = None if handle == NOTHING else STORE.get(handle)
        sent = sent_of(self.store, frame)
        self._offer(_Clip(frame, sent, shown, self._captions.of(sent, shown)))

    def view(self, width: int, height: int) -> np.ndarray:
        """What is shown now, [height, width, 3] uint8; in Qt's thread."""
        now, clip = self._advance(), self.playing
        if clip is None:
            return draw(None, None, WAITING, width, height)
        pictures = (picture_at(media, now) for media in (clip.sent, clip.shown))
        return draw(*pictures, clip.caption(now), width, height)

    def _paint(self, painter, width, height):
        show_view(painter, self.view(*size_of_view(width, height, SMALLEST)), width, height)
