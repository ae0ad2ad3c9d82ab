# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The end of a chain that shows media again: a film of what was sent and what is shown."""

from contextlib import ExitStack

from ..base.files import check_writable
from ..media.store import HANDLE_ITEM, NOTHING, STORE
from ..media.video import check_video
from ..protocol.turns import Turns
from .frame_block import FrameBlock
from .guard import guarded
from .media_source import sent_of, shared_store


class media_sink(FrameBlock):
    """Keeps the last clip that is shown, and writes all into an mp4, beside what was sent and with
    the sound that was received; as they come, so that memory does not grow.

    Input 0  handles of what is shown (``semcom.media.store``), a frame a clip, as semantic_decoder
             gives them

    ``last`` is (frame, sent, shown): media, None where they are not known or nothing came;
    ``received`` counts the frames.  One that does not come is drawn as lost once eight later ones
    came, or at the end.  The file is whole when the flowgraph has stopped.

    path     of the mp4; '' for none
    store    name of the media source's store, which holds what was sent; '' where that is not in
             this process
    caption  what is between, in words
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
        """Each start of the flowgraph begins anew."""
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
