# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Systems without a radio on one split, and what a radio link could make of them at most."""
