# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Figures that the programs gave once, and that they have to give again: see cases.py, run.py."""
