# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Weights of learned systems: files, and names of the shipped ones."""
