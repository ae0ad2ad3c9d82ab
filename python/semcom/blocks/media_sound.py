# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The sound of received clips, as a stream that GNU Radio's audio_sink plays."""

import numpy as np

from ..media.spectrum import RATE
from ..media.store import HANDLE_ITEM, NOTHING, STORE
from .frame_block import FrameBlock


class media_sound(FrameBlock):
    """Puts out the sound of received clips one after the other, a second for each of their seconds.

    Input 0   handles of the received clips (``semcom.media.store``), a frame per clip, from
              semantic_decoder
    Output 0  float32 samples, 16 kHz mono, -1 to 1, with ``semcom_frame`` tags; silence for a clip
              that was lost or has no sound
    """

    def __init__(self):
        FrameBlock.__init__(self, "media_sound", [HANDLE_ITEM], [np.float32])

    def process(self, batch):
        return [(frame.number, played(frame.items)) for (frame,) in batch]


def played(items: np.ndarray) -> np.ndarray:
    """Samples [T * 16000] float32 of the clip behind a frame of handles [T, 512]."""
    handle, length = int(items[0, 0]), len(items) * RATE
    sound = np.zeros(length, np.float32)
    if handle != NOTHING:
        heard = STORE.get(handle).sound[:length]
        sound[: len(heard)] = heard
    return sound
