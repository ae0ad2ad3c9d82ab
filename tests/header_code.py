# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The code of a burst's header, spelt out in NumPy."""

import numpy as np


def naive_code(text, repeats):
    """CRC, convolution by polynomials, scrambler and interleaver, one line each."""
    n = len(text)
    value = (int(text, 2) ^ (0xFFFF << (n - 16))) << 16  # a register that starts with ones
    for bit in range(n + 15, 15, -1):
        if value >> bit & 1:
            value ^= 0x11021 << (bit - 16)
    message = [int(bit) for bit in text + f"{value:016b}"]
    streams = [
        np.convolve(message, [int(b) for b in f"{g:07b}"])[: n + 22] % 2 for g in (0o133, 0o171)
    ]
    coded = np.stack(streams, 1).ravel()
    state = [1] * 7
    for c in range(len(coded)):
        bit = state[6] ^ state[3]
        state = [bit, *state[:6]]
        coded[c] ^= bit
    order = (61 * np.arange(len(coded)) + 37 * np.arange(repeats)[:, None]) % len(coded)
    pairs = 1 - 2 * coded[order].reshape(-1, 2)
    return pairs @ [1, 1j] / np.sqrt(2)
