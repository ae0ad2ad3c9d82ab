# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Losses, evaluation and the trainer behind ``apps/train.py``."""
