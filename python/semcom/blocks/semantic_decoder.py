# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The receiver's channel and semantic decoders as a block."""

import numpy as np
import torch

from ..phy.csi import expand_no_eff
from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM
from .system_block import SystemBlock


def noise_of(frame, streams: int) -> torch.Tensor:
    """Effective noise variance of each symbol of a frame, [K, n] float32, from its ``csi`` tag.

    Zero where no tag tells it (a receiver without channel estimation).
    """
    length = len(frame.items)
    if frame.csi is None:
        return torch.zeros(streams, length)
    return torch.from_numpy(expand_no_eff(frame.csi, length))


class semantic_decoder(SystemBlock):
    """Detected symbols to the outcome of each frame.

    Inputs    K complex64 streams, frames of symbols, a with one ``csi`` tag each on input 0
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
        noise = [noise_of(frames[0], streams).to(self.device) for frames in run]
        if self.net.ragged:
            symbols = [torch.stack(frame) for frame in zip(*ports, strict=True)]
            return [[items.cpu().numpy() for items in self.net.outcome(symbols, noise)]]
        noise = torch.stack(noise)
        if (noise == noise[..., :1]).all():  # constant: one number a frame and stream
            noise = noise[..., 0]
        return [self.net.outcome(torch.stack(ports, 1), noise).cpu().numpy()]
