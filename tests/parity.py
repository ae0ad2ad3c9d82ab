# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The parity-check matrix of an LDPC code written out, and in the form that gr-fec reads."""

import numpy as np
from gnuradio.semcom import core


def dense(code: core.LdpcCode) -> np.ndarray:
    """H, uint8 [n - k, n]: row r of a block of shift s has its one in column r + s."""
    z, r = code.z, np.arange(code.z)
    h = np.zeros((code.n - code.k, code.n), np.uint8)
    for i, j in np.argwhere(code.prototype >= 0):
        h[i * z + r, j * z + (r + code.prototype[i, j]) % z] = 1
    return h


def alist(h: np.ndarray) -> str:
    """H in MacKay's format, which gr-fec reads."""
    columns = [np.flatnonzero(column) + 1 for column in h.T]
    rows = [np.flatnonzero(row) + 1 for row in h]
    lines = [[h.shape[1], h.shape[0]], [max(map(len, columns)), max(map(len, rows))]]
    lines += [[len(each) for each in columns], [len(each) for each in rows]]
    for group in (columns, rows):
        widest = max(map(len, group))
        lines += [[*each, *[0] * (widest - len(each))] for each in group]
    return "\n".join(" ".join(map(str, line)) for line in lines) + "\n"
