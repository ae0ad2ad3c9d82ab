# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window that plays received media beside the sent ones, with the received sentence."""

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
    """A clip: sent media (None if unknown), received media (None if lost), and a caption for each
    second."""

    frame: int
    sent: Media | None
    shown: Media | None
    captions: list[Caption]

    def length(self) -> int:
        """[s]"""
        return len(self.captions)

    def caption(self, now: float) -> Caption:
        """The caption of the second that is played."""
        return self.captions[min(int(now), len(self.captions) - 1)]


class generative_display(_Player, _Display):
    """Plays the last received clip beside the sent one; below are the received sentence, the
    symbols per second, and xi of the last minute (SSIM for systems without sentences).

    Message port ``judgement``: dicts of semantic_decoder with ``frame`` and ``media``, the handle
    of the received media, as of the systems m3e_vsc and digital

    store    name of the media source's store, which has the sent media; '': they are not in this
             process
    caption  text that describes the link

    A clip is played as in media_display.  Sound is not played: use media_sound or media_sink.
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
        """Sets the caption, from the next clip on."""
        self._captions.told = caption

    @guarded
    def _on_judgement(self, message):
        frame, handle = shown_of(message)
        shown = None if handle == NOTHING else STORE.get(handle)
        sent = sent_of(self.store, frame)
        self._offer(_Clip(frame, sent, shown, self._captions.of(sent, shown)))

    def view(self, width: int, height: int) -> np.ndarray:
        """The present picture of the window, [height, width, 3] uint8; call it in Qt's thread."""
        now, clip = self._advance(), self.playing
        if clip is None:
            return draw(None, None, WAITING, width, height)
        pictures = (picture_at(media, now) for media in (clip.sent, clip.shown))
        return draw(*pictures, clip.caption(now), width, height)

    def _paint(self, painter, width, height):
        show_view(painter, self.view(*size_of_view(width, height, SMALLEST)), width, height)
