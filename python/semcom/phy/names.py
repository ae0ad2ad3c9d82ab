# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of channels, estimators, detectors, pilots; importing this module does not load Torch."""

CHANNELS = ("none", "awgn", "rayleigh", "rician", "rician_rank1")
FADING = ("rayleigh", "rician", "rician_rank1")  # models with a part that varies under Doppler
RICIAN = ("rician", "rician_rank1")
ESTIMATORS = ("ls", "ls_min_residual", "lmmse")
CSI = ("perfect", *ESTIMATORS, "none")
DETECTORS = ("zf", "lmmse", "none")
INTERPOLATIONS = ("nearest", "linear")
PILOTS = ("hadamard", "zadoff_chu", "encoded_sine")
MODULATIONS = ("bpsk", "qpsk", "16qam", "64qam", "256qam")
CODE_RATES = ("1/2", "2/3", "3/4", "5/6")
CODE_LENGTHS = (648, 1296, 1944)  # [bits] of a coded block
CRC_BITS = (16, 24, 32)
REPETITIONS = (1, 2, 4, 8)
DEMAPPERS = ("max_log", "exact")
