# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Time one of Sionna's functions on one thread: time_sionna.py zf|ldpc FILE.npz

For each line on standard input, prints the processor time [s] of one call.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
from sionna.phy.mimo import zf_equalizer


def zf(data) -> Callable:
    """Its zf_equalizer on received vectors y [N, M, n] with channels h [N, M, K]."""
    y = torch.from_numpy(data["y"]).transpose(1, 2).contiguous()
    h = torch.from_numpy(data["h"])[:, None]  # one H for all vectors of a frame
    s = float(data["noise"]) * torch.eye(y.shape[-1], dtype=y.dtype).expand(len(y), 1, -1, -1)
    return lambda: zf_equalizer(y, h, s)


def ldpc(data) -> Callable:
    """Its decoder of the 5G code of k information and n coded bits, min-sum, on words +-1 in the
    noise [N, n] of a variance."""
    encoder = LDPC5GEncoder(int(data["k"]), data["noise"].shape[1])
    decoder = LDPC5GDecoder(encoder, cn_update="minsum", num_iter=int(data["iterations"]))
    noise, variance = torch.from_numpy(data["noise"]), float(data["variance"])
    bits = torch.randint(0, 2, (len(noise), int(data["k"]))).float()
    llrs = 2 / variance * (2 * encoder(bits) - 1 + noise)  # its ratios are ln P(1) / P(0)
    return lambda: decoder(llrs)


def main() -> None:
    torch.set_num_threads(1)
    with np.load(sys.argv[2]) as file:
        call = {"zf": zf, "ldpc": ldpc}[sys.argv[1]](file)
    call()  # warm
    for _ in sys.stdin:
        began = time.process_time()
        call()
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main()
