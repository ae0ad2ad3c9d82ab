# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A sink for received media: writes a film of the sent beside the received clips."""

from contextlib import ExitStack

from ..base.files import check_writable
from ..media.store import HANDLE_ITEM, NOTHING, STORE
from ..media.video import check_video
from ..protocol.turns import Turns
from .frame_block import FrameBlock
from .guard import guarded
from .media_source import sent_of, shared_store


class media_sink(FrameBlock):
    """Keeps the last received clip, and writes all clips into an mp4 film beside the sent ones,
    with the received sound.  They are written as they come, so that memory does not grow.

    Input 0  handles of the received clips (``semcom.media.store``), a frame per clip, from
             semantic_decoder

    ``last`` is (frame, sent media, received media), with None for media that are unknown or lost;
    ``received`` counts the frames.  A missing frame is drawn as lost once eight later ones came, or
    at the end.  The file is complete when the flowgraph has stopped.

    path     path of the mp4; '': write none
    store    name of the media source's store, which holds the sent clips; '': they are not in this
             process
    caption  text that describes the link between the two pictures
    """

    def __init__(self, path="", store="media", caption=""):
        FrameBlock.__init__(self, "media_sink", [HANDLE_ITEM], [])
        self.path, self.caption = str(path), caption
        if self.path:
            check_video(self.path)
            check_writable(self.path)
        self.store = shared_store(store) if store else None
        if self.store:
            self.store.watch()
        self.start()

    def start(self) -> bool:
        """Forgets the clips of an earlier start of the flowgraph."""
        self.received, self.last = 0, (None, None, None)
        self._turns, self._open, self._film = Turns(), ExitStack(), None
        return FrameBlock.start(self)

    @guarded
    def stop(self) -> bool:
        """Closes the film."""
        with self._open:
            self._write(self._turns.rest(0))
        return True

    def process(self, batch):
        for (frame,) in batch:
            handle = int(frame.items[0, 0])
            shown = None if handle == NOTHING else STORE.get(handle)
            self.last = frame.number, sent_of(self.store, frame.number), shown
            self.received += 1
            if self.path:
                self._write(self._turns.take(frame.number, shown))
        return []

    def _write(self, due: list) -> None:
        for number, shown in due:
            if self._film is None:
                from ..media.side_by_side import side_by_side  # Matplotlib, for films alone

                told = ", ".join(filter(None, (self.caption, "the sound is the received one")))
                self._film = self._open.enter_context(side_by_side(self.path, told))
            self._film.add(sent_of(self.store, number), shown)
