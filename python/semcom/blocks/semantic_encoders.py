# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The two terminals' semantic and channel encoders as blocks."""

import time

import numpy as np
import pmt

from ..systems.registry import DEFAULT_SYSTEM
from .system_block import SystemBlock, shared_system

ATTENTION = pmt.intern("attention")


class audio_semantic_encoder(SystemBlock):
    """Audio features to complex symbols.

    Input 0   float32 vectors of d_a, frames of T items
    Output 0  complex64, frames of T*L symbols of unit average power, time-major
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", max_batch=16):
        net = shared_system(system, str(checkpoint), device)
        SystemBlock.__init__(
            self,
            "audio_semantic_encoder",
            [(np.float32, net.config.audio_dim)],
            [np.complex64],
            system,
            checkpoint,
            device,
            max_batch,
        )

    def infer(self, run):
        symbols = self.net.encode_audio(self.stack(run, 0))
        return [symbols.flatten(1).cpu().numpy()]


class video_semantic_encoder(SystemBlock):
    """Visual features, and the audio heard over the feedback link, to complex symbols.

    Input 0   float32 vectors of h*w*d_v, frames of T items
    Input 1   complex64, frames of T*L detected audio symbols (absent for a video-only system)
    Output 0  complex64, frames of T*L symbols of unit average power, time-major

    A feedback frame that is missing (its number is skipped, it is ``feedback_timeout`` seconds
    late, 0 waits for ever, or ``go_without(number)`` says so, if given) leaves its clip unguided,
    and ``unguided`` counts it; one that comes after its clip was sent is dropped, and ``late``
    counts it.

    Message port ``attention``: a dict per frame with ``frame``, ``grid`` (T, h, w) and ``heat``,
    T*h*w numbers: where it looked, as a share of the highest of each second.  Worked out only
    while somebody listens.
    """

    def __init__(
        self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", feedback_timeout=0.0,
        go_without=None, max_batch=16,
    ):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        config = net.config
        self.grid = (config.height, config.width, config.visual_dim)
        self.guided = "audio" in net.terminals
        inputs = [(np.float32, int(np.prod(self.grid)))] + [np.complex64] * self.guided
        self.feedback_timeout, self.go_without = feedback_timeout, go_without
        self.unguided = self.late = 0
        self._waiting_since = None
        SystemBlock.__init__(
            self,
            "video_semantic_encoder",
            inputs,
            [np.complex64],
            system,
            checkpoint,
            device,
            max_batch,
        )
        self.message_port_register_out(ATTENTION)

    def forecast(self, noutput_items, ninputs):
        """Where it may go without, feedback is never required: it is called while a clip waits."""
        required = SystemBlock.forecast(self, noutput_items, ninputs)
        if self.guided and (self.feedback_timeout or self.go_without):
            required[1] = 0
        return required

    def match(self):
        if not self.guided:
            return SystemBlock.match(self)
        clips, heard = (box.ready for box in self.inboxes)
        batch = []
        while clips and len(batch) < self.max_batch:
            while len(heard) > 1 and heard[1].number < heard[0].number:
                heard.popleft()  # the other terminal started again, or a number was wrong
                self.late += 1
            while heard and heard[0].number < clips[0].number:
                heard.popleft()
                self.late += 1
            if heard:
                same = heard[0].number == clips[0].number
                batch.append((clips.popleft(), heard.popleft() if same else None))
            elif self._timed_out() or (self.go_without and self.go_without(clips[0].number)):
                batch.append((clips.popleft(), None))
            else:
                break
            self._waiting_since = None
        self.unguided += sum(frames[1] is None for frames in batch)
        if clips and not batch and (self.feedback_timeout or self.go_without):
            time.sleep(0.002)  # polled: a waiting block is woken by its inputs alone
        return batch

    def _timed_out(self) -> bool:
        if not self.feedback_timeout:
            return False
        now = time.monotonic()
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._waiting_since > self.feedback_timeout

    def infer(self, run):
        visual = self.stack(run, 0).unflatten(2, self.grid)
        heard = None
        if self.guided and run[0][1] is not None:
            heard = self.stack(run, 1).unflatten(1, (visual.shape[1], -1))
        if pmt.is_pair(self.message_subscribers(ATTENTION)):
            self._tell([frames[0].number for frames in run], self.net.guide(visual, heard))
        symbols = self.net.encode_video(visual, heard)
        return [symbols.flatten(1).cpu().numpy()]

    def _tell(self, numbers: list, attention) -> None:
        """Publish where it looked, [B, T, h, w], of frames by their numbers."""
        heat = attention / attention.amax((2, 3), keepdim=True)
        for number, shares in zip(numbers, heat.flatten(1).cpu().numpy(), strict=True):
            told = {
                "frame": number,
                "grid": list(heat.shape[1:]),
                "heat": shares.astype(float).tolist(),
            }
            self.message_port_pub(ATTENTION, pmt.to_pmt(told))
