# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Evaluation of localisers and attention on a split, and bounds on the accuracy over a radio
link."""
