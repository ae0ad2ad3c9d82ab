# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Trainings: losses, evaluation, the loop, and the recipes of train.py."""
