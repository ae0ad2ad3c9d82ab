# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The receiver's channel and semantic decoders as a block."""

import numpy as np
import torch

from ..phy.csi import mean_no_eff, unpack
from ..systems.registry import DEFAULT_SYSTEM
from .system_block import SystemBlock, shared_system


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
    """Detected symbols to the probabilities of the events of each second.

    Inputs    K complex64 streams, frames of T*L symbols, with ``csi`` tags on input 0
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
        noise = torch.from_numpy(np.stack([frame_noise(frames[0], streams) for frames in run]))
        logits = self.net.decode(
            symbols.unflatten(2, (-1, self.net.symbols)), noise.to(symbols.device)
        )
        return [logits.softmax(-1).cpu().numpy()]
