# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Networks that turn sound and pictures into features, with their preprocessing."""
