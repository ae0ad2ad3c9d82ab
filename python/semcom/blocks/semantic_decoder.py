# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The receiver's channel and semantic decoders as a block."""

import numpy as np
import torch

from ..nets.registry import DEFAULT_SYSTEM
from ..phy.csi import expand_no_eff
from .system_block import SystemBlock, shared_system


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
    """Detected symbols to the probabilities of the events of each second.

    Inputs    K complex64 streams, frames of T*L symbols, a ``csi`` tag a frame on input 0
    Output 0  float32 vectors of C probabilities (28 events and background), frames of T items
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", max_batch=16):
        net = shared_system(system, str(checkpoint), device)
        SystemBlock.__init__(
            self,
            "semantic_decoder",
            [np.complex64] * len(net.terminals),
            [(np.float32, len(net.classes))],
            system,
            checkpoint,
            device,
            max_batch,
        )

    def infer(self, run):
        streams = len(self.net.terminals)
        symbols = torch.stack([self.stack(run, port) for port in range(streams)], 1)
        if symbols.shape[2] % self.net.symbols:
            raise ValueError(
                f"a frame of {symbols.shape[2]} symbols is no multiple of the "
                f"{self.net.symbols} symbols a segment that this checkpoint sends"
            )
        noise = torch.from_numpy(noise_of([frames[0] for frames in run], streams))
        logits = self.net.decode(
            symbols.unflatten(2, (-1, self.net.symbols)), noise.to(symbols.device)
        )
        return [logits.softmax(-1).cpu().numpy()]
