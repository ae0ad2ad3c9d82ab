# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tasks: what is true, what came out, and how it is judged."""
