# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A Qt window that shows the sent pictures of a clip, and the received ones below."""

from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np
import pmt
from PyQt5 import QtCore, QtGui

from ..base.errors import SemcomError
from ..blocks.frame_block import FrameBlock
from ..blocks.guard import guarded
from ..media import quality
from ..media.clip import Media
from ..media.side_by_side import picture_at
from ..media.store import HANDLE_ITEM, NOTHING, STORE
from .displays import (
    CENTRE,
    RECENT,
    RIGHT_SIDE,
    _forget,
    _Window,
    _write,
    event_timeline,
)

LABELS, TOP, FOOT, GAP = event_timeline.LABELS, 28, 22, 4  # pixels beside, above, below, between
END = 14  # [pixels] beside the last picture, as in the timeline


@dataclass(frozen=True)
class _Compared:
    """A clip with the middle picture of each of its T seconds.

    sent, shown    T pictures [h, w, 3] uint8 each, in the size of the sent ones
    psnr_db, ssim  [T] each
    why            the reason if there are no pictures
    """

    frame: int
    sent: list = field(default_factory=list)
    shown: list = field(default_factory=list)
    psnr_db: np.ndarray = field(default_factory=lambda: np.zeros(0))
    ssim: np.ndarray = field(default_factory=lambda: np.zeros(0))
    why: str = ""


class media_comparison(_Window, FrameBlock):
    """Shows a picture of each second of the last clip, sent above received, with their SSIM.

    Input 0  handles of sent media (``semcom.media.store``), a frame per clip
    Message port ``judgement``: dicts of semantic_decoder with ``frame`` and ``media``, the handle
    of the received media, as of the system digital

    The picture of a second is the one in its middle, which is sent at a picture rate of 1 Hz.
    Received pictures are shown and compared in the size of the sent ones.  A lost clip is shown as
    mid-grey pictures.
    """

    def __init__(self):
        self.sent, self.shown, self.compared = {}, {}, None
        self.recent = deque(maxlen=RECENT)  # mean SSIM of the last clips
        FrameBlock.__init__(self, "media_comparison", [HANDLE_ITEM], [])
        self._open({"judgement": self._on_judgement}, (700, 200))

    def process(self, batch):
        for (frame,) in batch:
            self.sent[frame.number] = int(frame.items[0, 0])
            _forget(self.sent)
            self._compare(frame.number)
        return []

    @guarded
    def _on_judgement(self, message):
        frame, handle = shown_of(message)
        self.shown[frame] = handle
        _forget(self.shown)
        self._compare(frame)

    def _compare(self, frame: int) -> None:
        """Compare the sent and the received media of a frame, if both are known."""
        if frame not in self.sent or frame not in self.shown:
            return
        handle, other = self.sent.pop(frame), self.shown.pop(frame)
        try:
            sent = STORE.get(handle)
            shown = sent.blank() if other == NOTHING else STORE.get(other)
            self.compared = compare(frame, sent, shown)
            self.recent.append(float(self.compared.ssim.mean()))
        except SemcomError as cause:
            self.compared = _Compared(frame, why=str(cause))
        self.widget.changed.emit()

    def title(self) -> tuple:
        """Two lines of text: the clip, and the last clips together."""
        if self.compared is None:
            return "Pictures: waiting for the first clip", ""
        clip = self.compared
        if clip.why:
            return f"Clip {clip.frame}: {clip.why}", ""
        return (
            f"Clip {clip.frame}: SSIM {clip.ssim.mean():.2f}, PSNR {clip.psnr_db.mean():.1f} dB",
            f"last {len(self.recent)} clips: SSIM {np.mean(self.recent):.2f}",
        )

    def _paint(self, painter, width, height):
        left, right = self.title()
        clip = self.compared
        if clip is None or clip.why:
            _write(painter, (10, 4, width - 10, 22), left, bold=True)
            return
        _write(painter, (10, 4, width / 2, 22), left, bold=True)
        _write(painter, (width / 2, 4, width / 2 - END + 2, 22), right, RIGHT_SIDE)
        step = (width - LABELS - END) / len(clip.sent)
        tall = (height - TOP - FOOT) / 2
        for row, (label, pictures) in enumerate((("sent", clip.sent), ("shown", clip.shown))):
            top = TOP + row * tall
            _write(painter, (10, top, LABELS, tall), label)
            for t, picture in enumerate(pictures):
                _draw(painter, picture, (LABELS + t * step, top, step - GAP, tall - GAP))
        _write(painter, (10, height - FOOT, LABELS, FOOT), "SSIM")
        for t, ssim in enumerate(clip.ssim):
            box = (LABELS + t * step, height - FOOT, step - GAP, FOOT)
            _write(painter, box, f"{ssim:.2f}", CENTRE)


def shown_of(message) -> tuple[int, int]:
    """(frame, handle of the received media) of a judgement of semantic_decoder; ValueError if its
    system has no media."""
    told = pmt.to_python(message)
    if "media" not in told:
        raise ValueError(
            f"frame {told['frame']}: a judgement without media; connect the receiver of a "
            "system with media, such as digital or m3e_vsc"
        )
    return told["frame"], told["media"]


def compare(frame: int, sent: Media, shown: Media) -> _Compared:
    """Compare sent and received media; SemcomError without pictures, or if they are too small for
    SSIM."""
    if not (len(sent.pictures) and len(shown.pictures)):
        raise SemcomError("a clip without pictures; nothing to compare")
    size = sent.pictures.shape[2], sent.pictures.shape[1]
    middles = [second + 0.5 for second in range(sent.seconds)]
    before = [picture_at(sent, at) for at in middles]
    after = [cv2.resize(picture_at(shown, at), size) for at in middles]
    pairs = list(zip(before, after, strict=True))
    ssim = np.array([quality.structural_similarity(*pair)[0] for pair in pairs])
    return _Compared(frame, before, after, np.array([quality.psnr(*p) for p in pairs]), ssim)


def _draw(painter, picture: np.ndarray, box) -> None:
    """Draw a picture in the middle of a box (x, y, width, height), as large as it fits."""
    tall, wide = picture.shape[:2]
    scale = min(box[2] / wide, box[3] / tall)
    size = QtCore.QSizeF(scale * wide, scale * tall)
    corner = QtCore.QPointF(
        box[0] + (box[2] - size.width()) / 2, box[1] + (box[3] - size.height()) / 2
    )
    picture = np.ascontiguousarray(picture)
    image = QtGui.QImage(picture.data, wide, tall, picture.strides[0], QtGui.QImage.Format_RGB888)
    painter.setRenderHint(QtGui.QPainter.SmoothPixmapTransform)
    painter.drawImage(QtCore.QRectF(corner, size), image)
