# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The radio link in differentiable Torch, equal to the C++ in ``lib/phy``, and the face of the
classical channel coding (``coding``), which is C++ alone: no GNU Radio in here.  What its channels
can carry at most (``bounds``, ``cones``) is NumPy alone.

Signal model, used everywhere::

    Y = g e^(j theta) (H X + N),   X in C^(K x L),  H in C^(M x K),  Y, N in C^(M x L)

X has unit average power per stream, N ~ CN(0, N0) with N0 = 10^(-SNR/10) the *total* complex
variance, so the SNR is per stream at each antenna.  Public tensors are complex64/float32; small
solves use complex128.
"""
