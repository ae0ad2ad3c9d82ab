# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The receiver's channel and semantic decoders as a block."""

import numpy as np
import torch

from ..phy.csi import mean_no_eff, unpack
from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM
from .system_block import SystemBlock


def frame_noise(frame, streams: int) -> np.ndarray:
    """Effective noise variance [K] of a frame from its ``csi`` tags, each valid up to the next.

    Zero where no tag tells it (a receiver without channel estimation).
    """
    if not frame.csi:
        return np.zeros(streams, np.float32)
    starts = np.array([offset for offset, _ in frame.csi])
    spans = np.diff(np.append(starts, len(frame.items)))
    noise = np.stack([unpack(vector).no_eff.numpy() for _, vector in frame.csi])
    return mean_no_eff(noise, spans)


class semantic_decoder(SystemBlock):
    """Detected symbols to the outcome of each frame.

    Inputs    K complex64 streams, frames of symbols, with ``csi`` tags on input 0
    Output 0  items of the system's outcome, frames of the same numbers: of the task events
              float32 vectors of C probabilities, one for each second
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", max_batch=16):
        net = shared_system(system, str(checkpoint), device)
        SystemBlock.__init__(
            self,
            "semantic_decoder",
            [np.complex64] * len(net.topology),
            [net.outcome_item],
            system,
            checkpoint,
            device,
            max_batch,
        )

    def infer(self, run):
        streams = len(self.net.topology)
        ports = [self.stack(run, port) for port in range(streams)]
        noise = torch.from_numpy(np.stack([frame_noise(frames[0], streams) for frames in run]))
        noise = noise.to(self.device)
        if self.net.ragged:
            symbols = [torch.stack(frame) for frame in zip(*ports, strict=True)]
            return [[items.cpu().numpy() for items in self.net.outcome(symbols, list(noise))]]
        return [self.net.outcome(torch.stack(ports, 1), noise).cpu().numpy()]
