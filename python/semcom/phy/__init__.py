# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The radio link in differentiable Torch, equal to the C++ in ``lib/phy``, without GNU Radio.
``coding`` is the interface to the classical channel coding, which is in C++ only; ``bounds`` and
``cones`` (NumPy) bound the number of bits that the channels can carry.

Signal model, used everywhere::

    Y = g e^(j theta) (H X + N),   X in C^(K x L),  H in C^(M x K),  Y, N in C^(M x L)

X has unit average power per stream, N ~ CN(0, N0) with N0 = 10^(-SNR/10) the *total* complex
variance, so the SNR is per stream at each antenna.  Public tensors are complex64/float32; small
solves use complex128.
"""
