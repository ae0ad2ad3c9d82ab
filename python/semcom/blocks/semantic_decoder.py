# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The receiver's channel and semantic decoders as a block."""

import numpy as np
import torch

from ..phy.csi import expand_no_eff
from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM
from .system_block import SystemBlock


def noise_of(frames: list, streams: int) -> np.ndarray:
    """Effective noise variance of each symbol of frames of equal length, [B, K, n] float32, from
    their ``csi`` tags; [B, K] if it is constant over each frame.

    Zero where no tag tells it (a receiver without channel estimation).
    """
    length = len(frames[0].items)
    silent = np.zeros((streams, length), np.float32)
    noise = [silent if f.csi is None else expand_no_eff(f.csi, length) for f in frames]
    noise = np.stack(noise)
    return noise[..., 0] if (noise == noise[..., :1]).all() else noise


class semantic_decoder(SystemBlock):
    """Detected symbols to the outcome of each frame.

    Inputs    K complex64 streams, frames of symbols, a ``csi`` tag a frame on input 0
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
        symbols = torch.stack([self.stack(run, port) for port in range(streams)], 1)
        noise = torch.from_numpy(noise_of([frames[0] for frames in run], streams))
        outcome = self.net.outcome(symbols, noise.to(symbols.device))
        return [outcome.cpu().numpy()]
