# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Time Sionna's zf_equalizer on one thread: each input line is answered with one call's seconds."""

import sys
import time

import numpy as np
import torch
from sionna.phy.mimo import zf_equalizer


def main() -> None:
    torch.set_num_threads(1)
    with np.load(sys.argv[1]) as file:
        y = torch.from_numpy(file["y"]).transpose(1, 2).contiguous()
        h = torch.from_numpy(file["h"])[:, None]  # one H for all vectors of a frame
        s = float(file["noise"]) * torch.eye(y.shape[-1], dtype=y.dtype).expand(len(y), 1, -1, -1)
    zf_equalizer(y, h, s)  # warm
    for _ in sys.stdin:
        began = time.perf_counter()
        zf_equalizer(y, h, s)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
