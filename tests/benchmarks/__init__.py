# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Speeds, each beside a named peer measured in the same run; never asserted in a test."""
