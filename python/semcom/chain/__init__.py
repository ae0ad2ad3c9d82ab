# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The whole chain in Torch: what training differentiates, and the reference of a run."""
