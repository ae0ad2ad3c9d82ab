# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole chain in Torch: differentiable for training, and the reference of GNU Radio runs."""
