# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Torch networks: layers, and the semantic communication systems built from them."""
